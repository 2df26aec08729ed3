//! What others are told of a machine, in words.

use crate::clock::Moment;
use crate::fleet::Standing;
use crate::hook::Hook;
use crate::ids::Ticket;
use crate::log::Times;

use super::Machine;
use super::decisions::LEAVES_IT;
use super::health::Health;
use super::memory::{Memory, Rest, Want};
use super::remembered::Cause;
use super::starting::DRAINS;
use super::state::{Gate, Idle, Readying, Running, Starting, State, StateName, Stopped, Stopping, Then};
use super::status::{By, Next, Status};

impl Machine {
    /// What others are told of the machine.
    pub fn status(&self) -> Status {
        let memory = &self.memory;
        Status {
            decided: self.memory.decided,
            state: self.state(),
            phase: self.phase(),
            want: memory.want,
            standing: self.standing(),
            health: self.health(),
            process: self.process().map(|(_, id)| id),
            ticket: self.start().map(|(ticket, _)| ticket),
            since: self.process().and_then(|_| self.start()).map(|(_, since)| since),
            ready_since: self.ready_since(),
            state_since: memory.entered(self.state()),
            starts: memory.starts,
            failures: memory.failures,
            exit: memory.exits.iter().next_back().copied(),
            cause: memory.cause,
            reason: memory.reason.clone(),
            why: self.why(),
            next: self.next(),
            changed: self.is_changed(),
            trouble: self.trouble().map(ToOwned::to_owned),
            hooks_off: memory.hooks_off(),
            has_checks: memory.has_checks(),
        }
    }

    /// The private part of the state, one word.
    pub(super) const fn phase(&self) -> &'static str {
        match &self.state {
            State::Stopped(Stopped::Idle(_)) => "idle",
            State::Stopped(Stopped::Looking { .. }) => "looking",
            State::Stopped(Stopped::Loading { .. }) => "loading",
            State::Stopped(Stopped::Backoff { .. }) => "backoff",
            State::Stopped(Stopped::Deciding { .. }) => "deciding",
            State::Starting(Starting::Gate(_)) => "asking",
            State::Starting(Starting::Launching(_)) => "launching",
            State::Starting(Starting::Daemonizing(_)) => "waiting",
            State::Starting(Starting::Readying(_)) => "readying",
            State::Running(_) => "running",
            State::Stopping(Stopping::Unborn { .. }) => "unborn",
            State::Stopping(Stopping::Farewell { .. }) => "farewell",
            State::Stopping(Stopping::Signalled { .. }) => "signalled",
            State::Stopping(Stopping::Killing { .. }) => "killing",
        }
    }

    /// How it stands against what is wanted of it.
    pub fn standing(&self) -> Standing {
        match (self.memory.want, &self.state) {
            (Want::Down | Want::Gone, _) => Standing::Stopped,
            (Want::Up, State::Stopped(Stopped::Idle(idle))) => match idle {
                Idle::New => Standing::Starting,
                Idle::Down => Standing::Down,
                Idle::Ordered | Idle::Gone => Standing::Stopped,
                Idle::Held => Standing::Held,
                Idle::Rest(rest) => rest.standing(),
            },
            (Want::Up, State::Stopped(Stopped::Backoff { .. } | Stopped::Deciding { .. })) => {
                Standing::Backoff
            }
            (
                Want::Up,
                State::Stopped(Stopped::Looking { .. } | Stopped::Loading { .. }) | State::Starting(_),
            ) => Standing::Starting,
            (Want::Up, State::Running(_)) if self.health() == Health::Unhealthy => Standing::Unhealthy,
            // Its work is what it is for.
            (Want::Up, State::Running(_)) if self.memory.is_oneshot() => Standing::Starting,
            (Want::Up, State::Running(_)) => Standing::Serving,
            (Want::Up, State::Stopping(stopping)) => match stopping.ending().then {
                Then::StartAt(_) if stopping.ending().asked => Standing::Starting,
                Then::StartAt(_) => Standing::Backoff,
                Then::Rest(rest) => rest.standing(),
                Then::Down => Standing::Down,
            },
        }
    }

    /// The start that lives, or that something may live of, and since when.
    const fn start(&self) -> Option<(Ticket, Moment)> {
        match &self.state {
            State::Stopped(_) | State::Starting(Starting::Gate(_)) => None,
            State::Starting(Starting::Launching(launching)) => Some((launching.ticket, launching.since)),
            State::Starting(Starting::Daemonizing(waiting)) => Some((waiting.ticket, waiting.since)),
            State::Starting(Starting::Readying(Readying { running, .. })) | State::Running(running) => {
                Some((running.ticket, running.since))
            }
            State::Stopping(stopping) => Some((stopping.ending().ticket, stopping.ending().since)),
        }
    }

    fn ready_since(&self) -> Option<Moment> {
        let State::Running(running) = &self.state else { return None };
        let attention = running.attention.as_ref().map(|attention| attention.ready);
        self.memory.entered(StateName::Running).or(attention).or(Some(running.since))
    }

    /// Why it is as it is: a fragment for people. When what comes next comes is told apart.
    pub fn why(&self) -> String {
        let memory = &self.memory;
        if self.is_resuming() {
            return "its hooks are being loaded".to_owned();
        }
        match &self.state {
            State::Stopped(Stopped::Idle(idle)) => memory.why_idle(*idle),
            State::Stopped(Stopped::Looking { .. }) => "its pid file is being looked at".to_owned(),
            State::Stopped(Stopped::Loading { .. }) => "its hooks are being loaded".to_owned(),
            State::Stopped(Stopped::Backoff { .. }) => memory.deaths_in_words(),
            State::Stopped(Stopped::Deciding { .. }) => {
                format!("{}; should_restart is asked", memory.deaths_in_words())
            }
            State::Starting(Starting::Gate(Gate { said, .. })) if said.is_empty() => {
                "on_start is asked".to_owned()
            }
            State::Starting(Starting::Gate(Gate { said, .. })) => format!("on_start says: {said}"),
            State::Starting(Starting::Launching(_)) => "its process is being made".to_owned(),
            State::Starting(Starting::Daemonizing(_)) => "its pid file is awaited".to_owned(),
            State::Starting(Starting::Readying(Readying { said, .. })) if said.is_empty() => {
                "ready is asked".to_owned()
            }
            State::Starting(Starting::Readying(Readying { said, .. })) => format!("ready says: {said}"),
            State::Running(running) => memory.why_running(running),
            State::Stopping(stopping) => memory.why_stopping(stopping),
        }
    }

    /// What comes by itself, and when.
    pub(super) fn next(&self) -> Option<Next> {
        let next = |what: &str, at: Moment| Some(Next { what: what.to_owned(), at });
        if let Some(resuming) = &self.resuming {
            return next("goes on without its hooks", resuming.until);
        }
        let starts = "starts without an answer";
        match &self.state {
            State::Stopped(Stopped::Idle(_)) => None,
            State::Stopped(Stopped::Looking { until } | Stopped::Loading { until }) => next(starts, *until),
            State::Stopped(Stopped::Backoff { until }) => next("next try", *until),
            State::Stopped(Stopped::Deciding { until, .. }) => next("the settings decide", *until),
            State::Starting(Starting::Gate(gate)) if gate.asked.is_some() => {
                next("on_start has no more time", gate.until)
            }
            State::Starting(Starting::Gate(gate)) => next("on_start is asked again", gate.until),
            State::Starting(Starting::Launching(launching)) => next("start fails", launching.until),
            State::Starting(Starting::Daemonizing(waiting)) => {
                next("start fails", waiting.last_look.unwrap_or(waiting.until))
            }
            State::Starting(Starting::Readying(readying)) => next("start fails", readying.until),
            State::Running(running) => {
                let attention = running.attention.as_ref()?;
                let (_, until) = attention.change.or(attention.verdict)?;
                next("the settings decide", until)
            }
            State::Stopping(stopping) => {
                let (what, at) = self.memory.next_of_stop(stopping);
                Some(Next { what, at })
            }
        }
    }
}

impl Rest {
    const fn standing(self) -> Standing {
        match self {
            Self::Done => Standing::Done,
            Self::Dead => Standing::Dead,
            Self::GaveUp => Standing::GaveUp,
        }
    }
}

impl Memory {
    /// When that state began, if it is the present one and that is remembered.
    fn entered(&self, state: StateName) -> Option<Moment> {
        self.history.iter().next_back().filter(|last| last.to == state).map(|last| last.at)
    }

    fn hooks_off(&self) -> Vec<(Hook, String)> {
        let off = Hook::ALL.into_iter().filter_map(|hook| Some((hook, self.broken(hook)?.to_owned())));
        off.collect()
    }

    fn has_checks(&self) -> bool {
        self.has(Hook::Health) && self.hooks().is_some_and(|hooks| !hooks.checks.is_empty())
    }

    /// How the last process ended, if that is known to be what its state comes from.
    fn exit_in_words(&self) -> Option<String> {
        let last = self.exits.iter().next_back().filter(|_| self.has_ended)?;
        Some(last.exit.to_string())
    }

    fn why_idle(&self, idle: Idle) -> String {
        let exit = || self.exit_in_words();
        match idle {
            Idle::New => "its supervisor begins".to_owned(),
            Idle::Down => "its `down` file holds it".to_owned(),
            Idle::Ordered if !self.ordered => DRAINS.to_owned(),
            Idle::Ordered => "stopped by order".to_owned(),
            Idle::Held => self.trouble.as_deref().unwrap_or("it has no good settings").to_owned(),
            Idle::Rest(Rest::Done) => {
                exit().map_or_else(|| "did its work".to_owned(), |exit| format!("did its work, {exit}"))
            }
            Idle::Rest(Rest::Dead) => match exit() {
                Some(exit) if exit == self.reason => format!("{exit}, not to be restarted"),
                Some(exit) if self.verdict_in_words().is_some() => format!("{exit}: {}", self.reason),
                // What was killed because its start had failed did not fail by that.
                Some(_) | None => format!("not to be restarted: {}", self.reason),
            },
            Idle::Rest(Rest::GaveUp) => match exit() {
                Some(exit) => format!("{}, the last: {exit}", self.reason),
                None => self.reason.clone(),
            },
            Idle::Gone => "its directory is gone".to_owned(),
        }
    }

    /// What its next try comes after.
    fn deaths_in_words(&self) -> String {
        let reason = &self.reason;
        let verb = if self.exit_in_words().is_some_and(|exit| exit == *reason) { "died" } else { "failed" };
        let deaths = match (self.cause, self.failures) {
            (Cause::Died, times @ 1..) => format!("{verb} {}, {reason}", Times(times)),
            (Cause::Unhealthy, _) => format!("unhealthy: {reason}"),
            (Cause::Died | Cause::None | Cause::Changed | Cause::Order, _) => reason.clone(),
        };
        match self.verdict_in_words() {
            Some(verdict) if !verdict.is_empty() => format!("{deaths}; should_restart says: {verdict}"),
            Some(_) | None => deaths,
        }
    }

    /// Why `should_restart` has decided as it did, if it was the last who decided anything.
    fn verdict_in_words(&self) -> Option<&str> {
        let last = self.decisions.iter().next_back()?;
        let is_its = last.by == By::Hook(Hook::ShouldRestart) && last.what != LEAVES_IT;
        is_its.then_some(last.reason.as_str())
    }

    fn why_running(&self, running: &Running) -> String {
        let health = running.attention.as_ref().map(|attention| attention.watch.health());
        match health.unwrap_or_default() {
            Health::Unhealthy => {
                let reason = running.attention.as_ref().map(|attention| attention.watch.reason());
                let reason = reason.filter(|reason| !reason.is_empty());
                let known = || (self.cause == Cause::Unhealthy).then(|| self.reason.clone());
                reason.or_else(known).map_or_else(
                    || "its checks fail".to_owned(),
                    |reason| format!("its checks fail: {reason}"),
                )
            }
            Health::Healthy => "healthy".to_owned(),
            Health::Unknown if self.is_oneshot() => "at work".to_owned(),
            Health::Unknown => "ready".to_owned(),
        }
    }

    fn why_stopping(&self, stopping: &Stopping) -> String {
        let ending = stopping.ending();
        let last = self.history.iter().next_back().filter(|last| last.to == StateName::Stopping);
        let reason = last.map_or(&*self.reason, |last| &*last.reason);
        let how_far = match stopping {
            Stopping::Unborn { .. } => "its process was being made",
            Stopping::Farewell { asked: Some(_), .. } => "on_stop is asked",
            Stopping::Farewell { asked: None, .. } => "on_stop has it wait",
            Stopping::Signalled { .. } => "the stop signal was sent",
            Stopping::Killing { said: true, .. } => "SIGKILL does not end it",
            Stopping::Killing { .. } if ending.asked => "SIGKILL was sent",
            Stopping::Killing { .. } => "what is left of it is killed",
        };
        if reason.is_empty() { how_far.to_owned() } else { format!("{reason}; {how_far}") }
    }

    fn next_of_stop(&self, stopping: &Stopping) -> (String, Moment) {
        let signal = |step: usize| {
            let next = self.policy().stop.get(step);
            next.map_or_else(|| "SIGKILL".to_owned(), |next| format!("signal {}", next.signal))
        };
        match stopping {
            Stopping::Unborn { until, .. } => ("SIGKILL".to_owned(), *until),
            Stopping::Farewell { until, .. } => (signal(0), *until),
            Stopping::Signalled { step, until, .. } => (signal(step.saturating_add(1)), *until),
            Stopping::Killing { until, .. } => ("SIGKILL again".to_owned(), *until),
        }
    }
}
