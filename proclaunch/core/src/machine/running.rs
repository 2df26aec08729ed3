//! Running: the main process lives.

use std::sync::Arc;
use std::time::Duration;

use crate::hook::{Hook, Outcome as HookOutcome};
use crate::ids::{ProcId, Ticket};
use crate::log::{Outcome, Said};
use crate::process::Scope;
use crate::profile::{Kill, Profile};
use crate::signal::Signal;

use super::Context;
use super::consult::Now;
use super::event::{Action, Event, Order};
use super::imprint::Made;
use super::memory::{Ended, Memory, Rest, Want};
use super::policy::{Death, End};
use super::remembered::Cause;
use super::starting::yield_to;
use super::state::{Ending, Running, State, StateName, Stopping, Then};
use super::status::By;

impl Running {
    pub(super) fn step(mut self, memory: &mut Memory, cx: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Settings(new) => return self.settings(memory, cx, new),
            Event::BadSettings(why) => memory.trouble = Some(why),
            Event::Removed | Event::Drain | Event::Order(Order::Stop) => {
                yield_to(memory, cx, &event);
                return self.stop(memory, cx);
            }
            Event::Order(Order::Restart) => {
                memory.obey_start(Order::Restart);
                return self.stop(memory, cx);
            }
            Event::Order(Order::Start { .. }) => memory.obey(Want::Up),
            Event::Order(Order::Reload) => {
                let signal = memory.policy().reload.unwrap_or(Signal::HUP);
                self.reload(cx, signal);
                cx.is_sent = true;
                memory.note(
                    cx.now,
                    By::Order,
                    format!("reloads (signal {signal})"),
                    "running",
                    "told to reload",
                );
            }
            Event::Order(Order::Signal(signal)) => {
                pass_on(memory, cx, (self.ticket, self.id), signal, "running");
            }
            Event::Exited { ticket, id, exit, remains } if ticket == self.ticket && id == self.id => {
                return self.ended(memory, cx, Death::seen(cx.now, exit, remains));
            }
            Event::Spawned { ticket, .. } if ticket != self.ticket => cx.act(Action::KillTree { ticket }),
            Event::Timeout => return self.timeout(memory, cx),
            Event::HooksLoaded(..) => {
                self.lapse_checks(cx);
                self = self.attend(memory, cx.now);
            }
            Event::Decided { id, outcome, hook: _ } => return self.decided(memory, cx, id, outcome),
            Event::Wished { hook, wish } => return self.wished(memory, cx, hook, wish),
            // `Gone` answers a `Watch` of before the pid file named a daemon that cannot be told to be the start's.
            Event::Begin(_)
            | Event::Spawned { .. }
            | Event::SpawnFailed { .. }
            | Event::PidFile(_)
            | Event::Exited { .. }
            | Event::Gone { .. } => {}
        }
        State::Running(self)
    }

    /// The files changed. What shapes the process restarts it or sends the reload signal; the rest is in force.
    fn settings(self, memory: &mut Memory, cx: &mut Context<'_>, new: Arc<Profile>) -> State {
        // Adopted while the files were bad: nobody knows what it was started with.
        let shape_differs = memory.differs(&new).unwrap_or(false);
        memory.accept(cx.now, new);
        if !shape_differs {
            return State::Running(self);
        }
        cx.say(Said::Changed);
        self.ask_change(memory, cx)
    }

    /// Asks `on_change` what a change is to do, if there is one.
    pub(super) fn ask_change(mut self, memory: &mut Memory, cx: &mut Context<'_>) -> State {
        let now = self.now(true);
        if memory.has(Hook::OnChange)
            && let Some(attention) = &mut self.attention
        {
            let id = memory.ask(cx, Hook::OnChange, now);
            let until = cx.now.plus(memory.policy().budget(Hook::OnChange));
            if let Some((old, _)) = attention.change.replace((id, until)) {
                cx.act(Action::Lapse(old));
            }
            return State::Running(self);
        }
        self.apply_change(memory, cx, &HookOutcome::TimedOut)
    }

    /// Does for settings that changed while the profile was starting what a change while running would do.
    pub(super) fn catch_up(self, memory: &mut Memory, cx: &mut Context<'_>) -> State {
        match (memory.profile.clone(), self.made.imprint()) {
            (Some(new), Some(old)) if memory.shape != Some(old) => {
                memory.shape = Some(old);
                self.settings(memory, cx, new)
            }
            (Some(_) | None, Some(_) | None) => State::Running(self),
        }
    }

    pub(super) fn reload(&self, cx: &mut Context<'_>, signal: Signal) {
        cx.say(Said::Reloading { id: self.id, signal });
        cx.act(Action::Signal { ticket: self.ticket, scope: Scope::Main, signal });
    }

    /// Begins to stop the process; what comes after it is told by what is wanted then.
    pub(super) fn stop(self, memory: &mut Memory, cx: &mut Context<'_>) -> State {
        let then = Then::StartAt(cx.now);
        self.stop_then(memory, cx, then)
    }

    /// The same, with what comes after it if it is still wanted up.
    pub(super) fn stop_then(mut self, memory: &mut Memory, cx: &mut Context<'_>, then: Then) -> State {
        cx.say(Said::Stopping);
        let now = self.now(false);
        self.lapse(cx);
        let ending = Ending { then, ..Ending::asked(cx, self.ticket, self.since, self.made, Some(self.id)) };
        Stopping::begin(memory, cx, ending, stop_scope(memory.policy().kill), now)
    }

    /// The process ended, and nobody had asked it to.
    pub(super) fn ended(mut self, memory: &mut Memory, cx: &mut Context<'_>, death: Death) -> State {
        self.lapse(cx);
        let Death { exit, remains, is_unseen, .. } = death;
        let (id, at) = (self.id, death.at.unwrap_or(cx.now));
        let after = at.since(self.since);
        // Where nobody knows when it ended, it is not known to have run well.
        let ran = death.at.map_or(Duration::ZERO, |_| after);
        memory.ended(Ended { at, id, exit, after, requested: false });
        memory.because(Cause::Died, exit.to_string());
        memory.for_reason(exit.to_string());
        if memory.is_oneshot() && !exit.is_success() {
            cx.failed = Some(exit.to_string());
        }
        let (then, outcome) = memory.decide(cx, at, End::Died(exit, ran));
        let deciding = memory.ask_verdict(cx, then);
        let outcome = if deciding.is_some() { Outcome::Asked } else { outcome };
        cx.say(match then {
            Then::Rest(Rest::Done) => Said::Finished { id, exit, after },
            Then::Rest(_) | Then::StartAt(_) | Then::Down if is_unseen => {
                Said::DiedUnseen { id, exit, outcome }
            }
            Then::Rest(_) | Then::StartAt(_) | Then::Down => Said::Died { id, exit, after, outcome },
        });
        if deciding.is_none() {
            memory.say_if_given_up(cx, then);
        }
        memory.tell(cx, Hook::OnExit, Now::idle(StateName::Stopped));
        remove_pid_file(cx, &self.made);
        let exit = Some((id, exit));
        let ending = Ending { deciding, ..Ending::unasked(self.ticket, self.since, self.made, exit, then) };
        let may_remain = remains.as_ref().is_none_or(|remains| !remains.is_empty());
        let named = remains.filter(|remains| !remains.is_empty());
        if may_remain && memory.policy().kill != Kill::Process {
            if let Some(remains) = named {
                cx.say(Said::KillingRest { remains });
            }
            return Stopping::kill(cx, ending, true);
        }
        if let Some(remains) = named {
            cx.say(Said::LeftBehind { remains });
        }
        cx.act(Action::Release { ticket: self.ticket });
        ending.settle(memory, cx)
    }
}

/// Sends a signal to the main process, by order.
pub(super) fn pass_on(
    memory: &mut Memory,
    cx: &mut Context<'_>,
    (ticket, id): (Ticket, ProcId),
    signal: Signal,
    inputs: &str,
) {
    cx.is_sent = true;
    memory.note(cx.now, By::Order, format!("is sent {signal}"), inputs, "told to");
    cx.say(Said::Signalled { id, signal });
    cx.act(Action::Signal { ticket, scope: Scope::Main, signal });
}

/// Who gets the stop signal.
pub(super) const fn stop_scope(kill: Kill) -> Scope {
    match kill {
        Kill::Mixed | Kill::Process => Scope::Main,
        Kill::Group => Scope::Group,
        Kill::Tree => Scope::Tree,
    }
}

/// Removes the pid file of a daemon that is gone.
pub(super) fn remove_pid_file(cx: &mut Context<'_>, made: &Made) {
    if let Some(profile) = made.profile().filter(|profile| profile.shape.pid_file.is_some()) {
        cx.act(Action::RemovePidFile(Arc::clone(profile)));
    }
}
