//! Writing the record: when, and what.
//!
//! At each step a digest of what a successor must know is compared with that of the last record; the record itself
//! is built only when they differ. What passes by itself is no part of it: questions that are open are asked again,
//! and so are SIGKILLs.
//!
//! **Invariant:** the record comes before everything else that its step wants done, so that whatever was done is in
//! it; what it says and was not done is found out by the successor.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::process::Scope;
use crate::signal::Signal;

use super::Context;
use super::Machine;
use super::event::Action;
use super::health::Counted;
use super::imprint::Made;
use super::memory::{Memory, Want};
use super::remembered::VARIABLES_MAX;
use super::remembered::{
    AttentionThen, DEATHS_MAX, Past, Phase, Remembered, Start, Step, StopThen, TEXT_MAX,
};
use super::state::{
    Attention, Daemonizing, Ending, Gate, Idle, Launching, Readying, Running, Starting, State, Stopped,
    Stopping,
};

impl Machine {
    /// Has the record written if a successor would go on otherwise by the one that is there.
    pub(super) fn remember(&mut self, cx: &mut Context<'_>, first: usize) {
        if matches!(self.state, State::Stopped(Stopped::Idle(Idle::New | Idle::Gone))) {
            return;
        }
        let mark = self.mark();
        if mark == self.memory.written {
            return;
        }
        self.memory.written = mark;
        let record = self.record();
        let owed = owed(&cx.actions[first..]);
        if owed.is_empty() {
            cx.actions.insert(first, Action::Remember(Box::new(record)));
            return;
        }
        // Twice: a signal that comes a second time can mean something else to a service.
        cx.actions.insert(first, Action::Remember(Box::new(Remembered { owed, ..record.clone() })));
        cx.act(Action::Remember(Box::new(record)));
    }

    /// What tells one record from another.
    pub(super) fn mark(&self) -> u64 {
        let Memory { want, ordered, force, failures, starts, has_ended, shape, .. } = &self.memory;
        let mut hasher = DefaultHasher::new();
        (want, ordered, force, failures, starts, has_ended, shape).hash(&mut hasher);
        let (deaths, unasked) = (&self.memory.deaths, &self.memory.unasked);
        (deaths.len(), deaths.last(), unasked.iter().next_back()).hash(&mut hasher);
        self.memory.exits.iter().next_back().map(|ended| (ended.id, ended.at)).hash(&mut hasher);
        let decision = self.memory.decisions.iter().next_back().map(|last| (last.at, last.what.as_str()));
        decision.hash(&mut hasher);
        self.memory.known_hooks.mark(&mut hasher);
        (&self.memory.policy().stop, self.memory.policy().kill).hash(&mut hasher);
        self.state.mark(&mut hasher);
        hasher.finish()
    }

    /// What is to be remembered.
    pub(super) fn record(&self) -> Remembered {
        let memory = &self.memory;
        let phase = self.state.phase(memory);
        let stop = phase.start().and_then(|_| StopThen::of(memory.policy()));
        Remembered {
            // That a profile is gone is the directory's word and no order: it may be back by the time this is read.
            order: Some(memory.want).filter(|want| memory.ordered && *want != Want::Gone),
            is_gone: memory.want == Want::Gone,
            force: memory.force,
            phase,
            shape: memory.shape,
            past: memory.past(),
            hooks: memory.hooks_then(),
            stop,
            owed: Vec::new(),
        }
    }
}

/// The signals among what a step wants done. SIGKILL is sent again in any case.
fn owed(actions: &[Action]) -> Vec<(Scope, Signal)> {
    let signal = |action: &Action| match action {
        Action::Signal { scope, signal, ticket: _ } if *signal != Signal::KILL => Some((*scope, *signal)),
        Action::Signal { .. }
        | Action::Spawn { .. }
        | Action::Adopt { .. }
        | Action::KillTree { .. }
        | Action::Watch { .. }
        | Action::Release { .. }
        | Action::LookAtPidFile(_)
        | Action::RemovePidFile(_)
        | Action::LoadHooks(_)
        | Action::Consult(_)
        | Action::Lapse(_)
        | Action::Remember(_)
        | Action::Log(_)
        | Action::Happened(_) => None,
    };
    actions.iter().filter_map(signal).collect()
}

/// The beginning of a text.
pub(super) fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(TEXT_MAX)].to_owned()
}

impl Memory {
    fn past(&self) -> Past {
        Past {
            starts: self.starts,
            failures: self.failures,
            deaths: self.deaths[self.deaths.len().saturating_sub(DEATHS_MAX)..].to_vec(),
            exits: self.exits.iter().copied().collect(),
            has_ended: self.has_ended,
            history: self.history.iter().cloned().collect(),
            unasked: self.unasked.iter().copied().collect(),
            cause: self.cause,
            reason: cut(&self.reason),
            decisions: self.decisions.iter().cloned().collect(),
        }
    }
}

impl State {
    /// What a successor must know of the state, and nothing that passes by itself.
    fn mark(&self, hasher: &mut impl Hasher) {
        std::mem::discriminant(self).hash(hasher);
        match self {
            // Whatever passes before a start is the same to a successor.
            Self::Stopped(Stopped::Looking { .. } | Stopped::Loading { .. }) => 0.hash(hasher),
            Self::Stopped(Stopped::Deciding { then, .. }) => (1, then).hash(hasher),
            Self::Stopped(Stopped::Backoff { until }) => (2, until).hash(hasher),
            Self::Stopped(Stopped::Idle(idle)) => (3, idle).hash(hasher),
            Self::Starting(Starting::Gate(gate)) => (4, gate.tries).hash(hasher),
            Self::Starting(Starting::Launching(launching)) => (5, launching.ticket).hash(hasher),
            Self::Starting(Starting::Daemonizing(waiting)) => {
                (6, waiting.ticket, waiting.launcher, waiting.until).hash(hasher);
            }
            Self::Starting(Starting::Readying(readying)) => (7, readying.until).hash(hasher),
            Self::Running(running) => {
                (running.ticket, running.id).hash(hasher);
                if let Some(attention) = &running.attention {
                    let Attention { ready, watch, change, verdict } = &**attention;
                    (ready, change.is_some(), verdict.is_some()).hash(hasher);
                    (watch.health(), watch.is_forgiven()).hash(hasher);
                    watch.counted().for_each(|counted| counted.hash(hasher));
                }
            }
            Self::Stopping(stopping) => {
                let Ending { ticket, main, exit, asked, then, deciding, .. } = stopping.ending();
                (ticket, main, exit, asked, then, deciding.is_some()).hash(hasher);
                match stopping {
                    Stopping::Unborn { .. } => 8.hash(hasher),
                    Stopping::Farewell { asked, until, .. } => (9, asked.is_some(), until).hash(hasher),
                    Stopping::Signalled { scope, step, .. } => (10, scope, step).hash(hasher),
                    Stopping::Killing { whole_tree, said, .. } => (11, whole_tree, said).hash(hasher),
                }
            }
        }
    }

    fn phase(&self, memory: &Memory) -> Phase {
        match self {
            Self::Stopped(stopped) => stopped.phase(memory),
            Self::Starting(Starting::Gate(Gate { asked, until, tries, said })) => {
                let again = if asked.is_none() { Some(*until) } else { None };
                Phase::Gate { tries: *tries, again, said: cut(said) }
            }
            Self::Starting(Starting::Launching(launching)) => {
                let Launching { ticket, profile, variables, is_forced, since, until } = launching;
                let bytes: usize = variables.iter().map(|one| one.name.len() + one.value.len()).sum();
                Phase::Launching {
                    start: start(*ticket, *since, &Made::By(profile.clone())),
                    until: *until,
                    variables: Some(variables.clone()).filter(|_| bytes <= VARIABLES_MAX),
                    is_forced: *is_forced,
                }
            }
            Self::Starting(Starting::Daemonizing(waiting)) => {
                let Daemonizing { ticket, profile, launcher, since, until, .. } = waiting;
                let start = start(*ticket, *since, &Made::By(profile.clone()));
                Phase::Daemonizing { start, launcher: *launcher, until: *until }
            }
            Self::Starting(Starting::Readying(Readying { running, until, .. })) => {
                Phase::Readying { start: running.start(), id: running.id, until: *until }
            }
            Self::Running(running) => {
                let waiting = || memory.attention_then().cloned();
                let attention = running.attention.as_deref().map(Attention::then).or_else(waiting);
                Phase::Running { start: running.start(), id: running.id, attention }
            }
            Self::Stopping(stopping) => {
                let Ending { ticket, since, made, main, exit, asked, then, deciding } = stopping.ending();
                Phase::Stopping {
                    start: start(*ticket, *since, made),
                    main: *main,
                    exit: *exit,
                    asked: *asked,
                    then: *then,
                    deciding: deciding.is_some(),
                    step: stopping.how_far(),
                }
            }
        }
    }
}

impl Stopped {
    const fn phase(&self, memory: &Memory) -> Phase {
        match self {
            Self::Idle(Idle::Rest(rest)) => Phase::Rest(*rest),
            Self::Idle(Idle::Down) => Phase::Down,
            Self::Idle(Idle::Held) => Phase::Held,
            // A drain is nobody's order: what comes after it begins afresh.
            Self::Idle(Idle::Ordered) if memory.ordered => Phase::Ordered,
            Self::Idle(Idle::Ordered | Idle::New | Idle::Gone) => Phase::Fresh,
            Self::Looking { .. } | Self::Loading { .. } => Phase::Due,
            Self::Backoff { until } => Phase::Backoff { until: *until },
            Self::Deciding { then, .. } => Phase::Deciding { then: *then },
        }
    }
}

fn start(ticket: crate::ids::Ticket, since: crate::clock::Moment, made: &Made) -> Start {
    Start { ticket, since: Some(since), shape: made.imprint(), daemonizes: made.daemonizes() }
}

impl Running {
    fn start(&self) -> Start {
        start(self.ticket, self.since, &self.made)
    }
}

impl Attention {
    fn then(&self) -> AttentionThen {
        let counted = self.watch.counted().map(|(failures, has_results, reason)| Counted {
            failures,
            has_results,
            reason: cut(reason),
        });
        AttentionThen {
            ready: self.ready,
            health: self.watch.health(),
            forgiven: self.watch.is_forgiven(),
            checks: counted.collect(),
            is_changing: self.change.is_some(),
            is_judged: self.verdict.is_some(),
        }
    }
}

impl Stopping {
    fn how_far(&self) -> Step {
        match self {
            Self::Unborn { until, .. } => Step::Unborn { until: *until },
            Self::Farewell { scope, asked, until, .. } => {
                Step::Farewell { scope: *scope, until: *until, asked: asked.is_some() }
            }
            Self::Signalled { scope, step, since, until, .. } => Step::Signalled {
                scope: *scope,
                step: u32::try_from(*step).unwrap_or(u32::MAX),
                since: *since,
                until: *until,
            },
            Self::Killing { whole_tree, since, said, .. } => {
                Step::Killing { whole_tree: *whole_tree, since: *since, said: *said }
            }
        }
    }
}
