//! Running: the main process lives.

use std::sync::Arc;
use std::time::Duration;

use crate::exit::Exit;
use crate::ids::ProcId;
use crate::log::{Outcome, Said};
use crate::process::Scope;
use crate::profile::{Kill, Profile};
use crate::signal::Signal;

use super::Context;
use super::event::{Action, Event, Order};
use super::memory::{Ended, Memory, Rest, Want};
use super::policy::End;
use super::starting::yield_to;
use super::state::{Ending, Running, State, Stopping, Then};
use super::stopped::settle;

impl Running {
    pub(super) fn step(self, memory: &mut Memory, cx: &mut Context<'_>, event: Event) -> State {
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
            // `Gone` answers a `Watch` of before the pid file named a daemon that cannot be told to be the start's.
            Event::Begin(_)
            | Event::Spawned { .. }
            | Event::SpawnFailed { .. }
            | Event::PidFile(_)
            | Event::Exited { .. }
            | Event::Gone { .. }
            | Event::Timeout => {}
        }
        State::Running(self)
    }

    /// The files changed. What shapes the process restarts it or sends the reload signal; the rest is in force.
    fn settings(self, memory: &mut Memory, cx: &mut Context<'_>, new: Arc<Profile>) -> State {
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
        if let Some(signal) = memory.policy().reload {
            self.reload(cx, signal);
            return State::Running(self);
        }
        memory.forgive();
        self.stop(memory, cx)
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

    fn reload(&self, cx: &mut Context<'_>, signal: Signal) {
        cx.say(Said::Reloading { id: self.id, signal });
        cx.act(Action::Signal { ticket: self.ticket, scope: Scope::Main, signal });
    }

    /// Begins to stop the process; what comes after it is told by what is wanted then.
    pub(super) fn stop(self, memory: &Memory, cx: &mut Context<'_>) -> State {
        cx.say(Said::Stopping);
        let ending = Ending::asked(cx, self.ticket, self.since, self.profile, Some(self.id));
        Stopping::first_signal(memory, cx, ending, stop_scope(memory.policy().kill))
    }

    /// The process ended, and nobody had asked it to.
    fn ended(self, memory: &mut Memory, cx: &mut Context<'_>, exit: Exit, remains: Vec<ProcId>) -> State {
        let (id, after) = (self.id, cx.now.since(self.since));
        memory.exits.push(Ended { at: cx.now, id, exit, after });
        let (then, outcome) = memory.decide(cx, End::Died(exit, after));
        cx.say(death(id, exit, after, then, outcome));
        memory.say_if_given_up(cx, then);
        remove_pid_file(cx, self.profile.as_ref());
        if remains.is_empty() {
            cx.act(Action::Release { ticket: self.ticket });
            return settle(memory, cx, then);
        }
        if memory.policy().kill == Kill::Process {
            cx.say(Said::LeftBehind { remains });
            cx.act(Action::Release { ticket: self.ticket });
            return settle(memory, cx, then);
        }
        cx.say(Said::KillingRest { remains });
        let (ticket, since) = (self.ticket, self.since);
        let profile = self.profile;
        let ending =
            Ending { ticket, since, profile, main: None, exit: Some((id, exit)), asked: false, then };
        Stopping::kill(cx, ending, true)
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
