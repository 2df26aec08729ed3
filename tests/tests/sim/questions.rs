//! What must hold of the questions to hooks: a second book of them, kept by the inputs and effects alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proclaunch_core::clock::Moment;
use proclaunch_core::fleet::{Effect, Fleet, Input};
use proclaunch_core::hook::{Answer, Gate, Hook, Hooks, Outcome, Question, QuestionId, Verdict};
use proclaunch_core::ids::ProfileName;
use proclaunch_core::machine::{
    Action, Event, Idle, Order, Phase, Recalled, Remembered, Rest, StateName, Want,
};
use proclaunch_core::profile::{HookFiles, Variable};

use crate::checks::{ensure, violated};

/// How long a stop may take without hooks: the keeper's answer, the steps of the stop, and the hardest kill.
const STOP_MAX: Duration = Duration::from_secs(80);

/// The questions that a supervisor has asked.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    /// Those whose answers are awaited.
    open: BTreeMap<QuestionId, Open>,
    seats: BTreeMap<ProfileName, Seat>,
    /// Since when a profile is to be down that is not.
    down_since: BTreeMap<ProfileName, Moment>,
    /// Whom this input orders to be started past its `on_start`.
    ordered_past: Option<ProfileName>,
}

#[derive(Clone, Debug)]
struct Open {
    name: ProfileName,
    hook: Hook,
    check: usize,
}

/// The hooks of one profile.
#[derive(Debug, Default)]
struct Seat {
    /// Those that were last asked to be loaded.
    files: HookFiles,
    in_force: Option<Arc<Hooks>>,
    /// `on_start` has let the next start through, with these variables.
    passed: Option<Vec<Variable>>,
    /// An operator has the next start made without asking it.
    is_forced: bool,
    /// The record says so.
    is_forced_by_record: bool,
    /// Errors in a row since the files were loaded.
    strikes: BTreeMap<Hook, u32>,
}

/// Whether the answer of this hook is not waited for.
const fn is_only_told(hook: Hook) -> bool {
    matches!(hook, Hook::OnReady | Hook::OnExit | Hook::OnEvent)
}

/// What an input is to the questions.
#[derive(Debug)]
pub(crate) enum Asked {
    Nothing,
    /// Nobody waits for it; how the machine was before.
    Stray(ProfileName, String),
    /// The answer to a question that was open, and the state that the machine was in.
    Answered {
        name: ProfileName,
        hook: Hook,
        outcome: Outcome,
        state: StateName,
    },
}

impl Questions {
    /// What gates have let through before their supervisor was killed.
    pub(crate) fn after(recalled: &BTreeMap<ProfileName, Recalled>) -> Self {
        let mut questions = Self::default();
        for (name, recalled) in recalled {
            let Remembered { phase, force, .. } = &recalled.remembered;
            let is_launched = if let Phase::Launching { variables: Some(variables), is_forced, .. } = phase {
                questions.seats.entry(name.clone()).or_default().passed = Some(variables.clone());
                *is_forced
            } else {
                false
            };
            if *force || is_launched {
                let seat = questions.seats.entry(name.clone()).or_default();
                seat.is_forced = true;
                seat.is_forced_by_record = *force;
            }
        }
        questions
    }

    pub(crate) fn is_open(&self, id: QuestionId) -> bool {
        self.open.contains_key(&id)
    }

    /// Whether this hook can be asked.
    pub(crate) fn has(&self, name: &ProfileName, hook: Hook) -> bool {
        let Some(seat) = self.seats.get(name) else { return false };
        seat.in_force.as_ref().is_some_and(|hooks| hooks.has(hook)) && !seat.is_off(hook)
    }

    /// Whether hooks let a profile rest so.
    pub(crate) fn may_rest(&self, name: &ProfileName, idle: Idle) -> bool {
        let Some(seat) = self.seats.get(name) else { return false };
        match idle {
            Idle::Held => seat.is_broken(),
            Idle::Rest(Rest::Dead) => {
                self.has(name, Hook::ShouldRestart) || seat.files.present.contains(&Hook::ShouldRestart)
            }
            Idle::New | Idle::Down | Idle::Ordered | Idle::Gone | Idle::Rest(Rest::Done | Rest::GaveUp) => {
                false
            }
        }
    }

    /// Takes an input, before the fleet does.
    pub(crate) fn before(&mut self, input: &Input, fleet: &Fleet) -> Asked {
        if let Input::Order(_, name, order) = input
            && order.want().is_some()
        {
            let is_forced = *order == Order::Start { force: true };
            self.seats.entry(name.clone()).or_default().is_forced = is_forced;
            self.ordered_past = Some(name.clone()).filter(|_| is_forced);
        } else {
            self.ordered_past = None;
        }
        let Input::Hook(name, event) = input else { return Asked::Nothing };
        let Some(machine) = fleet.machine(name) else { return Asked::Nothing };
        let stray = || Asked::Stray(name.clone(), format!("{machine:?}"));
        match &**event {
            Event::Decided { hook, outcome, .. } if is_only_told(*hook) => {
                self.count(name, *hook, outcome);
                Asked::Nothing
            }
            Event::Decided { id, outcome, .. } => {
                let Some(Open { name: of, hook, .. }) = self.open.remove(id) else { return stray() };
                ensure(of == *name, || format!("{name} has an answer for {of}"));
                self.count(&of, hook, outcome);
                Asked::Answered { name: of, hook, outcome: outcome.clone(), state: machine.state() }
            }
            Event::HooksLoaded(digest, hooks) => {
                let seat = self.seats.get_mut(name).filter(|seat| seat.files.digest == *digest);
                let Some(seat) = seat else { return stray() };
                seat.in_force = Some(Arc::clone(hooks));
                seat.strikes.clear();
                Asked::Nothing
            }
            _ => Asked::Nothing,
        }
    }

    fn count(&mut self, name: &ProfileName, hook: Hook, outcome: &Outcome) {
        let strikes = &mut self.seats.entry(name.clone()).or_default().strikes;
        match outcome {
            // What is off stays off: an answer that was under way comes too late.
            Outcome::Answer(_) if strikes.get(&hook).is_none_or(|count| *count < 5) => {
                strikes.remove(&hook);
            }
            Outcome::Failed(_) => *strikes.entry(hook).or_default() += 1,
            Outcome::Answer(_) | Outcome::TimedOut => {}
        }
    }

    /// One input, and the effects that it has had.
    pub(crate) fn check(&mut self, now: Moment, asked: &Asked, effects: &[Effect], fleet: &Fleet) {
        match asked {
            Asked::Stray(name, before) => {
                let after = format!("{:?}", fleet.machine(name).expect("it was there before"));
                ensure(*before == after, || format!("{name} heeds what nobody asked: {before}\n{after}"));
                ensure(effects.is_empty(), || format!("{name} heeds what nobody asked: {effects:?}"));
            }
            Asked::Answered { name, hook: Hook::OnStart, outcome, .. } => {
                self.seats.entry(name.clone()).or_default().passed = match outcome {
                    Outcome::Answer(Answer::Nothing) => Some(Vec::new()),
                    Outcome::Answer(Answer::Start(Gate::Go(variables))) => Some(variables.clone()),
                    _ => None,
                };
            }
            Asked::Answered { name, hook: Hook::ShouldRestart, outcome, state: StateName::Stopped } => {
                check_verdict(now, name, outcome, fleet);
            }
            Asked::Nothing | Asked::Answered { .. } => {}
        }
        for effect in effects {
            match effect {
                Effect::Do(name, action) => self.check_action(name, action),
                Effect::Forget(name) => drop(self.seats.remove(name)),
                Effect::Log(_)
                | Effect::ReopenLog
                | Effect::Upgrade
                | Effect::RememberFleet(_)
                | Effect::ForgetAll
                | Effect::Reply(..)
                | Effect::Happened { .. } => {}
            }
        }
    }

    fn check_action(&mut self, name: &ProfileName, action: &Action) {
        match action {
            Action::LoadHooks(profile) => {
                let seat = self.seats.entry(name.clone()).or_default();
                seat.files.clone_from(&profile.policy.hooks);
                if seat.files.present.is_empty() {
                    seat.in_force = None;
                }
            }
            Action::Remember(record) => self.remembers(name, record),
            Action::Consult(question) => self.asks(name, question),
            Action::Lapse(id) => {
                let lapsed = self.open.remove(id);
                ensure(lapsed.is_some_and(|open| open.name == *name), || {
                    format!("{name} drops the question {id:?}, which is not open")
                });
            }
            Action::Spawn { variables, .. } => {
                let Some(seat) = self.seats.get_mut(name) else {
                    return ensure(variables.is_empty(), || format!("{name} is given {variables:?}"));
                };
                seat.check_gate(name, variables);
                let open = self.open.values().find(|open| open.name == *name);
                ensure(open.is_none(), || format!("{name} is spawned while it is asked: {open:?}"));
            }
            _ => {}
        }
    }

    /// An order to go past `on_start` is in the record that comes before everything else, until the start is made.
    fn remembers(&mut self, name: &ProfileName, record: &Remembered) {
        let is_launched = matches!(record.phase, Phase::Launching { is_forced: true, .. });
        let is_before = record.order == Some(Want::Up)
            && matches!(
                record.phase,
                Phase::Due
                    | Phase::Held
                    | Phase::Gate { .. }
                    | Phase::Launching { .. }
                    | Phase::Stopping { .. }
            );
        if self.ordered_past.as_ref() == Some(name) && is_before {
            ensure(record.force || is_launched, || format!("{name} forgets what is forced: {record:?}"));
        }
        let Some(seat) = self.seats.get_mut(name) else { return };
        let is_due = seat.is_forced && seat.is_forced_by_record;
        let is_undone = record.is_gone || record.order != Some(Want::Up);
        ensure(!is_due || record.force || is_launched || is_undone, || {
            format!("{name} forgets what is forced: {record:?}")
        });
        seat.is_forced_by_record = record.force;
    }

    fn asks(&mut self, name: &ProfileName, question: &Question) {
        let Question { id, hook, check, .. } = *question;
        let is_past = self.seats.get(name).is_some_and(|seat| seat.is_forced_by_record);
        ensure(hook != Hook::OnStart || !is_past, || format!("{name} is asked what it was to go past"));
        ensure(self.has(name, hook), || format!("{name} asks its {hook}, which is not there"));
        let is_same = |open: &&Open| open.name == *name && open.hook == hook && open.check == check;
        let twice =
            matches!(hook, Hook::Health | Hook::OnTick) && self.open.values().any(|open| is_same(&open));
        ensure(!twice, || format!("{name} has its check {check} overlap itself"));
        if !is_only_told(hook) {
            self.open.insert(id, Open { name: name.clone(), hook, check });
        }
    }

    /// At each wait: what is open is what the machines wait for, and what is to be down gets there.
    pub(crate) fn check_all(&mut self, now: Moment, fleet: &Fleet) {
        let mut awaited = BTreeSet::new();
        for (name, machine) in fleet.machines() {
            for id in machine.questions() {
                let open = self.open.get(&id);
                ensure(open.is_some_and(|open| open.name == *name), || {
                    format!("{name} waits for the answer to {id:?}, which is not open")
                });
                awaited.insert(id);
            }
            if machine.want() == Want::Up || machine.state() == StateName::Stopped {
                self.down_since.remove(name);
                continue;
            }
            let since = *self.down_since.entry(name.clone()).or_insert(now);
            let farewell = if self.seats.contains_key(name) { Hook::OnStop.budget() } else { Duration::ZERO };
            ensure(now.since(since) <= STOP_MAX + farewell, || {
                format!("{name} is to be down for {:?}, and is {:?}", now.since(since), machine.state())
            });
        }
        if let Some((id, open)) = self.open.iter().find(|(id, _)| !awaited.contains(id)) {
            violated(format!("nobody waits for the answer to {id:?}: {open:?}"));
        }
        self.down_since.retain(|name, _| fleet.machine(name).is_some());
    }
}

impl Seat {
    /// Whether a hook has failed so often that it is not asked any more.
    fn is_off(&self, hook: Hook) -> bool {
        self.strikes.get(&hook).is_some_and(|count| *count >= 5)
    }

    /// Whether its `on_start` cannot be called, and never could or is switched off.
    fn is_broken(&self) -> bool {
        if self.is_off(Hook::OnStart) {
            return true;
        }
        let is_gate = |(hook, _): &(Hook, String)| *hook == Hook::OnStart;
        self.in_force
            .as_ref()
            .is_some_and(|hooks| !hooks.has(Hook::OnStart) && hooks.broken.iter().any(is_gate))
    }

    /// Before a spawn: the gate is open, or there is none.
    fn check_gate(&mut self, name: &ProfileName, variables: &[Variable]) {
        let has_gate = match &self.in_force {
            Some(hooks) => hooks.has(Hook::OnStart) || self.is_broken(),
            // The hook engine may be dead: who has a gate stays behind it.
            None => self.files.present.contains(&Hook::OnStart),
        };
        let passed = self.passed.take();
        let is_forced = std::mem::take(&mut self.is_forced);
        ensure(passed.is_some() || is_forced || !has_gate, || format!("{name} is spawned past its on_start"));
        ensure(passed.unwrap_or_default() == variables, || format!("{name} is given {variables:?}"));
    }
}

/// What follows the answer of `should_restart` to a death, once nothing lives any more.
fn check_verdict(now: Moment, name: &ProfileName, outcome: &Outcome, fleet: &Fleet) {
    let machine = fleet.machine(name).expect("it was asked");
    let last = machine.exits().iter().next_back();
    let is_brief = last.is_some_and(|last| !last.requested && last.after < Duration::from_secs(1));
    let least = if is_brief { Duration::from_millis(100) } else { Duration::ZERO };
    let starts_at = match outcome {
        Outcome::Answer(Answer::Restart(Verdict::Yes)) => now.plus(least),
        Outcome::Answer(Answer::Restart(Verdict::After(delay, _))) => now.plus(least.max(*delay)),
        Outcome::Answer(Answer::Restart(Verdict::No(_))) => {
            return ensure(machine.idle() == Some(Idle::Rest(Rest::Dead)), || {
                format!("{name} was not to be restarted, and is {:?}", machine.idle())
            });
        }
        _ => return,
    };
    let is_right = if starts_at > now {
        machine.deadline().is_some_and(|(at, _)| at == starts_at)
    } else {
        machine.idle().is_none_or(|idle| idle == Idle::Held)
    };
    ensure(is_right, || format!("{name} was to start at {starts_at:?}, and is {machine:?}"));
}
