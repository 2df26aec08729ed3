//! Stopped: nothing lives. Begins a life, waits out a backoff, or rests.

use std::sync::Arc;
use std::time::Duration;

use crate::hook::Outcome;
use crate::ids::{ProcId, Ticket};
use crate::log::Said;
use crate::profile::{Profile, Restart};

use super::Context;
use super::event::{Action, Event, Look, Order};
use super::gate;
use super::imprint::Made;
use super::memory::{Memory, Rest, Want};
use super::state::{Idle, Running, State, Stopped, Then};

/// How long an answer about a pid file may take before the start goes on without it.
const LOOK: Duration = Duration::from_secs(5);

/// How long the hook engine may take to load hooks.
pub(super) const LOAD: Duration = Duration::from_secs(5);

impl Stopped {
    pub(super) fn step(self, memory: &mut Memory, cx: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Begin(_) => match self {
                Self::Idle(Idle::New) => begin_afresh(memory, cx),
                Self::Idle(_)
                | Self::Looking { .. }
                | Self::Loading { .. }
                | Self::Backoff { .. }
                | Self::Deciding { .. } => State::Stopped(self),
            },
            Event::Settings(new) => self.settings(memory, cx, new),
            Event::BadSettings(why) => {
                memory.trouble = Some(why);
                State::Stopped(self)
            }
            Event::Removed => {
                self.lapse(cx);
                memory.want = Want::Gone;
                memory.force = false;
                cx.say(Said::Disappeared);
                State::Stopped(Self::Idle(Idle::Gone))
            }
            Event::Drain => {
                self.lapse(cx);
                memory.drain();
                State::Stopped(match self {
                    Self::Idle(idle) => Self::Idle(idle),
                    Self::Looking { .. }
                    | Self::Loading { .. }
                    | Self::Backoff { .. }
                    | Self::Deciding { .. } => Self::Idle(Idle::Ordered),
                })
            }
            Event::Order(order) => self.order(memory, cx, order),
            Event::PidFile(look) => match self {
                Self::Looking { .. } => looked(memory, cx, look),
                Self::Idle(_) | Self::Loading { .. } | Self::Backoff { .. } | Self::Deciding { .. } => {
                    State::Stopped(self)
                }
            },
            Event::HooksLoaded(..) => match self {
                Self::Loading { .. } => start(memory, cx),
                // What was wrong with its hooks may be what was changed.
                Self::Idle(Idle::Held) if memory.profile.is_some() && memory.want == Want::Up => {
                    memory.trouble = None;
                    memory.for_reason("its hooks have changed");
                    start(memory, cx)
                }
                Self::Idle(_) | Self::Looking { .. } | Self::Backoff { .. } | Self::Deciding { .. } => {
                    State::Stopped(self)
                }
            },
            Event::Decided { id: answered, outcome, hook: _ } => match self {
                Self::Deciding { id, then, .. } if id == answered => {
                    let then = memory.verdict(cx, outcome, then);
                    settle(memory, cx, then)
                }
                Self::Idle(_)
                | Self::Looking { .. }
                | Self::Loading { .. }
                | Self::Backoff { .. }
                | Self::Deciding { .. } => State::Stopped(self),
            },
            Event::Timeout => self.timeout(memory, cx),
            // A process that nobody waits for any more must not live on beside the next one.
            Event::Spawned { ticket, id: _ } => {
                cx.act(Action::KillTree { ticket });
                State::Stopped(self)
            }
            Event::SpawnFailed { .. } | Event::Exited { .. } | Event::Gone { .. } | Event::Wished { .. } => {
                State::Stopped(self)
            }
        }
    }

    fn timeout(self, memory: &mut Memory, cx: &mut Context<'_>) -> State {
        match self {
            Self::Looking { until } if cx.now >= until => gate::enter(memory, cx),
            Self::Backoff { until } if cx.now >= until => {
                memory.for_reason("backoff over");
                start(memory, cx)
            }
            // The hook engine does not answer: what has a gate stays behind it, the rest does without.
            Self::Loading { until } if cx.now >= until => {
                if memory.awaits_gate() && !memory.force {
                    return State::Stopped(load(cx));
                }
                look_or_launch(memory, cx)
            }
            Self::Deciding { until, then, .. } if cx.now >= until => {
                self.lapse(cx);
                let then = memory.verdict(cx, Outcome::TimedOut, then);
                settle(memory, cx, then)
            }
            Self::Idle(_)
            | Self::Looking { .. }
            | Self::Loading { .. }
            | Self::Backoff { .. }
            | Self::Deciding { .. } => State::Stopped(self),
        }
    }

    /// Drops the question that is open.
    fn lapse(self, cx: &mut Context<'_>) {
        if let Self::Deciding { id, .. } = self {
            cx.act(Action::Lapse(id));
        }
    }

    fn settings(self, memory: &mut Memory, cx: &mut Context<'_>, new: Arc<Profile>) -> State {
        if self == Self::Idle(Idle::Held) && memory.profile.as_ref() == Some(&new) {
            // Files that are good again tell nothing new of the `on_start` that holds it.
            memory.hold_for_gate(cx.now);
            return State::Stopped(self);
        }
        let old = memory.profile.clone();
        let shape_differs = memory.differs(&new).unwrap_or(true);
        memory.accept(cx.now, new);
        let starts = match self {
            // New: `Begin` comes next and decides. Ordered: an order outranks the files. Looking: it starts anyway.
            Self::Idle(Idle::New | Idle::Ordered) | Self::Looking { .. } | Self::Loading { .. } => false,
            Self::Idle(Idle::Down) => !memory.policy().down,
            // The order to start found nothing that could be started.
            Self::Idle(Idle::Held) => !memory.policy().down || memory.ordered,
            // With `down` it does not start by itself, whatever was changed besides; a backoff that is under way
            // goes on.
            Self::Idle(Idle::Rest(_)) | Self::Backoff { .. } | Self::Deciding { .. }
                if memory.policy().down =>
            {
                false
            }
            Self::Idle(Idle::Rest(Rest::Done)) => shape_differs,
            // What was wrong with it may be what was changed.
            Self::Idle(Idle::Rest(Rest::Dead)) | Self::Deciding { then: Then::Rest(Rest::Dead), .. } => {
                shape_differs || memory.policy().restart != Restart::Never
            }
            Self::Idle(Idle::Rest(Rest::GaveUp)) | Self::Backoff { .. } | Self::Deciding { .. } => {
                shape_differs || old != memory.profile
            }
            Self::Idle(Idle::Gone) => {
                memory.want = Want::Up;
                memory.ordered = false;
                !memory.policy().down
            }
        };
        if starts {
            self.lapse(cx);
            memory.forgive();
            memory.for_reason(match self {
                Self::Idle(Idle::Down) => "its `down` file is gone",
                Self::Idle(Idle::Gone) => "its directory is back",
                Self::Idle(_)
                | Self::Looking { .. }
                | Self::Loading { .. }
                | Self::Backoff { .. }
                | Self::Deciding { .. } => "its files have changed",
            });
            return start(memory, cx);
        }
        State::Stopped(match self {
            Self::Idle(Idle::Gone | Idle::Held) => Self::Idle(Idle::Down),
            Self::Idle(_)
            | Self::Looking { .. }
            | Self::Loading { .. }
            | Self::Backoff { .. }
            | Self::Deciding { .. } => self,
        })
    }

    fn order(self, memory: &mut Memory, cx: &mut Context<'_>, order: Order) -> State {
        if matches!(self, Self::Idle(Idle::Gone)) {
            return State::Stopped(self);
        }
        match order {
            Order::Start { .. } | Order::Restart => {
                memory.obey_start(order);
                self.lapse(cx);
                match self {
                    Self::Looking { .. } | Self::Loading { .. } => State::Stopped(self),
                    Self::Idle(_) | Self::Backoff { .. } | Self::Deciding { .. } => start(memory, cx),
                }
            }
            Order::Stop => {
                self.lapse(cx);
                memory.obey(Want::Down);
                memory.force = false;
                State::Stopped(Self::Idle(Idle::Ordered))
            }
            // Nothing runs that could be signalled.
            Order::Reload | Order::Signal(_) => State::Stopped(self),
        }
    }
}

/// Begins a life as the files say.
pub(super) fn begin_afresh(memory: &mut Memory, cx: &mut Context<'_>) -> State {
    match &memory.profile {
        None => State::Stopped(Stopped::Idle(Idle::Held)),
        Some(profile) if profile.policy.down => State::Stopped(Stopped::Idle(Idle::Down)),
        Some(_) => {
            memory.for_reason("no `down` file holds it");
            start(memory, cx)
        }
    }
}

/// Takes a live process over.
fn adopt(memory: &mut Memory, cx: &mut Context<'_>, ticket: Ticket, id: ProcId, up: Duration) -> Running {
    cx.act(Action::Adopt { ticket, id });
    cx.say(Said::Adopted { id, up });
    let made = Made::found(memory.profile.clone());
    let running = Running { ticket, id, since: cx.now.minus(up), made, attention: None };
    running.attend(memory, cx.now)
}

/// Starts the profile: once its hooks are loaded, and after a look whether its pid file names a process that lives.
pub(super) fn start(memory: &mut Memory, cx: &mut Context<'_>) -> State {
    memory.load_hooks(cx);
    if memory.awaits_hooks() {
        return State::Stopped(load(cx));
    }
    look_or_launch(memory, cx)
}

/// Waits for the hooks.
pub(super) fn load(cx: &Context<'_>) -> Stopped {
    Stopped::Loading { until: cx.now.plus(LOAD) }
}

fn look_or_launch(memory: &mut Memory, cx: &mut Context<'_>) -> State {
    match &memory.profile {
        None => State::Stopped(Stopped::Idle(Idle::Held)),
        Some(profile) if profile.shape.pid_file.is_some() => {
            cx.act(Action::LookAtPidFile(Arc::clone(profile)));
            State::Stopped(Stopped::Looking { until: cx.now.plus(LOOK) })
        }
        Some(_) => gate::enter(memory, cx),
    }
}

/// The pid file was looked at before the start.
fn looked(memory: &mut Memory, cx: &mut Context<'_>, look: Look) -> State {
    match look {
        Look::Names { id, up } => {
            let ticket = cx.tickets.take();
            memory.forget_attention();
            memory.for_reason(format!("its pid file names pid {}, which lives", id.pid));
            State::Running(adopt(memory, cx, ticket, id, up))
        }
        Look::Stale(_) => {
            // Many a daemon refuses to start while its pid file is there.
            if let Some(profile) = &memory.profile {
                cx.say(Said::RemovingPidFile);
                cx.act(Action::RemovePidFile(Arc::clone(profile)));
            }
            gate::enter(memory, cx)
        }
        Look::Rejected(why) => {
            cx.say(Said::PidFileRejected { why });
            gate::enter(memory, cx)
        }
        Look::Absent => gate::enter(memory, cx),
    }
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
