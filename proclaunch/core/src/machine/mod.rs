//! The life of one profile.
//!
//! ```text
//!            start                    spawned, or the pid file names it
//!  stopped ---------> starting -------------------------------------> running
//!   ^  ^  ^               |  | failed, timed out, or told to stop     |  |
//!   |  |  '---------------'  v                                        |  |
//!   |  |   failed to spawn  stopping <--------------------------------'  |
//!   |  '---------------------'    told to stop, or died and left something|
//!   '--------------------------------------------------------------------'
//!                       died, and nothing is left of it
//! ```
//!
//! The contract: [`Machine::step`] takes the moment and one [`Event`], and gives [`Action`]s. It cannot fail: what
//! goes wrong outside is an event. There is one function for each state, in the file of its name, and each matches
//! every event by name. What is wanted is kept apart from what is; timers are derived from the state by
//! [`Machine::deadline`], so a forgotten disarm cannot exist.
//!
//! **Invariants**, which the search in `search.rs` tries to break in every reachable state:
//! - at most one start exists, and no process of it lives in `stopped`, but what a `kill` file of `process` leaves;
//! - a signal goes only to the start that the state holds;
//! - after `Removed` nothing is started, unless the profile comes back;
//! - every state but idle and running has a deadline;
//! - from anywhere, an order to stop ends in `stopped`.

use std::mem;
use std::sync::Arc;

use crate::clock::Moment;
use crate::hook::{Happening, QuestionId, Wish};
use crate::ids::{ProcId, Ticket};
use crate::log::Said;
use crate::profile::Profile;

mod attention;
mod consult;
mod event;
mod farewell;
mod gate;
mod health;
mod history;
mod memory;
mod policy;
mod readying;
mod running;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod search;
mod starting;
mod state;
mod stopped;
mod stopping;
mod tickets;

pub use event::{Action, Event, Look, Order, Recalled};
pub use health::Health;
pub use history::{Ring, Transition, Why};
pub use memory::{Ended, Main, Remembered, Rest, Want};
pub use state::{Idle, StateName, Timer};
pub use tickets::Tickets;

use memory::Memory;
use state::{Readying, Running, Starting, State, Stopped, Stopping};

/// The state machine of one profile.
#[derive(Clone, Debug)]
pub struct Machine {
    state: State,
    memory: Memory,
}

/// What one step is given, and what it gives.
#[derive(Debug)]
pub struct Context<'a> {
    /// When the event happens.
    pub now: Moment,
    /// Where tickets and jitter come from.
    pub tickets: &'a mut Tickets,
    /// What is to be done, in order.
    pub actions: Vec<Action>,
}

impl<'a> Context<'a> {
    /// A context without actions.
    pub const fn new(now: Moment, tickets: &'a mut Tickets) -> Self {
        Self { now, tickets, actions: Vec::new() }
    }

    fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    fn say(&mut self, said: Said) {
        self.actions.push(Action::Log(said));
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Machine {
    /// A machine that nothing has happened to. Its first event tells its settings, its second is [`Event::Begin`].
    pub fn new() -> Self {
        Self { state: State::Stopped(Stopped::Idle(Idle::New)), memory: Memory::new() }
    }

    /// Takes one event.
    pub fn step(&mut self, cx: &mut Context<'_>, event: Event) {
        let why = Why::of(&event);
        let (from, was_idle) = (self.state.name(), self.idle());
        let event = self.as_order(cx, event);
        if let Event::Decided { id, hook, outcome } = &event
            && (hook.is_only_told() || consult::questions(&self.state).contains(id))
        {
            self.memory.count_outcome(cx, *hook, outcome);
        }
        if let Event::HooksLoaded(digest, hooks) = &event
            && !self.memory.hooks_loaded(cx, *digest, Arc::clone(hooks))
        {
            return;
        }
        // What stands in for the state meanwhile is never seen: each arm gives a state back.
        let state = mem::replace(&mut self.state, State::Stopped(Stopped::Idle(Idle::New)));
        let memory = &mut self.memory;
        self.state = match state {
            State::Stopped(stopped) => stopped.step(memory, cx, event),
            State::Starting(starting) => starting.step(memory, cx, event),
            State::Running(running) => running.step(memory, cx, event),
            State::Stopping(stopping) => stopping.step(memory, cx, event),
        };
        if from != self.state.name() {
            let to = self.state.name();
            self.memory.history.push(Transition { at: cx.now, from, to, why });
        }
        self.tell_what_happened(cx, from, was_idle, why);
        self.memory.load_hooks(cx);
        self.remember(cx);
    }

    /// A hook that wants the profile stopped gets what an operator would get, whatever the state.
    fn as_order(&mut self, cx: &mut Context<'_>, event: Event) -> Event {
        if self.memory.want != Want::Up {
            return event;
        }
        if let Event::Wished { hook, wish: Wish::Stop(reason) } = event {
            cx.say(Said::HookDecided { hook, what: format!("stops: {reason}") });
            self.memory.because("order", reason);
            return Event::Order(Order::Stop);
        }
        event
    }

    /// Tells `on_event` of a change of state, and of an end that nothing follows.
    fn tell_what_happened(
        &mut self,
        cx: &mut Context<'_>,
        from: StateName,
        was_idle: Option<Idle>,
        why: Why,
    ) {
        let to = self.state.name();
        let happening = |kind: &str, level: &str, reason: &str| Happening {
            kind: kind.to_owned(),
            level: level.to_owned(),
            from: from.to_string(),
            to: to.to_string(),
            reason: reason.to_owned(),
        };
        let now = consult::now_of(&self.state, self.is_changed());
        if from != to {
            let level = if from == StateName::Running && why == Why::Exited { "warn" } else { "info" };
            let event = happening("transition", level, &self.memory.reason);
            self.memory.tell_event(cx, now, event);
        }
        let idle = self.idle();
        if let Some(Idle::Rest(rest @ (Rest::Dead | Rest::GaveUp))) = idle
            && idle != was_idle
            && why != Why::Begin
        {
            let well = self.memory.exits.iter().next_back().is_some_and(|ended| ended.exit.is_success());
            let level = if rest == Rest::Dead && well { "warn" } else { "error" };
            let event = happening("gave_up", level, &self.memory.reason);
            self.memory.tell_event(cx, now, event);
        }
    }

    /// Has the record written where it differs from what it should say. States that pass by themselves write
    /// nothing: a record that names a dead process misleads nobody, and a crash is followed by the next start
    /// before anything is written.
    fn remember(&mut self, cx: &mut Context<'_>) {
        let old = self.memory.written;
        // That a profile is gone is the directory's word and no order: it may be back by the time this is read.
        let order = Some(self.memory.want).filter(|want| self.memory.ordered && *want != Want::Gone);
        let (process, rest) = match &self.state {
            // Drained: all records are dropped once everything is, and until then one that names a dead process does
            // no harm.
            State::Stopped(Stopped::Idle(Idle::Ordered)) if !self.memory.ordered => (old.process, old.rest),
            State::Stopped(Stopped::Idle(Idle::Rest(rest))) => (None, Some(*rest)),
            State::Stopped(Stopped::Idle(Idle::Down | Idle::Ordered | Idle::Held | Idle::Gone)) => {
                (None, None)
            }
            // It may wait there for long, and waits for no process: the next supervisor is to start it too.
            State::Stopped(Stopped::Loading { .. }) | State::Starting(Starting::Gate(_)) => (None, None),
            State::Running(running) => (Some(Main { ticket: running.ticket, id: running.id }), None),
            State::Stopped(
                Stopped::Idle(Idle::New)
                | Stopped::Looking { .. }
                | Stopped::Backoff { .. }
                | Stopped::Deciding { .. },
            )
            | State::Starting(Starting::Launching { .. } | Starting::Daemonizing(_))
            | State::Stopping(
                Stopping::Unborn { .. }
                | Stopping::Farewell { .. }
                | Stopping::Signalled { .. }
                | Stopping::Killing { .. },
            ) => (old.process, old.rest),
            State::Starting(Starting::Readying(Readying { running, .. })) => {
                (Some(Main { ticket: running.ticket, id: running.id }), None)
            }
        };
        let new = Remembered { order, process, rest };
        if new != old {
            self.memory.written = new;
            cx.act(Action::Remember(new));
        }
    }

    /// When the machine wants an [`Event::Timeout`], and which timer that is.
    pub fn deadline(&self) -> Option<(Moment, Timer)> {
        self.state.deadline()
    }

    /// The public state.
    pub const fn state(&self) -> StateName {
        self.state.name()
    }

    /// Why nothing happens by itself, if that is so.
    pub const fn idle(&self) -> Option<Idle> {
        match &self.state {
            State::Stopped(Stopped::Idle(idle)) => Some(*idle),
            State::Stopped(
                Stopped::Looking { .. }
                | Stopped::Loading { .. }
                | Stopped::Backoff { .. }
                | Stopped::Deciding { .. },
            )
            | State::Starting(_)
            | State::Running(_)
            | State::Stopping(_) => None,
        }
    }

    /// The main process and the start it belongs to, while it lives and is known.
    pub const fn process(&self) -> Option<(Ticket, ProcId)> {
        match &self.state {
            State::Running(running) => Some((running.ticket, running.id)),
            State::Starting(Starting::Daemonizing(waiting)) => match waiting.launcher {
                Some(id) => Some((waiting.ticket, id)),
                None => None,
            },
            State::Starting(Starting::Readying(readying)) => {
                Some((readying.running.ticket, readying.running.id))
            }
            State::Stopping(
                Stopping::Unborn { ending, .. }
                | Stopping::Farewell { ending, .. }
                | Stopping::Signalled { ending, .. }
                | Stopping::Killing { ending, .. },
            ) => match ending.main {
                Some(id) => Some((ending.ticket, id)),
                None => None,
            },
            State::Stopped(_) | State::Starting(Starting::Launching { .. } | Starting::Gate(_)) => None,
        }
    }

    /// The order in force.
    pub const fn want(&self) -> Want {
        self.memory.want
    }

    /// The last good settings.
    pub const fn profile(&self) -> Option<&Arc<Profile>> {
        self.memory.profile.as_ref()
    }

    /// Why the newest files are not in force, if they are not.
    pub fn trouble(&self) -> Option<&str> {
        self.memory.trouble.as_deref()
    }

    /// How many starts were tried.
    pub const fn starts(&self) -> u64 {
        self.memory.starts
    }

    /// What the health checks say.
    pub fn health(&self) -> Health {
        consult::now_of(&self.state, false).health
    }

    /// Since when the process runs, while the profile does.
    pub fn running_since(&self) -> Option<Moment> {
        consult::now_of(&self.state, false).process.map(|(_, since)| since)
    }

    /// The questions to hooks whose answers it waits for, each with a deadline of its own.
    pub fn questions(&self) -> Vec<QuestionId> {
        consult::questions(&self.state)
    }

    /// The last changes of the public state.
    pub const fn history(&self) -> &Ring<Transition, 16> {
        &self.memory.history
    }

    /// The last ends of the main process.
    pub const fn exits(&self) -> &Ring<Ended, 8> {
        &self.memory.exits
    }

    /// Whether the process runs by other settings than the files give: it keeps those it was started with.
    pub fn is_changed(&self) -> bool {
        match (&self.state, &self.memory.profile) {
            (State::Running(Running { profile: Some(old), .. }), Some(new)) => old.shape != new.shape,
            (State::Running(_) | State::Stopped(_) | State::Starting(_) | State::Stopping(_), _) => false,
        }
    }
}
