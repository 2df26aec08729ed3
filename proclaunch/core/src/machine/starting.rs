//! Starting: the keeper was asked for a process, or `run` runs and its daemon is awaited.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::exit::Exit;
use crate::ids::{ProcId, Ticket};
use crate::log::{Outcome, Said, Span};
use crate::process::{Scope, SpawnError, Stage};
use crate::profile::{Profile, Variable};

use super::Context;
use super::event::{Action, Event, Look, Order};
use super::imprint::Made;
use super::memory::{Memory, Want};
use super::policy::{Death, End};
use super::readying;
use super::remembered::Cause;
use super::state::{Daemonizing, Ending, Idle, Launching, Running, Starting, State, Stopped, Stopping};
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
            Self::Launching(launching) => launching.step(memory, cx, event),
            Self::Daemonizing(waiting) => waiting.step(memory, cx, event),
            Self::Gate(gate) => gate.step(memory, cx, event),
            Self::Readying(readying) => readying.step(memory, cx, event),
        }
    }
}

impl Launching {
    fn step(self, memory: &mut Memory, cx: &mut Context<'_>, event: Event) -> State {
        let (ticket, until) = (self.ticket, self.until);
        match event {
            Event::Spawned { ticket: spawned, id } if spawned == ticket => {
                return self.spawned(memory, cx, id, cx.now);
            }
            Event::SpawnFailed { ticket: failed, stage, error } if failed == ticket => {
                cx.act(Action::Release { ticket });
                return fail(memory, cx, None, spawn_trouble(&self.profile, stage, &error));
            }
            Event::Exited { ticket: ended, exit, .. } if ended == ticket => {
                return fail(memory, cx, Some(self.alive()), exit.to_string());
            }
            Event::Gone { ticket: gone } if gone == ticket => {
                return fail(memory, cx, Some(self.alive()), "its process is gone".to_owned());
            }
            Event::Timeout if cx.now >= until => {
                let why = "no answer from the keeper";
                memory.note_start_timeout(cx.now, why);
                return fail(memory, cx, Some(self.alive()), why.to_owned());
            }
            Event::Removed | Event::Drain | Event::Order(Order::Stop) => {
                yield_to(memory, cx, &event);
                return self.stop(cx);
            }
            Event::Settings(new) => memory.accept(cx.now, new),
            Event::BadSettings(why) => memory.trouble = Some(why),
            Event::Order(Order::Restart) => {
                // What is being made may have read what the order is given for.
                memory.obey_start(Order::Restart);
                return self.stop(cx);
            }
            Event::Order(order @ Order::Start { .. }) => memory.obey_start(order),
            // A process of an older start must not live on beside this one.
            Event::Spawned { ticket, .. } => cx.act(Action::KillTree { ticket }),
            Event::Begin(_)
            | Event::Order(Order::Reload | Order::Signal(_))
            | Event::SpawnFailed { .. }
            | Event::PidFile(_)
            | Event::Exited { .. }
            | Event::Gone { .. }
            | Event::HooksLoaded(..)
            | Event::Decided { .. }
            | Event::Wished { .. }
            | Event::Timeout => {}
        }
        State::Starting(Starting::Launching(self))
    }

    /// Told to stop before it is known whether there is a process.
    fn stop(self, cx: &mut Context<'_>) -> State {
        let Self { ticket, profile, since, until, .. } = self;
        cx.say(Said::Stopping);
        let ending = Ending::asked(cx, ticket, since, Made::By(profile), None);
        State::Stopping(Stopping::Unborn { ending, until })
    }

    fn alive(self) -> Alive {
        Alive { ticket: self.ticket, since: self.since, made: Made::By(self.profile) }
    }

    /// The keeper has made the process; it runs since that moment.
    pub(super) fn spawned(
        self,
        memory: &mut Memory,
        cx: &mut Context<'_>,
        id: ProcId,
        since: Moment,
    ) -> State {
        let Self { ticket, profile, .. } = self;
        if profile.shape.pid_file.is_none() {
            let running = Running { ticket, id, since, made: Made::By(profile), attention: None };
            return readying::enter(memory, cx, running);
        }
        let until = since.plus(profile.policy.start_timeout);
        let waiting = Daemonizing::new(since, ticket, profile, Some(id), until);
        State::Starting(Starting::Daemonizing(waiting))
    }
}

/// Why a profile is stopped that is not there any more.
pub(super) const GONE: &str = "the profile has disappeared";

/// Why a profile is stopped while the supervisor comes to its end.
pub(super) const DRAINS: &str = "the supervisor drains";

/// Notes in the memory what ends a start: an order to stop, a drain, or the profile's removal.
pub(super) fn yield_to(memory: &mut Memory, cx: &mut Context<'_>, event: &Event) {
    memory.force = false;
    match event {
        Event::Removed => {
            memory.want = Want::Gone;
            memory.because(Cause::Changed, GONE.to_owned());
            memory.for_reason("its directory is gone");
            cx.say(Said::Disappeared);
        }
        Event::Drain => {
            memory.drain();
            memory.because(Cause::Order, DRAINS.to_owned());
            memory.for_reason(DRAINS);
        }
        Event::Order(Order::Stop) => {
            memory.obey(Want::Down);
            let told = memory.told_by.take();
            memory.for_reason(told.clone().map_or(Cow::Borrowed("told to stop"), Cow::Owned));
            memory.because(Cause::Order, told.unwrap_or_else(|| "it was ordered to stop".to_owned()));
        }
        Event::Begin(_)
        | Event::Settings(_)
        | Event::BadSettings(_)
        | Event::Order(Order::Start { .. } | Order::Restart | Order::Reload | Order::Signal(_))
        | Event::Spawned { .. }
        | Event::SpawnFailed { .. }
        | Event::PidFile(_)
        | Event::Exited { .. }
        | Event::Gone { .. }
        | Event::HooksLoaded(..)
        | Event::Decided { .. }
        | Event::Wished { .. }
        | Event::Timeout => {}
    }
}

/// Asks for a process.
pub(super) fn launch(memory: &mut Memory, cx: &mut Context<'_>, variables: Vec<Variable>) -> State {
    let Some(profile) = memory.profile.clone() else {
        return State::Stopped(Stopped::Idle(Idle::Held));
    };
    let ticket = cx.tickets.take();
    let is_forced = std::mem::take(&mut memory.force);
    memory.starts += 1;
    memory.has_ended = false;
    memory.forget_attention();
    cx.say(Said::Starting);
    cx.act(Action::Spawn { ticket, profile: Arc::clone(&profile), variables: variables.clone() });
    let until = cx.now.plus(profile.policy.start_timeout);
    State::Starting(Starting::Launching(Launching {
        ticket,
        profile,
        variables,
        is_forced,
        since: cx.now,
        until,
    }))
}

/// What went wrong, and on what.
fn spawn_trouble(profile: &Profile, stage: Stage, error: &SpawnError) -> String {
    let detail = match stage {
        Stage::User | Stage::Credentials => profile.shape.user.as_ref().map(|user| user.user.to_string()),
        Stage::Directory => profile.shape.directory.as_deref().map(str::to_owned),
        Stage::Nice => profile.shape.nice.map(|nice| nice.to_string()),
        // Which limit it was is in the error.
        Stage::Output | Stage::Clone | Stage::Session | Stage::Limits | Stage::Descriptors | Stage::Exec => {
            None
        }
    };
    match detail {
        Some(detail) => format!("could not {stage} `{detail}`: {error}"),
        None => format!("could not {stage}: {error}"),
    }
}

/// A start of which something may live.
pub(super) struct Alive {
    pub(super) ticket: Ticket,
    pub(super) since: Moment,
    pub(super) made: Made,
}

/// A start failed.
pub(super) fn fail(memory: &mut Memory, cx: &mut Context<'_>, alive: Option<Alive>, why: String) -> State {
    fail_at(memory, cx, cx.now, alive, why)
}

/// A start failed at a moment that may have passed.
pub(super) fn fail_at(
    memory: &mut Memory,
    cx: &mut Context<'_>,
    at: Moment,
    alive: Option<Alive>,
    why: String,
) -> State {
    memory.because(Cause::Died, why.clone());
    memory.for_reason(why.clone());
    cx.failed = Some(why.clone());
    let (then, outcome) = memory.decide(cx, at, End::FailedStart);
    if outcome != Outcome::Ending {
        cx.say(Said::StartFailed { why, outcome });
    }
    memory.say_if_given_up(cx, then);
    match alive {
        Some(Alive { ticket, since, made }) => {
            let ending = Ending::unasked(ticket, since, made, None, then);
            Stopping::kill(cx, ending, true)
        }
        None => settle(memory, cx, then),
    }
}

impl Daemonizing {
    /// Begins to look for the pid file.
    pub(super) fn new(
        now: Moment,
        ticket: Ticket,
        profile: Arc<Profile>,
        launcher: Option<ProcId>,
        until: Moment,
    ) -> Self {
        let (since, look_at, pause) = (now, now.plus(LOOK_BASE), LOOK_BASE * 2);
        Self { ticket, launcher, since, look_at, pause, until, last_look: None, profile }
    }

    fn step(mut self, memory: &mut Memory, cx: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::PidFile(Look::Names { id, .. }) => return self.ready(memory, cx, id),
            Event::PidFile(look) => return self.not_ready(memory, cx, look),
            Event::Exited { ticket, id, exit, remains }
                if ticket == self.ticket && self.launcher == Some(id) =>
            {
                return self.launched(memory, cx, &Death::seen(cx.now, exit, remains));
            }
            Event::Gone { ticket } if ticket == self.ticket => self.hurry(cx),
            Event::Timeout => return self.timeout(memory, cx),
            Event::Removed | Event::Drain | Event::Order(Order::Stop) => {
                yield_to(memory, cx, &event);
                cx.say(Said::Stopping);
                return self.stop(memory, cx);
            }
            Event::Order(Order::Restart) => {
                memory.obey_start(Order::Restart);
                cx.say(Said::Stopping);
                return self.stop(memory, cx);
            }
            Event::Settings(new) => {
                memory.accept(cx.now, new);
                // The old pid file may never come: what was changed is how the service starts.
                if memory.profile.as_ref().is_some_and(|new| new.shape != self.profile.shape) {
                    memory.for_reason("its files have changed");
                    cx.say(Said::Changed);
                    cx.say(Said::Stopping);
                    return self.stop(memory, cx);
                }
            }
            Event::BadSettings(why) => memory.trouble = Some(why),
            Event::Order(order @ Order::Start { .. }) => memory.obey_start(order),
            Event::Spawned { ticket, .. } if ticket != self.ticket => cx.act(Action::KillTree { ticket }),
            Event::Order(Order::Signal(signal)) => {
                cx.is_sent = true;
                cx.act(Action::Signal { ticket: self.ticket, scope: Scope::Tree, signal });
            }
            Event::Begin(_)
            | Event::Order(Order::Reload)
            | Event::Spawned { .. }
            | Event::SpawnFailed { .. }
            | Event::Exited { .. }
            | Event::Gone { .. }
            | Event::HooksLoaded(..)
            | Event::Decided { .. }
            | Event::Wished { .. } => {}
        }
        State::Starting(Starting::Daemonizing(self))
    }

    /// The pid file names the daemon.
    fn ready(self, memory: &mut Memory, cx: &mut Context<'_>, id: ProcId) -> State {
        if self.launcher != Some(id) {
            cx.act(Action::Adopt { ticket: self.ticket, id });
        }
        let (ticket, made) = (self.ticket, Made::By(self.profile));
        readying::enter(memory, cx, Running { ticket, id, since: cx.now, made, attention: None })
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
        memory.note_start_timeout(cx.now, &why);
        fail(memory, cx, Some(self.alive()), why)
    }

    /// `run` ended, as it should once the daemon is on its way.
    pub(super) fn launched(mut self, memory: &mut Memory, cx: &mut Context<'_>, death: &Death) -> State {
        self.launcher = None;
        // How it ended is known, unless keeper and supervisor were gone: then its daemon tells.
        let is_known = !death.is_unseen || death.exit != Exit::Unknown;
        if is_known && !death.exit.is_success() {
            let why = format!("`run` ended with {}", death.exit);
            return fail(memory, cx, Some(self.alive()), why);
        }
        if death.remains.as_ref().is_some_and(Vec::is_empty) {
            self.hurry(cx);
        } else {
            cx.act(Action::Watch { ticket: self.ticket });
        }
        self.look(cx);
        State::Starting(Starting::Daemonizing(self))
    }

    pub(super) fn alive(self) -> Alive {
        Alive { ticket: self.ticket, since: self.since, made: Made::By(self.profile) }
    }

    /// Nothing of the start lives: the pid file will come soon or never.
    fn hurry(&mut self, cx: &Context<'_>) {
        self.until = self.until.min(cx.now.plus(GRACE));
    }

    pub(super) fn look(&self, cx: &mut Context<'_>) {
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
        let ending = Ending::asked(cx, self.ticket, self.since, Made::By(self.profile), self.launcher);
        cx.act(Action::Watch { ticket: self.ticket });
        Stopping::first_signal(memory, cx, ending, Scope::Tree)
    }
}
