//! Going on where an earlier supervisor left off.
//!
//! A phase that waits goes on waiting until the same moment; what was asked of a hook is asked again; what ended
//! unseen ends here, once. Where hooks have a say, they are loaded first: until then everything that happens waits.
//!
//! **Invariant:** what was not found is not guessed at: a start is made again only if neither a keeper nor the
//! process table knows of it.

use std::mem;
use std::sync::Arc;

use crate::clock::Moment;
use crate::ids::{ProcId, Ticket};

use super::event::{Event, Order};
use super::found::{Found, Recalled};
use super::health::Health;
use super::history::{Ring, Why};
use super::imprint::{Imprint, Made};
use super::memory::{Memory, Want};
use super::remembered::{Phase, Remembered, Start};
use super::state::{Ending, Idle, Running, Starting, State, StateName, Stopped, Stopping, Then};
use super::stopped::LOAD;
use super::{Context, Machine};

mod life;

use life::resume;

/// A machine that goes on as soon as its hooks are loaded.
#[derive(Clone, Debug)]
pub(super) struct Resuming {
    /// What the record says.
    record: Remembered,
    found: Found,
    /// How long the hook engine may take.
    pub(super) until: Moment,
    /// What has happened meanwhile.
    events: Vec<Event>,
    /// Its directory has gone meanwhile: what its files said before is of no interest.
    is_removed: bool,
}

impl Resuming {
    /// What the checks had said of it.
    pub(super) fn health(&self) -> Option<Health> {
        if let Phase::Running { attention: Some(attention), .. } = &self.record.phase {
            Some(attention.health)
        } else {
            None
        }
    }
}

impl Machine {
    /// Begins with what an earlier supervisor remembered.
    pub(super) fn recall(&mut self, cx: &mut Context<'_>, recalled: Recalled) {
        let Recalled { remembered: record, found } = recalled;
        self.memory.recall(&record);
        self.memory.load_hooks(cx);
        let (until, events) = (cx.now.plus(LOAD), Vec::new());
        let resuming = Resuming { record, found, until, events, is_removed: false };
        if self.memory.awaits_hooks() {
            self.state = shown(&resuming, &self.memory, cx.now);
            self.resuming = Some(Box::new(resuming));
        } else {
            self.go_on(cx, resuming);
        }
    }

    /// Takes an event while the hooks are awaited.
    pub(super) fn step_resuming(&mut self, cx: &mut Context<'_>, mut resuming: Box<Resuming>, event: Event) {
        let event = self.as_order(cx, event);
        let is_over = match event {
            Event::HooksLoaded(digest, hooks) => self.memory.hooks_loaded(cx, digest, hooks),
            Event::Timeout => cx.now >= resuming.until,
            // It ends here what was found alive, before anything is done to it.
            Event::Exited { ticket, id, exit, .. } if resuming.is_alive(ticket, id) => {
                resuming.found = Found::Ended { id, exit, at: Some(cx.now) };
                false
            }
            // What the keeper is to tell of is asked for again; nothing else was asked yet.
            Event::Begin(_)
            | Event::SpawnFailed { .. }
            | Event::PidFile(_)
            | Event::Exited { .. }
            | Event::Gone { .. }
            | Event::Decided { .. } => false,
            event @ (Event::Settings(_)
            | Event::BadSettings(_)
            | Event::Removed
            | Event::Drain
            | Event::Order(_)
            | Event::Spawned { .. }
            | Event::Wished { .. }) => {
                if self.memory.want != Want::Gone && is_wanted(&event) {
                    // The last word counts: what was wanted before is not done first, unless it is wanted still.
                    resuming
                        .events
                        .retain(|before| !is_wanted(before) || is_start(before) && is_start(&event));
                }
                self.memory.heed(&event);
                self.memory.load_hooks(cx);
                if event == Event::Removed {
                    // It is heeded already, and what came before is of no interest.
                    resuming.events.clear();
                    resuming.is_removed = true;
                } else if event != Event::Drain {
                    resuming.events.push(event);
                }
                !self.memory.awaits_hooks()
            }
        };
        if is_over {
            self.go_on(cx, *resuming);
        } else {
            self.resuming = Some(resuming);
        }
    }

    fn go_on(&mut self, cx: &mut Context<'_>, resuming: Resuming) {
        let Resuming { record, found, events, is_removed, .. } = resuming;
        let from = record.phase.state();
        let first = cx.actions.len();
        self.state = resume(&mut self.memory, cx, &record, found);
        if !is_removed {
            let state = mem::replace(&mut self.state, State::Stopped(Stopped::Idle(Idle::New)));
            self.state = catch_up(state, &mut self.memory, cx, &record);
        }
        // One that says all that there is to say need not be written again.
        if self.record() == record {
            self.memory.written = self.mark();
        }
        self.stepped(cx, first, from, record.phase.idle(), Why::Begin);
        for event in events {
            self.step(cx, event);
        }
    }
}

/// What the files say by now is a change like any other.
fn catch_up(state: State, memory: &mut Memory, cx: &mut Context<'_>, record: &Remembered) -> State {
    match memory.profile.clone() {
        // While nobody looked, the files have changed, or have come back.
        Some(new) if record.is_gone || memory.shape != Some(Imprint::of(&new.shape)) => {
            state.step(memory, cx, Event::Settings(new))
        }
        Some(_) | None => state,
    }
}

/// Whether an event says what is wanted of the profile.
const fn is_wanted(event: &Event) -> bool {
    matches!(
        event,
        Event::Removed | Event::Drain | Event::Order(Order::Start { .. } | Order::Stop | Order::Restart)
    )
}

/// Whether an event wants the profile up.
const fn is_start(event: &Event) -> bool {
    matches!(event, Event::Order(Order::Start { .. } | Order::Restart))
}

impl Resuming {
    fn is_alive(&self, ticket: Ticket, id: ProcId) -> bool {
        let is_its = self.record.phase.start().is_some_and(|start| start.ticket == ticket);
        is_its && matches!(self.found, Found::Alive { id: found, .. } if found == id)
    }
}

impl Memory {
    /// What is wanted, and by which settings, is known at once, so that nothing is begun that is not wanted any more.
    fn heed(&mut self, event: &Event) {
        match event {
            Event::Drain => self.drain(),
            Event::Removed => {
                self.want = Want::Gone;
                self.force = false;
            }
            Event::Order(order) if self.want != Want::Gone => {
                if let Some(want) = order.want() {
                    self.obey(want);
                }
            }
            Event::Settings(new) => self.profile = Some(Arc::clone(new)),
            Event::Begin(_)
            | Event::BadSettings(_)
            | Event::Order(_)
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

    fn recall(&mut self, record: &Remembered) {
        // The supervisor may be draining already: that is the last order.
        if self.want == Want::Up {
            self.ordered = record.order.is_some();
            self.policy_then = record.stop.clone().map(|stop| Box::new(stop.into_policy()));
            self.force = record.force;
            self.want = if record.is_gone { Want::Gone } else { record.order.unwrap_or(Want::Up) };
        }
        self.shape = record.shape.or(self.shape);
        let past = &record.past;
        self.starts = past.starts;
        self.failures = past.failures;
        self.deaths.clone_from(&past.deaths);
        self.exits = Ring::of(&past.exits);
        self.has_ended = past.has_ended;
        self.history = Ring::of(&past.history);
        self.unasked = Ring::of(&past.unasked);
        self.cause = past.cause;
        self.reason.clone_from(&past.reason);
        self.decisions = Ring::of(&past.decisions);
        let attention =
            if let Phase::Running { attention, .. } = &record.phase { attention.clone() } else { None };
        if record.hooks.is_some() || attention.is_some() {
            self.recall_hooks(record.hooks.clone().unwrap_or_default(), attention);
        }
    }
}

impl Phase {
    const fn state(&self) -> StateName {
        match self {
            Self::Fresh
            | Self::Down
            | Self::Ordered
            | Self::Held
            | Self::Rest(_)
            | Self::Due
            | Self::Backoff { .. }
            | Self::Deciding { .. } => StateName::Stopped,
            Self::Gate { .. } | Self::Launching { .. } | Self::Daemonizing { .. } | Self::Readying { .. } => {
                StateName::Starting
            }
            Self::Running { .. } => StateName::Running,
            Self::Stopping { .. } => StateName::Stopping,
        }
    }

    const fn idle(&self) -> Option<Idle> {
        match self {
            Self::Fresh => Some(Idle::New),
            Self::Down => Some(Idle::Down),
            Self::Ordered => Some(Idle::Ordered),
            Self::Held => Some(Idle::Held),
            Self::Rest(rest) => Some(Idle::Rest(*rest)),
            Self::Due
            | Self::Backoff { .. }
            | Self::Deciding { .. }
            | Self::Gate { .. }
            | Self::Launching { .. }
            | Self::Daemonizing { .. }
            | Self::Readying { .. }
            | Self::Running { .. }
            | Self::Stopping { .. } => None,
        }
    }
}

/// What others are shown while the hooks are awaited: the state as it was.
fn shown(resuming: &Resuming, memory: &Memory, now: Moment) -> State {
    let until = resuming.until;
    let phase = &resuming.record.phase;
    let then = |start: &Start| (start.ticket, start.since.unwrap_or(now));
    match phase {
        Phase::Running { start, id, .. } => {
            let (ticket, since) = then(start);
            let made = Made::recalled(start, memory.profile.as_ref());
            State::Running(Running { ticket, id: *id, since, made, attention: None })
        }
        Phase::Launching { start, .. }
        | Phase::Daemonizing { start, .. }
        | Phase::Readying { start, .. }
        | Phase::Stopping { start, .. } => {
            let (ticket, since) = then(start);
            let made = Made::recalled(start, memory.profile.as_ref());
            let ending =
                Ending { main: phase.main(), ..Ending::unasked(ticket, since, made, None, Then::Down) };
            let shown = Stopping::Unborn { ending, until };
            if phase.state() == StateName::Stopping { State::Stopping(shown) } else { starting(until) }
        }
        Phase::Gate { .. } => starting(until),
        Phase::Fresh
        | Phase::Down
        | Phase::Ordered
        | Phase::Held
        | Phase::Rest(_)
        | Phase::Due
        | Phase::Backoff { .. }
        | Phase::Deciding { .. } => {
            State::Stopped(phase.idle().map_or(Stopped::Loading { until }, Stopped::Idle))
        }
    }
}

fn starting(until: Moment) -> State {
    State::Starting(Starting::Gate(super::state::Gate { asked: None, until, tries: 0, said: String::new() }))
}
