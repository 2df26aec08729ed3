//! What the hook engine can do at a node: load hooks, answer a question in every way, or never.

use std::sync::Arc;
use std::time::Duration;

use super::super::consult::STRIKES_MAX;
use super::super::*;
use super::node::Node;
use crate::hook::{Answer, Change, Farewell, Gate, Hook, Hooks, Outcome, Schedule, Verdict, Wish};
use crate::signal::Signal;

impl Node {
    pub(super) fn answers(&self, all: &mut Vec<Self>) {
        if let Some(digest) = self.world.loading {
            let present = self.machine.profile().map(|profile| profile.policy.hooks.present.to_vec());
            let loaded = present.unwrap_or_default();
            let schedule = Schedule { bad: 1, of: 1, ..Schedule::default() };
            let checks = if loaded.contains(&Hook::Health) { vec![schedule] } else { Vec::new() };
            let hooks = Hooks { loaded, checks, ..Hooks::default() };
            let told = |next: &mut Self| next.world.loading = None;
            all.push(self.with(Event::HooksLoaded(digest, Arc::new(hooks)), told));
        }
        for &(id, hook) in &self.world.open {
            let outcomes = outcomes(hook).into_iter().chain([
                Outcome::Answer(Answer::Nothing),
                Outcome::Failed("raised an error".to_owned()),
                // A hook that answers another question is wrong, and must do no harm.
                Outcome::Answer(Answer::Change(Change::Restart)),
            ]);
            for outcome in outcomes {
                let told = |next: &mut Self| next.world.open.retain(|(open, _)| *open != id);
                all.push(self.with(Event::Decided { id, hook, outcome }, told));
            }
            // One is enough: what is switched off is as if it were not there.
            if Hook::ALL.iter().all(|hook| self.machine.memory.switched_off(*hook).is_none()) {
                all.push(self.failed_once_too_often(id, hook));
            }
        }
    }

    /// The last of so many errors in a row that the hook is switched off; that there were others is made up.
    fn failed_once_too_often(&self, id: QuestionId, hook: Hook) -> Self {
        let outcome = Outcome::Failed("raised an error".to_owned());
        self.with(Event::Decided { id, hook, outcome }, |next| {
            next.world.open.retain(|(open, _)| *open != id);
            next.machine.memory.strikes(hook).count = STRIKES_MAX - 1;
        })
    }

    /// What hooks want: bounded like the wishes of people.
    pub(super) fn hook_wishes(&self, all: &mut Vec<Self>) {
        let reason = || "reason".to_owned();
        for wish in [Wish::Restart(reason()), Wish::Stop(reason()), Wish::Signal(Signal::HUP, reason())] {
            let event = Event::Wished { hook: Hook::OnTick, wish };
            all.push(self.with(event, |next| next.wishes += 1));
        }
    }
}

fn outcomes(hook: Hook) -> Vec<Outcome> {
    let reason = || "reason".to_owned();
    let later = Duration::from_secs(3);
    let answers = match hook {
        Hook::OnStart => vec![
            Answer::Start(Gate::Go(Vec::new())),
            Answer::Start(Gate::NotYet(reason())),
            Answer::Start(Gate::Abort(reason())),
        ],
        Hook::Ready => vec![Answer::Ready(Ok(())), Answer::Ready(Err(reason()))],
        Hook::Health => vec![Answer::Health(Ok(())), Answer::Health(Err(reason()))],
        Hook::ShouldRestart => vec![
            Answer::Restart(Verdict::Yes),
            Answer::Restart(Verdict::No(reason())),
            Answer::Restart(Verdict::After(later, reason())),
        ],
        Hook::OnStop => {
            vec![Answer::Stop(Farewell::Wait(later)), Answer::Stop(Farewell::Signal(Signal::HUP))]
        }
        Hook::OnChange => [Change::Restart, Change::Reload, Change::Ignore].map(Answer::Change).to_vec(),
        Hook::OnReady | Hook::OnTick | Hook::OnExit | Hook::OnEvent => Vec::new(),
    };
    answers.into_iter().map(Outcome::Answer).collect()
}
