//! Starting: the keeper was asked for a process, or `run` runs and its daemon is awaited.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::exit::Exit;
use crate::ids::{ProcId, Ticket};
use crate::log::{Outcome, Said, Span};
use crate::process::{Scope, SpawnError, Stage};
use crate::profile::Profile;

use super::Context;
use super::event::{Action, Event, Look, Order};
use super::memory::{Memory, Want};
use super::policy::End;
use super::state::{Daemonizing, Ending, Running, Starting, State, Stopping};
use super::stopped::settle;

/// The pause after the first look at a pid file; it doubles up to [`LOOK_CAP`].
const LOOK_BASE: Duration = Duration::from_millis(10);
const LOOK_CAP: Duration = Duration::from_millis(500);

/// How long a pid file is awaited when nothing of the start lives any more: a helper outside the start, such as
/// another supervisor, may yet write it.
const GRACE: Duration = Duration::from_secs(2);

impl Starting {
    pub(super) fn step(self, memory: &mut Memory, cx: &mut Context<'_>, event: Event) -> State {
        match self {
            Self::Launching { .. } => self.launching(memory, cx, event),
            Self::Daemonizing(waiting) => waiting.step(memory, cx, event),
        }
    }

    fn launching(self, memory: &mut Memory, cx: &mut Context<'_>, event: Event) -> State {
        let Self::Launching { ticket, profile, since, until } = self else { return State::Starting(self) };
        match event {
            Event::Spawned { ticket: spawned, id } if spawned == ticket => {
                return spawned_as(memory, cx, ticket, id, profile);
            }
            Event::SpawnFailed { ticket: failed, stage, error } if failed == ticket => {
                cx.act(Action::Release { ticket });
                return fail(memory, cx, None, spawn_trouble(&profile, stage, &error));
            }
            Event::Exited { ticket: ended, exit, .. } if ended == ticket => {
                return fail(memory, cx, Some(Alive { ticket, since, profile }), exit.to_string());
            }
            Event::Gone { ticket: gone } if gone == ticket => {
                return fail(
                    memory,
                    cx,
                    Some(Alive { ticket, since, profile }),
                    "its process is gone".to_owned(),
                );
            }
            Event::Timeout if cx.now >= until => {
                return fail(
                    memory,
                    cx,
                    Some(Alive { ticket, since, profile }),
                    "no answer from the keeper".to_owned(),
                );
            }
            Event::Removed | Event::Drain | Event::Order(Order::Stop) => {
                yield_to(memory, cx, &event);
                cx.say(Said::Stopping);
                let ending = Ending::asked(cx, ticket, since, Some(profile), None);
                return State::Stopping(Stopping::Unborn { ending, until });
            }
            Event::Settings(new) => memory.accept(new),
            Event::BadSettings(why) => memory.trouble = Some(why),
            Event::Order(Order::Start | Order::Restart) => memory.obey(Want::Up),
            // A process of an older start must not live on beside this one.
            Event::Spawned { ticket, .. } => cx.act(Action::KillTree { ticket }),
            Event::Begin(_)
            | Event::Order(Order::Reload | Order::Signal(_))
            | Event::SpawnFailed { .. }
            | Event::PidFile(_)
            | Event::Exited { .. }
            | Event::Gone { .. }
            | Event::Timeout => {}
        }
        State::Starting(Self::Launching { ticket, profile, since, until })
    }
}

/// Notes in the memory what ends a start: an order to stop, a drain, or the profile's removal.
pub(super) fn yield_to(memory: &mut Memory, cx: &mut Context<'_>, event: &Event) {
    match event {
        Event::Removed => {
            memory.want = Want::Gone;
            cx.say(Said::Disappeared);
        }
        Event::Drain => memory.drain(),
        Event::Order(Order::Stop) => memory.obey(Want::Down),
        Event::Begin(_)
        | Event::Settings(_)
        | Event::BadSettings(_)
        | Event::Order(Order::Start | Order::Restart | Order::Reload | Order::Signal(_))
        | Event::Spawned { .. }
        | Event::SpawnFailed { .. }
        | Event::PidFile(_)
        | Event::Exited { .. }
        | Event::Gone { .. }
        | Event::Timeout => {}
    }
}

/// The keeper made the process.
fn spawned_as(
    memory: &mut Memory,
    cx: &mut Context<'_>,
    ticket: Ticket,
    id: ProcId,
    profile: Arc<Profile>,
) -> State {
    if profile.shape.pid_file.is_none() {
        cx.say(Said::Running { id });
        let running = Running { ticket, id, since: cx.now, profile: Some(profile) };
        return running.catch_up(memory, cx);
    }
    State::Starting(Starting::Daemonizing(Daemonizing {
        ticket,
        launcher: Some(id),
        since: cx.now,
        look_at: cx.now.plus(LOOK_BASE),
        pause: LOOK_BASE * 2,
        until: cx.now.plus(profile.policy.start_timeout),
        last_look: None,
        profile,
    }))
}

/// What went wrong, and on what.
fn spawn_trouble(profile: &Profile, stage: Stage, error: &SpawnError) -> String {
    let detail = match stage {
        Stage::User => profile.shape.user.as_ref().map(|user| user.user.as_ref()),
        Stage::Directory => profile.shape.directory.as_deref(),
        Stage::Output
        | Stage::Clone
        | Stage::Session
        | Stage::Limits
        | Stage::Nice
        | Stage::Credentials
        | Stage::Descriptors
        | Stage::Exec => None,
    };
    match detail {
        Some(detail) => format!("could not {stage} `{detail}`: {error}"),
        None => format!("could not {stage}: {error}"),
    }
}

/// A start of which something may live.
struct Alive {
    ticket: Ticket,
    since: Moment,
    profile: Arc<Profile>,
}

/// A start failed.
fn fail(memory: &mut Memory, cx: &mut Context<'_>, alive: Option<Alive>, why: String) -> State {
    let (then, outcome) = memory.decide(cx, End::FailedStart);
    if outcome != Outcome::Ending {
        cx.say(Said::StartFailed { why, outcome });
    }
    memory.say_if_given_up(cx, then);
    match alive {
        Some(Alive { ticket, since, profile }) => {
            let profile = Some(profile);
            let ending = Ending { ticket, since, profile, main: None, exit: None, asked: false, then };
            Stopping::kill(cx, ending, true)
        }
        None => settle(memory, cx, then),
    }
}

impl Daemonizing {
    fn step(mut self, memory: &mut Memory, cx: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::PidFile(Look::Names { id, .. }) => return self.ready(memory, cx, id),
            Event::PidFile(look) => return self.not_ready(memory, cx, look),
            Event::Exited { ticket, id, exit, remains }
                if ticket == self.ticket && self.launcher == Some(id) =>
            {
                return self.launched(memory, cx, exit, &remains);
            }
            Event::Gone { ticket } if ticket == self.ticket => self.hurry(cx),
            Event::Timeout => return self.timeout(memory, cx),
            Event::Removed | Event::Drain | Event::Order(Order::Stop) => {
                yield_to(memory, cx, &event);
                cx.say(Said::Stopping);
                return self.stop(memory, cx);
            }
            Event::Order(Order::Restart) => {
                memory.obey(Want::Up);
                cx.say(Said::Stopping);
                return self.stop(memory, cx);
            }
            Event::Settings(new) => {
                memory.accept(new);
                // The old pid file may never come: what was changed is how the service starts.
                if memory.profile.as_ref().is_some_and(|new| new.shape != self.profile.shape) {
                    cx.say(Said::Changed);
                    cx.say(Said::Stopping);
                    return self.stop(memory, cx);
                }
            }
            Event::BadSettings(why) => memory.trouble = Some(why),
            Event::Order(Order::Start) => memory.obey(Want::Up),
            Event::Spawned { ticket, .. } if ticket != self.ticket => cx.act(Action::KillTree { ticket }),
            Event::Order(Order::Signal(signal)) => {
                cx.act(Action::Signal { ticket: self.ticket, scope: Scope::Tree, signal });
            }
            Event::Begin(_)
            | Event::Order(Order::Reload)
            | Event::Spawned { .. }
            | Event::SpawnFailed { .. }
            | Event::Exited { .. }
            | Event::Gone { .. } => {}
        }
        State::Starting(Starting::Daemonizing(self))
    }

    /// The pid file names the daemon.
    fn ready(self, memory: &mut Memory, cx: &mut Context<'_>, id: ProcId) -> State {
        if self.launcher != Some(id) {
            cx.act(Action::Adopt { ticket: self.ticket, id });
        }
        cx.say(Said::Running { id });
        let running = Running { ticket: self.ticket, id, since: cx.now, profile: Some(self.profile) };
        running.catch_up(memory, cx)
    }

    fn not_ready(self, memory: &mut Memory, cx: &mut Context<'_>, look: Look) -> State {
        if cx.now < self.until {
            return State::Starting(Starting::Daemonizing(self));
        }
        let waited = Span(cx.now.since(self.since));
        let why = match look {
            Look::Stale(why) | Look::Rejected(why) => format!("not ready after {waited}: {why}"),
            Look::Absent | Look::Names { .. } => format!("not ready after {waited}: there is no pid file"),
        };
        fail(memory, cx, Some(self.alive()), why)
    }

    /// `run` ended, as it should once the daemon is on its way.
    fn launched(
        mut self,
        memory: &mut Memory,
        cx: &mut Context<'_>,
        exit: Exit,
        remains: &[ProcId],
    ) -> State {
        self.launcher = None;
        if !exit.is_success() {
            return fail(memory, cx, Some(self.alive()), format!("`run` ended with {exit}"));
        }
        if remains.is_empty() {
            self.hurry(cx);
        } else {
            cx.act(Action::Watch { ticket: self.ticket });
        }
        self.look(cx);
        State::Starting(Starting::Daemonizing(self))
    }

    fn alive(self) -> Alive {
        Alive { ticket: self.ticket, since: self.since, profile: self.profile }
    }

    /// Nothing of the start lives: the pid file will come soon or never.
    fn hurry(&mut self, cx: &Context<'_>) {
        self.until = self.until.min(cx.now.plus(GRACE));
    }

    fn look(&self, cx: &mut Context<'_>) {
        cx.act(Action::LookAtPidFile(Arc::clone(&self.profile)));
    }

    fn timeout(mut self, memory: &mut Memory, cx: &mut Context<'_>) -> State {
        match self.last_look {
            Some(answered) if cx.now >= answered => {
                return self.not_ready(memory, cx, Look::Absent);
            }
            None if cx.now >= self.until => {
                self.look(cx);
                self.last_look = Some(cx.now.plus(GRACE));
            }
            None if cx.now >= self.look_at => {
                self.look(cx);
                self.look_at = cx.now.plus(self.pause);
                self.pause = (self.pause * 2).min(LOOK_CAP);
            }
            Some(_) | None => {}
        }
        State::Starting(Starting::Daemonizing(self))
    }

    /// Told to stop before the daemon is known: the signals go to all that the start has made.
    fn stop(self, memory: &Memory, cx: &mut Context<'_>) -> State {
        let ending = Ending::asked(cx, self.ticket, self.since, Some(self.profile), self.launcher);
        cx.act(Action::Watch { ticket: self.ticket });
        Stopping::first_signal(memory, cx, ending, Scope::Tree)
    }
}
