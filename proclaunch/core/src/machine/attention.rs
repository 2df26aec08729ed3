//! What the hooks of a running profile are asked, and what their answers do.

use crate::clock::Moment;
use crate::hook::{Answer, Change, Happening, Hook, Outcome, QuestionId, Wish};
use crate::log::Said;
use crate::process::Scope;
use crate::profile::Restart;
use crate::signal::Signal;

use super::Context;
use super::consult::Now;
use super::event::Action;
use super::health::{Due, Health, Watch};
use super::memory::{Memory, Rest, Want};
use super::policy::End;
use super::remembered::Cause;
use super::state::{Attention, Running, State, StateName, Then};

/// It runs and serves: says so, and begins to ask its hooks.
pub(super) fn become_ready(memory: &mut Memory, cx: &mut Context<'_>, running: Running) -> State {
    cx.say(Said::Running { id: running.id });
    memory.for_reason(if memory.has(Hook::Ready) {
        "ready says yes".to_owned()
    } else if running.made.daemonizes() {
        format!("its pid file names pid {}", running.id.pid)
    } else {
        format!("pid {} runs", running.id.pid)
    });
    let running = running.attend(memory, cx.now);
    memory.tell(cx, Hook::OnReady, running.now(false));
    running.catch_up(memory, cx)
}

impl Memory {
    /// Drops from a watch what is switched off; the questions that are open all the same.
    fn silence(&self, watch: &mut Watch) -> Vec<QuestionId> {
        let mut open = Vec::new();
        if self.switched_off(Hook::Health).is_some() {
            open.extend(watch.drop_checks());
        }
        if self.switched_off(Hook::OnTick).is_some() {
            open.extend(watch.drop_tick());
        }
        open
    }
}

impl Running {
    /// Begins to ask the hooks that are in force, from now on.
    pub(super) fn attend(mut self, memory: &mut Memory, now: Moment) -> Self {
        let old = self.attention.take();
        let Some(hooks) = memory.hooks().cloned() else { return self };
        let before = memory.take_attention();
        let ready = match (&old, &before) {
            (_, Some(before)) => before.ready,
            (Some(old), None) => old.ready,
            (None, None) => now,
        };
        // What is to be decided is to be decided still.
        let (change, verdict) = old.map_or((None, None), |old| (old.change, old.verdict));
        let mut watch = Watch::new(Some(&hooks), now);
        if let Some(before) = before {
            watch.go_on(before.health, before.forgiven, &before.checks);
        }
        memory.silence(&mut watch);
        self.attention = Some(Box::new(Attention { ready, watch, change, verdict }));
        self
    }

    /// Drops the checks that are under way.
    pub(super) fn lapse_checks(&mut self, cx: &mut Context<'_>) {
        let Some(attention) = &mut self.attention else { return };
        for id in std::mem::take(&mut attention.watch).open() {
            cx.act(Action::Lapse(id));
        }
    }

    pub(super) fn now(&self, changed: bool) -> Now {
        let attention = self.attention.as_ref();
        Now {
            state: StateName::Running,
            process: Some((self.id, self.since)),
            ready: attention.map(|attention| attention.ready),
            health: attention.map(|attention| attention.watch.health()).unwrap_or_default(),
            changed,
        }
    }

    /// Drops the questions whose answers would come too late.
    pub(super) fn lapse(&mut self, cx: &mut Context<'_>) {
        let Some(attention) = self.attention.take() else { return };
        for id in attention.open() {
            cx.act(Action::Lapse(id));
        }
    }

    /// A deadline has passed: asks what is due, and goes on without what was not answered.
    pub(super) fn timeout(mut self, memory: &mut Memory, cx: &mut Context<'_>) -> State {
        if memory.hooks().is_none() {
            // The files are gone; what was asked about them is decided all the same.
            self.lapse_checks(cx);
        }
        let at = cx.now;
        let lapsed = |question: &mut Option<(QuestionId, Moment)>| {
            question.take_if(|(_, until)| *until <= at).map(|(id, _)| id)
        };
        // One at a time: what one leads to can be the end of the other.
        if let Some(attention) = &mut self.attention {
            if let Some(id) = lapsed(&mut attention.change) {
                cx.act(Action::Lapse(id));
                return self.apply_change(memory, cx, &Outcome::TimedOut);
            }
            if let Some(id) = lapsed(&mut attention.verdict) {
                cx.act(Action::Lapse(id));
                return self.apply_verdict(memory, cx, Outcome::TimedOut);
            }
        }
        let Some(mut attention) = self.attention.take() else { return State::Running(self) };
        let ready = attention.ready;
        while let Some(due) = attention.watch.due(at, ready) {
            let now = Now { health: attention.watch.health(), ready: Some(ready), ..self.now(false) };
            match due {
                Due::Check(index, schedule) => {
                    let id = memory.ask_with(cx, Hook::Health, now, index, schedule.timeout, None);
                    attention.watch.asked(index, id, at);
                }
                Due::Tick => {
                    let id = memory.ask(cx, Hook::OnTick, now);
                    attention.watch.ticked(id, at.plus(memory.policy().budget(Hook::OnTick)));
                }
                Due::Lapsed(id) => cx.act(Action::Lapse(id)),
            }
        }
        self.attention = Some(attention);
        self.judge(memory, cx)
    }

    /// A hook has answered.
    pub(super) fn decided(
        mut self,
        memory: &mut Memory,
        cx: &mut Context<'_>,
        id: QuestionId,
        outcome: Outcome,
    ) -> State {
        let Some(attention) = &mut self.attention else { return State::Running(self) };
        let is = |question: &mut (QuestionId, Moment)| question.0 == id;
        if attention.change.take_if(is).is_some() {
            return self.apply_change(memory, cx, &outcome);
        }
        if attention.verdict.take_if(is).is_some() {
            return self.apply_verdict(memory, cx, outcome);
        }
        let ready = attention.ready;
        let is_check = attention.watch.answered(id, &outcome, cx.now, ready);
        // It may have been the error that switches its hook off.
        for id in memory.silence(&mut attention.watch) {
            cx.act(Action::Lapse(id));
        }
        if is_check { self.judge(memory, cx) } else { State::Running(self) }
    }

    /// Works the health out anew, and acts on what is new about it.
    fn judge(mut self, memory: &mut Memory, cx: &mut Context<'_>) -> State {
        let Some(attention) = &mut self.attention else { return State::Running(self) };
        let from = attention.watch.health();
        let Some(health) = attention.watch.judge() else { return State::Running(self) };
        // What is asked because it was unhealthy is asked of a past that is over.
        if let Some((id, _)) = attention.verdict.take() {
            cx.act(Action::Lapse(id));
        }
        let reason = attention.watch.reason();
        let (level, said) = match health {
            Health::Unhealthy => ("warn", Said::Unhealthy { reason: reason.clone() }),
            Health::Healthy | Health::Unknown => ("info", Said::Healthy),
        };
        if health == from {
            // Told to run on, and still unhealthy: what is new is the question, and not the answer.
            return self.ask_if_it_goes_on(memory, cx, reason);
        }
        cx.say(said);
        if health == Health::Unhealthy {
            let counts = attention.watch.counts_in_words();
            memory.note_hook(cx.now, Hook::Health, "is unhealthy", &counts, &reason);
        }
        let event = Happening {
            kind: "health".to_owned(),
            level: level.to_owned(),
            from: from.word().to_owned(),
            to: health.word().to_owned(),
            reason: reason.clone(),
        };
        let now = self.now(false);
        memory.tell_all(cx, now, Some(self.id), event);
        if health != Health::Unhealthy {
            return State::Running(self);
        }
        self.ask_if_it_goes_on(memory, cx, reason)
    }

    /// It is unhealthy: asks what is to be done about it.
    pub(super) fn ask_if_it_goes_on(
        mut self,
        memory: &mut Memory,
        cx: &mut Context<'_>,
        reason: String,
    ) -> State {
        let now = self.now(false);
        memory.because(Cause::Unhealthy, reason);
        if !memory.has(Hook::ShouldRestart) {
            return self.apply_verdict(memory, cx, Outcome::TimedOut);
        }
        let id = memory.ask(cx, Hook::ShouldRestart, now);
        if let Some(attention) = &mut self.attention {
            attention.verdict = Some((id, cx.now.plus(memory.policy().budget(Hook::ShouldRestart))));
        }
        State::Running(self)
    }

    /// It is unhealthy: restarts it, unless its hook or its settings would rather not.
    fn apply_verdict(mut self, memory: &mut Memory, cx: &mut Context<'_>, outcome: Outcome) -> State {
        let after = cx.now.since(self.since);
        let restarts = memory.policy().restart != Restart::Never;
        let by_settings = if restarts {
            memory.decide(cx, cx.now, End::Unhealthy(after)).0
        } else {
            memory.note_running_on(cx.now);
            Then::Rest(Rest::Dead)
        };
        let then = memory.verdict(cx, outcome, by_settings);
        if then == Then::Rest(Rest::Dead) {
            // It runs on; enough further failures make it unhealthy once more.
            if let Some(attention) = &mut self.attention {
                attention.watch.forgive();
            }
            return State::Running(self);
        }
        memory.for_reason(format!("health: {}", memory.reason));
        self.stop_then(memory, cx, then)
    }

    /// The files that shape the process have changed, and `on_change` has said what to do, or not.
    pub(super) fn apply_change(self, memory: &mut Memory, cx: &mut Context<'_>, outcome: &Outcome) -> State {
        let reload = memory.policy().reload;
        let by_settings = if reload.is_some() { Change::Reload } else { Change::Restart };
        let told = if let Outcome::Answer(Answer::Change(change)) = outcome { Some(*change) } else { None };
        let change = told.unwrap_or(by_settings);
        let what = match change {
            Change::Reload => "reloads",
            Change::Restart => "restarts",
            Change::Ignore => "runs on as it was started",
        };
        memory.note_change(cx.now, told.is_some(), what);
        match change {
            Change::Reload => {
                self.reload(cx, reload.unwrap_or(Signal::HUP));
                State::Running(self)
            }
            Change::Restart => {
                memory.forgive();
                memory.because(Cause::Changed, "its files have changed".to_owned());
                memory.for_reason("its files have changed");
                self.stop(memory, cx)
            }
            Change::Ignore => {
                let what = "runs on as it was started".to_owned();
                cx.say(Said::HookDecided { hook: Hook::OnChange, what });
                State::Running(self)
            }
        }
    }

    /// A hook wants something: granted, as long as an operator could order it too.
    pub(super) fn wished(self, memory: &mut Memory, cx: &mut Context<'_>, hook: Hook, wish: Wish) -> State {
        match wish {
            Wish::Restart(reason) if memory.want == Want::Up => {
                cx.say(Said::HookDecided { hook, what: format!("restarts: {reason}") });
                memory.note_hook(cx.now, hook, "restarts", "running", &reason);
                memory.for_reason(format!("{hook}: {reason}"));
                memory.because(Cause::Order, reason);
                self.stop(memory, cx)
            }
            Wish::Signal(signal, reason) => {
                cx.say(Said::HookDecided { hook, what: format!("is sent {signal}: {reason}") });
                memory.note_hook(cx.now, hook, &format!("is sent {signal}"), "running", &reason);
                cx.act(Action::Signal { ticket: self.ticket, scope: Scope::Main, signal });
                State::Running(self)
            }
            // A stop comes as an order, and a shutdown from the fleet, as `Drain`.
            Wish::Restart(_) | Wish::Stop(_) | Wish::Shutdown(_) => State::Running(self),
        }
    }
}
