//! Running: the main process lives.

use std::sync::Arc;
use std::time::Duration;

use crate::exit::Exit;
use crate::hook::{Hook, Outcome as HookOutcome};
use crate::ids::ProcId;
use crate::log::{Outcome, Said};
use crate::process::Scope;
use crate::profile::{Kill, Profile};
use crate::signal::Signal;

use super::Context;
use super::consult::Now;
use super::event::{Action, Event, Order};
use super::memory::{Ended, Memory, Rest, Want};
use super::policy::End;
use super::starting::yield_to;
use super::state::{Ending, Running, State, StateName, Stopping, Then};

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
                memory.obey(Want::Up);
                return self.stop(memory, cx);
            }
            Event::Order(Order::Start) => memory.obey(Want::Up),
            Event::Order(Order::Reload) => {
                let signal = memory.policy().reload.unwrap_or(Signal::HUP);
                self.reload(cx, signal);
            }
            Event::Order(Order::Signal(signal)) => {
                cx.say(Said::Signalled { id: self.id, signal });
                cx.act(Action::Signal { ticket: self.ticket, scope: Scope::Main, signal });
            }
            Event::Exited { ticket, id, exit, remains } if ticket == self.ticket && id == self.id => {
                return self.ended(memory, cx, exit, remains);
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
    fn settings(mut self, memory: &mut Memory, cx: &mut Context<'_>, new: Arc<Profile>) -> State {
        let shape_differs = match (&memory.profile, &self.profile) {
            (Some(old), _) | (None, Some(old)) => old.shape != new.shape,
            // Adopted while the files were bad: nobody knows what it was started with.
            (None, None) => false,
        };
        memory.accept(new);
        if !shape_differs {
            return State::Running(self);
        }
        cx.say(Said::Changed);
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
        let newest: Option<Arc<Profile>> = memory.profile.clone();
        match (newest, &self.profile) {
            (Some(new), Some(old)) if new.shape != old.shape => {
                memory.profile.clone_from(&self.profile);
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
        let ending =
            Ending { then, ..Ending::asked(cx, self.ticket, self.since, self.profile, Some(self.id)) };
        Stopping::begin(memory, cx, ending, stop_scope(memory.policy().kill), now)
    }

    /// The process ended, and nobody had asked it to.
    fn ended(mut self, memory: &mut Memory, cx: &mut Context<'_>, exit: Exit, remains: Vec<ProcId>) -> State {
        self.lapse(cx);
        let (id, after) = (self.id, cx.now.since(self.since));
        memory.ended(Ended { at: cx.now, id, exit, after, requested: false });
        memory.because("died", exit.to_string());
        let (then, outcome) = memory.decide(cx, End::Died(exit, after));
        let deciding = memory.ask_verdict(cx, then);
        let outcome = if deciding.is_some() { Outcome::Asked } else { outcome };
        cx.say(death(id, exit, after, then, outcome));
        if deciding.is_none() {
            memory.say_if_given_up(cx, then);
        }
        memory.tell(cx, Hook::OnExit, Now::idle(StateName::Stopped));
        remove_pid_file(cx, self.profile.as_ref());
        let exit = Some((id, exit));
        let ending =
            Ending { deciding, ..Ending::unasked(self.ticket, self.since, self.profile, exit, then) };
        if !remains.is_empty() && memory.policy().kill != Kill::Process {
            cx.say(Said::KillingRest { remains });
            return Stopping::kill(cx, ending, true);
        }
        if !remains.is_empty() {
            cx.say(Said::LeftBehind { remains });
        }
        cx.act(Action::Release { ticket: self.ticket });
        ending.settle(memory, cx)
    }
}

/// Who gets the stop signal.
pub(super) const fn stop_scope(kill: Kill) -> Scope {
    match kill {
        Kill::Mixed | Kill::Process => Scope::Main,
        Kill::Group => Scope::Group,
        Kill::Tree => Scope::Tree,
    }
}

fn death(id: ProcId, exit: Exit, after: Duration, then: Then, outcome: Outcome) -> Said {
    if then == Then::Rest(Rest::Done) {
        Said::Finished { id, exit, after }
    } else {
        Said::Died { id, exit, after, outcome }
    }
}

/// Removes the pid file of a daemon that is gone.
pub(super) fn remove_pid_file(cx: &mut Context<'_>, profile: Option<&Arc<Profile>>) {
    if let Some(profile) = profile.filter(|profile| profile.shape.pid_file.is_some()) {
        cx.act(Action::RemovePidFile(Arc::clone(profile)));
    }
}
