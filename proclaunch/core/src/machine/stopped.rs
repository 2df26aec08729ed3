//! Stopped: nothing lives. Begins a life, waits out a backoff, or rests.

use std::sync::Arc;
use std::time::Duration;

use crate::exit::Exit;
use crate::ids::{ProcId, Ticket};
use crate::log::{Outcome, Said};
use crate::profile::{Profile, Restart};

use super::Context;
use super::event::{Action, Event, Look, Order, Recalled};
use super::memory::{Main, Memory, Rest, Want};
use super::policy::End;
use super::state::{Idle, Running, Starting, State, Stopped, Then};

/// How long an answer about a pid file may take before the start goes on without it.
const LOOK: Duration = Duration::from_secs(5);

impl Stopped {
    pub(super) fn step(self, memory: &mut Memory, cx: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Begin(recalled) => match self {
                Self::Idle(Idle::New) => begin(memory, cx, recalled.as_ref()),
                Self::Idle(_) | Self::Looking { .. } | Self::Backoff { .. } => State::Stopped(self),
            },
            Event::Settings(new) => self.settings(memory, cx, new),
            Event::BadSettings(why) => {
                memory.trouble = Some(why);
                State::Stopped(self)
            }
            Event::Removed => {
                memory.want = Want::Gone;
                cx.say(Said::Disappeared);
                State::Stopped(Self::Idle(Idle::Gone))
            }
            Event::Drain => {
                memory.drain();
                State::Stopped(match self {
                    Self::Idle(idle) => Self::Idle(idle),
                    Self::Looking { .. } | Self::Backoff { .. } => Self::Idle(Idle::Ordered),
                })
            }
            Event::Order(order) => self.order(memory, cx, order),
            Event::PidFile(look) => match self {
                Self::Looking { .. } => looked(memory, cx, look),
                Self::Idle(_) | Self::Backoff { .. } => State::Stopped(self),
            },
            Event::Timeout => match self {
                Self::Looking { until } if cx.now >= until => launch(memory, cx),
                Self::Backoff { until } if cx.now >= until => start(memory, cx),
                Self::Idle(_) | Self::Looking { .. } | Self::Backoff { .. } => State::Stopped(self),
            },
            // A process that nobody waits for any more must not live on beside the next one.
            Event::Spawned { ticket, id: _ } => {
                cx.act(Action::KillTree { ticket });
                State::Stopped(self)
            }
            Event::SpawnFailed { .. } | Event::Exited { .. } | Event::Gone { .. } => State::Stopped(self),
        }
    }

    fn settings(self, memory: &mut Memory, cx: &mut Context<'_>, new: Arc<Profile>) -> State {
        let old = memory.profile.replace(new);
        memory.trouble = None;
        let shape_differs =
            old.as_ref().map(|old| &old.shape) != memory.profile.as_ref().map(|new| &new.shape);
        let starts = match self {
            // New: `Begin` comes next and decides. Ordered: an order outranks the files. Looking: it starts anyway.
            Self::Idle(Idle::New | Idle::Ordered) | Self::Looking { .. } => false,
            Self::Idle(Idle::Down) => !memory.policy().down,
            // The order to start found nothing that could be started.
            Self::Idle(Idle::Held) => !memory.policy().down || memory.ordered,
            // With `down` it does not start by itself, whatever was changed besides; a backoff that is under way
            // goes on.
            Self::Idle(Idle::Rest(_)) | Self::Backoff { .. } if memory.policy().down => false,
            Self::Idle(Idle::Rest(Rest::Done)) => shape_differs,
            // What was wrong with it may be what was changed.
            Self::Idle(Idle::Rest(Rest::Dead)) => shape_differs || memory.policy().restart != Restart::Never,
            Self::Idle(Idle::Rest(Rest::GaveUp)) | Self::Backoff { .. } => {
                shape_differs || old != memory.profile
            }
            Self::Idle(Idle::Gone) => {
                memory.want = Want::Up;
                memory.ordered = false;
                !memory.policy().down
            }
        };
        if starts {
            memory.forgive();
            return start(memory, cx);
        }
        State::Stopped(match self {
            Self::Idle(Idle::Gone | Idle::Held) => Self::Idle(Idle::Down),
            Self::Idle(_) | Self::Looking { .. } | Self::Backoff { .. } => self,
        })
    }

    fn order(self, memory: &mut Memory, cx: &mut Context<'_>, order: Order) -> State {
        if matches!(self, Self::Idle(Idle::Gone)) {
            return State::Stopped(self);
        }
        match order {
            Order::Start | Order::Restart => {
                memory.obey(Want::Up);
                match self {
                    Self::Looking { .. } => State::Stopped(self),
                    Self::Idle(_) | Self::Backoff { .. } => start(memory, cx),
                }
            }
            Order::Stop => {
                memory.obey(Want::Down);
                State::Stopped(Self::Idle(Idle::Ordered))
            }
            // Nothing runs that could be signalled.
            Order::Reload | Order::Signal(_) => State::Stopped(self),
        }
    }
}

/// Begins a life: goes on where an earlier supervisor left off, or afresh.
fn begin(memory: &mut Memory, cx: &mut Context<'_>, recalled: Option<&Recalled>) -> State {
    let Some(&Recalled { remembered, up }) = recalled else {
        return begin_afresh(memory, cx);
    };
    memory.written = remembered;
    if let Some(want) = remembered.order {
        memory.want = want;
        memory.ordered = true;
    }
    if let (Some(Main { ticket, id }), Some(up)) = (remembered.process, up) {
        let running = adopt(memory, cx, ticket, id, up);
        return match memory.want {
            Want::Up => State::Running(running),
            Want::Down | Want::Gone => running.stop(memory, cx),
        };
    }
    if let Some(Main { id, .. }) = remembered.process {
        return died_unseen(memory, cx, id);
    }
    match (memory.want, remembered.rest) {
        (Want::Down | Want::Gone, _) => State::Stopped(Stopped::Idle(Idle::Ordered)),
        (Want::Up, Some(rest)) => State::Stopped(Stopped::Idle(Idle::Rest(rest))),
        (Want::Up, None) if memory.ordered => start(memory, cx),
        (Want::Up, None) => begin_afresh(memory, cx),
    }
}

/// The process ended while no supervisor lived to see it: as much of a death as any other, but that a new supervisor
/// starts nothing by itself that has a `down` file.
fn died_unseen(memory: &mut Memory, cx: &mut Context<'_>, id: ProcId) -> State {
    if memory.policy().down && !memory.ordered {
        cx.say(Said::DiedUnseen { id, outcome: Outcome::NotRestarted });
        return State::Stopped(Stopped::Idle(Idle::Down));
    }
    let (then, outcome) = memory.decide(cx, End::Died(Exit::Unknown, Duration::ZERO));
    cx.say(Said::DiedUnseen { id, outcome });
    memory.say_if_given_up(cx, then);
    settle(memory, cx, then)
}

fn begin_afresh(memory: &mut Memory, cx: &mut Context<'_>) -> State {
    match &memory.profile {
        None => State::Stopped(Stopped::Idle(Idle::Held)),
        Some(profile) if profile.policy.down => State::Stopped(Stopped::Idle(Idle::Down)),
        Some(_) => start(memory, cx),
    }
}

/// Takes a live process over.
pub(super) fn adopt(
    memory: &Memory,
    cx: &mut Context<'_>,
    ticket: Ticket,
    id: ProcId,
    up: Duration,
) -> Running {
    cx.act(Action::Adopt { ticket, id });
    cx.say(Said::Adopted { id, up });
    Running { ticket, id, since: cx.now.minus(up), profile: memory.profile.clone() }
}

/// Starts the profile: at once, or after a look whether its pid file names a process that lives already.
pub(super) fn start(memory: &mut Memory, cx: &mut Context<'_>) -> State {
    match &memory.profile {
        None => State::Stopped(Stopped::Idle(Idle::Held)),
        Some(profile) if profile.shape.pid_file.is_some() => {
            cx.act(Action::LookAtPidFile(Arc::clone(profile)));
            State::Stopped(Stopped::Looking { until: cx.now.plus(LOOK) })
        }
        Some(_) => launch(memory, cx),
    }
}

/// The pid file was looked at before the start.
fn looked(memory: &mut Memory, cx: &mut Context<'_>, look: Look) -> State {
    match look {
        Look::Names { id, up } => {
            let ticket = cx.tickets.take();
            State::Running(adopt(memory, cx, ticket, id, up))
        }
        Look::Stale(_) => {
            // Many a daemon refuses to start while its pid file is there.
            if let Some(profile) = &memory.profile {
                cx.say(Said::RemovingPidFile);
                cx.act(Action::RemovePidFile(Arc::clone(profile)));
            }
            launch(memory, cx)
        }
        Look::Rejected(why) => {
            cx.say(Said::PidFileRejected { why });
            launch(memory, cx)
        }
        Look::Absent => launch(memory, cx),
    }
}

/// Asks for a process.
fn launch(memory: &mut Memory, cx: &mut Context<'_>) -> State {
    let Some(profile) = memory.profile.clone() else {
        return State::Stopped(Stopped::Idle(Idle::Held));
    };
    let ticket = cx.tickets.take();
    memory.starts += 1;
    cx.say(Said::Starting);
    cx.act(Action::Spawn { ticket, profile: Arc::clone(&profile) });
    let until = cx.now.plus(profile.policy.start_timeout);
    State::Starting(Starting::Launching { ticket, profile, since: cx.now, until })
}

/// What comes after a stop or an end, once nothing lives any more.
pub(super) fn settle(memory: &mut Memory, cx: &mut Context<'_>, then: Then) -> State {
    match (memory.want, then) {
        (Want::Gone, _) => State::Stopped(Stopped::Idle(Idle::Gone)),
        (Want::Down, _) => State::Stopped(Stopped::Idle(Idle::Ordered)),
        (Want::Up, Then::Rest(rest)) => State::Stopped(Stopped::Idle(Idle::Rest(rest))),
        (Want::Up, Then::Down) => State::Stopped(Stopped::Idle(Idle::Down)),
        (Want::Up, Then::StartAt(until)) if until <= cx.now => start(memory, cx),
        (Want::Up, Then::StartAt(until)) => State::Stopped(Stopped::Backoff { until }),
    }
}
