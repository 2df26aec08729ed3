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
use crate::exit::Exit;
use crate::hook::{QuestionId, Wish};
use crate::ids::{ProcId, Ticket};
use crate::log::Said;
use crate::profile::Profile;

mod attention;
mod consult;
mod decisions;
mod event;
mod explain;
mod farewell;
mod found;
mod gate;
mod happened;
mod health;
mod history;
mod imprint;
mod memory;
mod policy;
mod readying;
mod remembered;
mod resume;
mod running;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod search;
mod standing;
mod starting;
mod state;
mod status;
mod stopped;
mod stopping;
mod tickets;
mod write;

pub use event::{Action, Event, Happened, Look, Order};
pub use found::{Found, Inventory, Recalled};
pub use health::{Counted, Health};
pub use history::{Ring, Transition, Why};
pub use imprint::Imprint;
pub use memory::{Ended, Rest, Want};
pub use remembered::{AttentionThen, Cause, HooksThen, Past, Phase, Remembered, Start, Step, StopThen};
pub use state::{Idle, StateName, Then, Timer};
pub use status::{By, Decided, Decision, Explanation, Next, Outlook, Status};
pub use tickets::Tickets;

use memory::Memory;
use resume::Resuming;
use state::{Starting, State, Stopped, Stopping};

/// The state machine of one profile.
#[derive(Clone, Debug)]
pub struct Machine {
    state: State,
    memory: Memory,
    /// It waits for its hooks before it goes on with what an earlier supervisor remembered.
    resuming: Option<Box<Resuming>>,
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
    /// Why a start failed, or what was to do its work died, if that has happened.
    pub(crate) failed: Option<String>,
    /// Whether a signal was sent that was ordered.
    pub(crate) is_sent: bool,
}

impl<'a> Context<'a> {
    /// A context without actions.
    pub const fn new(now: Moment, tickets: &'a mut Tickets) -> Self {
        Self { now, tickets, actions: Vec::new(), failed: None, is_sent: false }
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
        Self { state: State::Stopped(Stopped::Idle(Idle::New)), memory: Memory::new(), resuming: None }
    }

    /// Takes one event.
    pub fn step(&mut self, cx: &mut Context<'_>, event: Event) {
        if let Some(resuming) = self.resuming.take() {
            return self.step_resuming(cx, resuming, event);
        }
        if let (Event::Begin(Some(recalled)), Some(Idle::New)) = (&event, self.idle()) {
            return self.recall(cx, Recalled::clone(recalled));
        }
        self.take(cx, event);
    }

    fn take(&mut self, cx: &mut Context<'_>, event: Event) {
        let first = cx.actions.len();
        let why = Why::of(&event);
        let (from, was_idle) = (self.state.name(), self.idle());
        let event = self.as_order(cx, event);
        if let (Event::Order(order), None) = (&event, &self.memory.told_by)
            && self.memory.want != Want::Gone
        {
            self.memory.note_order(cx.now, from, was_idle, *order);
            // What failed before the order is no answer to it.
            cx.failed = None;
        }
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
        self.state = state.step(memory, cx, event);
        self.memory.told_by = None;
        self.stepped(cx, first, from, was_idle, why);
    }

    /// What every step ends with. Its actions begin at `first`.
    fn stepped(
        &mut self,
        cx: &mut Context<'_>,
        first: usize,
        from: StateName,
        was_idle: Option<Idle>,
        why: Why,
    ) {
        let to = self.state.name();
        if from != to {
            let reason = self.memory.take_turn(why);
            self.tell_of_change(cx, from, why, &reason);
            self.memory.history.push(Transition { at: cx.now, from, to, why, reason });
            if self.is_about_to_start() {
                self.memory.for_reason("is to run again");
            }
        }
        self.tell_of_rest(cx, from, was_idle, why);
        self.memory.fresh_end = None;
        self.memory.load_hooks(cx);
        self.remember(cx, first);
    }

    /// A hook that wants the profile stopped gets what an operator would get, whatever the state.
    fn as_order(&mut self, cx: &mut Context<'_>, event: Event) -> Event {
        if self.memory.want != Want::Up {
            return event;
        }
        if let Event::Wished { hook, wish: Wish::Stop(reason) } = event {
            cx.say(Said::HookDecided { hook, what: format!("stops: {reason}") });
            let inputs = self.state.name().to_string();
            self.memory.note_hook(cx.now, hook, "stops", &inputs, &reason);
            self.memory.told_by = Some(format!("{hook}: {reason}"));
            return Event::Order(Order::Stop);
        }
        event
    }

    /// When the machine wants an [`Event::Timeout`], and which timer that is.
    pub fn deadline(&self) -> Option<(Moment, Timer)> {
        if let Some(resuming) = &self.resuming {
            return Some((resuming.until, Timer::Hook));
        }
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
            State::Stopped(_) | State::Starting(Starting::Launching(_) | Starting::Gate(_)) => None,
        }
    }

    /// Whether it is done when its process has ended well.
    pub fn is_oneshot(&self) -> bool {
        self.memory.is_oneshot()
    }

    /// Whether it is to be started, and only waits for what a start has to know first.
    pub const fn is_about_to_start(&self) -> bool {
        matches!(self.state, State::Stopped(Stopped::Looking { .. } | Stopped::Loading { .. }))
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
        // Until its checks are there again, it is as well as it was: nobody is to believe that it serves.
        let then = self.resuming.as_ref().and_then(|resuming| resuming.health());
        then.unwrap_or_else(|| consult::now_of(&self.state, false).health)
    }

    /// Since when the process runs, while the profile does.
    pub fn running_since(&self) -> Option<Moment> {
        consult::now_of(&self.state, false).process.map(|(_, since)| since)
    }

    /// Whether it waits for its hooks before it goes on with what an earlier supervisor remembered. Until then it
    /// shows the state that was remembered.
    pub const fn is_resuming(&self) -> bool {
        self.resuming.is_some()
    }

    /// How the process of the last start ended, once it has.
    pub fn last_exit(&self) -> Option<Exit> {
        let last = self.memory.exits.iter().next_back().map(|ended| ended.exit);
        last.filter(|_| self.memory.has_ended)
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
            (State::Running(running), Some(new)) => running.made.differs(new),
            (State::Running(_) | State::Stopped(_) | State::Starting(_) | State::Stopping(_), _) => false,
        }
    }
}
