//! The gate before a start: `on_start` is asked, and asked again, until it lets the profile through.
//!
//! **Invariant:** nothing lives behind a gate, so whoever wants the profile down has it down at once.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::hook::{Answer, Gate as Answered, Hook, Outcome};
use crate::log::{Said, Times};
use crate::profile::{Profile, Variable};

use super::Context;
use super::consult::Now;
use super::event::{Action, Event, Order};
use super::memory::Memory;
use super::starting::{fail, launch, yield_to};
use super::state::{Gate, Idle, Starting, State, StateName, Stopped, Then};
use super::stopped::{load, settle};

/// How long after an answer of "not yet" the hook is asked again: doubling, up to the cap.
const AGAIN_BASE: Duration = Duration::from_secs(1);
const AGAIN_CAP: Duration = Duration::from_secs(30);

/// The shortest time that the hook can name: one that says "at once" for ever must not keep the supervisor busy.
const AGAIN_LEAST: Duration = Duration::from_millis(100);

/// What begins the trouble with an `on_start` that cannot be asked.
const BROKEN: &str = "on_start.lua: ";

/// Asks `on_start`, if there is one, or starts.
pub(super) fn enter(memory: &mut Memory, cx: &mut Context<'_>) -> State {
    if memory.force {
        return memory.launch_past_gate(cx);
    }
    if memory.hold_for_gate(cx.now) {
        return State::Stopped(Stopped::Idle(Idle::Held));
    }
    if memory.awaits_gate() {
        // Its files came while the pid file was being looked at.
        return State::Stopped(load(cx));
    }
    if memory.has(Hook::OnStart) {
        return ask(memory, cx, 0, String::new());
    }
    launch(memory, cx, Vec::new())
}

/// Goes on waiting: asks when the time has come, or at once.
pub(super) fn go_on(
    memory: &mut Memory,
    cx: &mut Context<'_>,
    tries: u32,
    again: Option<Moment>,
    said: String,
) -> State {
    let gate = Gate { asked: None, until: again.unwrap_or(cx.now), tries, said };
    if again.is_some_and(|again| again > cx.now) {
        return State::Starting(Starting::Gate(gate));
    }
    gate.again(memory, cx)
}

fn ask(memory: &mut Memory, cx: &mut Context<'_>, tries: u32, said: String) -> State {
    let id = memory.ask(cx, Hook::OnStart, Now::idle(StateName::Starting));
    let until = cx.now.plus(memory.policy().budget(Hook::OnStart));
    State::Starting(Starting::Gate(Gate { asked: Some(id), until, tries, said }))
}

impl Memory {
    /// Whether `on_start` is there and was never good, or is switched off: what it would have guarded against is not
    /// known.
    pub(super) fn hold_for_gate(&mut self, now: Moment) -> bool {
        let Some(why) = self.broken(Hook::OnStart).map(ToOwned::to_owned) else { return false };
        let trouble = format!("{BROKEN}{why}");
        if self.trouble.as_deref() != Some(trouble.as_str()) {
            self.note_hook(now, Hook::OnStart, "is not started", "it cannot be asked", &why);
            self.trouble = Some(trouble.into());
        }
        true
    }

    /// Starts without asking `on_start`, as was ordered.
    fn launch_past_gate(&mut self, cx: &mut Context<'_>) -> State {
        if self.trouble.as_ref().is_some_and(|trouble| trouble.starts_with(BROKEN)) {
            self.trouble = None;
        }
        launch(self, cx, Vec::new())
    }

    /// Whether there is an `on_start`, and no hooks are in force yet.
    pub(super) fn awaits_gate(&self) -> bool {
        let is_there = |profile: &Arc<Profile>| profile.policy.hooks.present.contains(&Hook::OnStart);
        self.hooks().is_none() && self.profile.as_ref().is_some_and(is_there)
    }
}

impl Gate {
    pub(super) fn step(mut self, memory: &mut Memory, cx: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Decided { id, outcome, hook: _ } if self.asked == Some(id) => {
                return self.answered(memory, cx, outcome);
            }
            Event::Timeout if cx.now >= self.until => {
                if self.asked.is_none() {
                    return self.again(memory, cx);
                }
                self.lapse(cx);
                return self.wait(memory, cx, None, "no answer in time".to_owned());
            }
            Event::Removed | Event::Drain | Event::Order(Order::Stop) => {
                self.lapse(cx);
                yield_to(memory, cx, &event);
                return settle(memory, cx, Then::StartAt(cx.now));
            }
            Event::Settings(new) => memory.accept(cx.now, new),
            Event::BadSettings(why) => memory.trouble = Some(why),
            Event::Order(order @ (Order::Start { .. } | Order::Restart)) => {
                memory.obey_start(order);
                if memory.force {
                    self.lapse(cx);
                    return memory.launch_past_gate(cx);
                }
                if self.asked.is_none() {
                    self.tries = 0;
                    return self.again(memory, cx);
                }
            }
            // New hook files were loaded: the new gate may think differently.
            Event::HooksLoaded(..) => {
                self.lapse(cx);
                return enter(memory, cx);
            }
            Event::Spawned { ticket, .. } => cx.act(Action::KillTree { ticket }),
            Event::Begin(_)
            | Event::Order(Order::Reload | Order::Signal(_))
            | Event::SpawnFailed { .. }
            | Event::PidFile(_)
            | Event::Exited { .. }
            | Event::Gone { .. }
            | Event::Decided { .. }
            | Event::Wished { .. }
            | Event::Timeout => {}
        }
        State::Starting(Starting::Gate(self))
    }

    fn answered(self, memory: &mut Memory, cx: &mut Context<'_>, outcome: Outcome) -> State {
        match outcome {
            Outcome::Answer(Answer::Nothing) => self.let_through(memory, cx, Vec::new()),
            Outcome::Answer(Answer::Start(Answered::Go(variables))) => {
                self.let_through(memory, cx, variables)
            }
            Outcome::Answer(Answer::Start(Answered::NotYet(reason))) => self.wait(memory, cx, None, reason),
            Outcome::Answer(Answer::Start(Answered::Again(delay, reason))) => {
                self.wait(memory, cx, Some(delay), reason)
            }
            Outcome::Answer(Answer::Start(Answered::Abort(reason))) => {
                memory.note_hook(cx.now, Hook::OnStart, "the start fails", &self.tries_in_words(), &reason);
                fail(memory, cx, None, format!("on_start: {reason}"))
            }
            Outcome::Failed(why) => self.wait(memory, cx, None, why),
            Outcome::TimedOut => self.wait(memory, cx, None, "no answer in time".to_owned()),
            Outcome::Answer(
                Answer::Ready(_)
                | Answer::Health(_)
                | Answer::Restart(_)
                | Answer::Stop(_)
                | Answer::Change(_),
            ) => self.wait(memory, cx, None, "an answer to another question".to_owned()),
        }
    }

    fn let_through(&self, memory: &mut Memory, cx: &mut Context<'_>, variables: Vec<Variable>) -> State {
        memory.note_hook(cx.now, Hook::OnStart, "starts", &self.tries_in_words(), "it was let through");
        launch(memory, cx, variables)
    }

    fn tries_in_words(&self) -> String {
        format!("asked {}", Times(self.tries.saturating_add(1)))
    }

    /// Asks again, unless the hook is gone meanwhile.
    fn again(self, memory: &mut Memory, cx: &mut Context<'_>) -> State {
        if memory.has(Hook::OnStart) {
            return ask(memory, cx, self.tries, self.said);
        }
        enter(memory, cx)
    }

    /// Not yet.
    fn wait(
        mut self,
        memory: &mut Memory,
        cx: &mut Context<'_>,
        delay: Option<Duration>,
        reason: String,
    ) -> State {
        let backoff = AGAIN_BASE.saturating_mul(1 << self.tries.min(10)).min(AGAIN_CAP);
        let delay = delay.map_or_else(|| cx.tickets.spread(backoff), |delay| delay.max(AGAIN_LEAST));
        if self.said != reason {
            let inputs = self.tries_in_words();
            memory.note_hook(cx.now, Hook::OnStart, "waits to start", &inputs, &reason);
            cx.say(Said::Gate { reason: reason.clone(), again: delay });
        }
        self.asked = None;
        self.until = cx.now.plus(delay);
        self.tries = self.tries.saturating_add(1);
        self.said = reason;
        State::Starting(Starting::Gate(self))
    }

    fn lapse(&mut self, cx: &mut Context<'_>) {
        if let Some(id) = self.asked.take() {
            cx.act(Action::Lapse(id));
        }
    }
}
