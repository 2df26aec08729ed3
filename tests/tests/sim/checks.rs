//! What must hold: in each step, at each wait, for each effect, and at the end.

use std::any::Any;
use std::panic::resume_unwind;

use proclaunch_core::exit::Exit;
use proclaunch_core::fleet::{Effect, Input};
use proclaunch_core::ids::{ProfileName, Ticket};
use proclaunch_core::log::{Entry, Said};
use proclaunch_core::machine::{Action, Idle, Machine, Phase, Rest, StateName, Want};
use proclaunch_core::profile::{Profile, Restart};
use proclaunch_core::signal::Signal;

use crate::happening::Unwound;
use crate::model::{Before, Expected};
use crate::world::Sim;

/// Ends the run: something is wrong.
pub(crate) fn violated(wrong: String) -> ! {
    resume_unwind(Box::new(Unwound::Violated(wrong)))
}

pub(crate) fn ensure(holds: bool, wrong: impl FnOnce() -> String) {
    if !holds {
        violated(wrong());
    }
}

impl Sim {
    /// One input, and the effects that it has.
    pub(crate) fn check_step(&mut self, input: &Input, before: &Before, effects: &[Effect]) {
        ensure(!before.is_old_news || effects.is_empty(), || {
            format!("a scan that finds nothing new has effects: {effects:?}")
        });
        for effect in effects {
            match effect {
                Effect::Do(name, action) => {
                    self.check_action(name, action, input, before);
                    if let Action::Signal { .. } | Action::KillTree { .. } = action {
                        ensure(*input != Input::Signal(Signal::TERM) || self.model.is_draining, || {
                            format!("{name} is signalled by a supervisor that leaves")
                        });
                    }
                }
                Effect::Log(Entry::Profile(name, said)) => {
                    self.lines.take(name, said).unwrap_or_else(|wrong| violated(wrong));
                    self.check_told_exit(name, said);
                    self.check_outcome(name, said);
                }
                Effect::Log(Entry::Own(_))
                | Effect::ReopenLog
                | Effect::Upgrade
                | Effect::RememberFleet(_)
                | Effect::Forget(_)
                | Effect::ForgetAll
                | Effect::Reply(..)
                | Effect::Happened { .. } => {}
            }
        }
    }

    fn check_action(&self, name: &ProfileName, action: &Action, input: &Input, before: &Before) {
        let entry = self.model.entries.get(name);
        let is_scan = matches!(input, Input::Scan(_));
        match action {
            Action::Spawn { profile, .. } => {
                ensure(!self.model.is_draining, || format!("{name} is spawned during a drain"));
                let Some(entry) = entry else { violated(format!("{name} is spawned and does not exist")) };
                ensure(entry.want == Want::Up, || format!("{name} is spawned and wanted {:?}", entry.want));
                ensure(!entry.is_held, || format!("{name} is spawned and held by its `down` file"));
                ensure(entry.profile.as_ref() == Some(profile), || {
                    format!("{name} is spawned by old settings")
                });
                ensure(!is_scan || before.may_be_started(name, profile), || {
                    format!("{name} is started by a change of its files, which have `down`")
                });
            }
            Action::Adopt { ticket, id } => {
                let record = self.records.get(name).and_then(|record| record.phase.start());
                let is_recalled = record.is_some_and(|start| start.ticket == *ticket);
                ensure(!before.was_draining || is_recalled, || {
                    format!("{name} adopts {id:?} as {ticket} during a drain")
                });
            }
            Action::LookAtPidFile(profile) => {
                ensure(!is_scan || before.may_be_started(name, profile), || {
                    format!("{name} is started by a change of its files, which have `down`")
                });
            }
            Action::Signal { .. }
            | Action::KillTree { .. }
            | Action::Watch { .. }
            | Action::Release { .. }
            | Action::RemovePidFile(_)
            | Action::LoadHooks(_)
            | Action::Consult(_)
            | Action::Lapse(_)
            | Action::Remember(_)
            | Action::Log(_)
            | Action::Happened(_) => {}
        }
    }

    /// What the log says of an end is how the process ended.
    fn check_told_exit(&self, name: &ProfileName, said: &Said) {
        let (id, told) = match said {
            Said::Died { id, exit, .. }
            | Said::DiedUnseen { id, exit, .. }
            | Said::Finished { id, exit, .. }
            | Said::Stopped { exit: Some((id, exit)) } => (*id, *exit),
            Said::Starting
            | Said::Running { .. }
            | Said::Adopted { .. }
            | Said::StartFailed { .. }
            | Said::GaveUp { .. }
            | Said::Stopping
            | Said::Stopped { exit: None }
            | Said::Reloading { .. }
            | Said::Disappeared
            | Said::Signalled { .. }
            | Said::NextStopSignal { .. }
            | Said::Killing { .. }
            | Said::KillingRest { .. }
            | Said::LeftBehind { .. }
            | Said::NotGone { .. }
            | Said::PidFileRejected { .. }
            | Said::BadSettings { .. }
            | Said::Warned { .. }
            | Said::Changed
            | Said::Created
            | Said::Deleting
            | Said::RemovingPidFile
            | Said::Gate { .. }
            | Said::HookDecided { .. }
            | Said::HookFailed { .. }
            | Said::Hook { .. }
            | Said::HookBroken { .. }
            | Said::HookOff { .. }
            | Said::Healthy
            | Said::Unhealthy { .. }
            | Said::NotReady { .. } => return,
        };
        let real = self.processes.exit_of(id);
        ensure(real == Some(told) || (real.is_some() && told == Exit::Unknown), || {
            format!("`{name} {said}`, but {id:?} ended with {real:?}")
        });
    }

    pub(crate) fn check_owner(&self, name: &ProfileName, ticket: Ticket, what: &str) {
        let owner = self.keeper.owner(ticket);
        ensure(owner == Some(name), || format!("{name} wants to {what} {ticket}, which is {owner:?}'s"));
    }

    /// Before a spawn: nothing that can be told to be the profile's lives.
    pub(crate) fn check_nothing_lives(&self, name: &ProfileName) {
        if let Some((ticket, _)) = self.keeper.launching.iter().find(|(_, other)| *other == name) {
            violated(format!("{name} is spawned beside {ticket}, which is being launched"));
        }
        let lives = self.processes.iter().find(|process| process.profile == *name && !process.excused);
        if let Some(process) = lives {
            violated(format!("{name} is spawned while {:?} of {} lives", process.id, process.ticket));
        }
    }

    pub(crate) fn check_nothing_forgotten(&self, only: Option<&ProfileName>) {
        for process in self.processes.iter().filter(|process| !process.excused) {
            ensure(only.is_some_and(|only| *only != process.profile), || {
                format!("the record of {} is dropped while {:?} lives", process.profile, process.id)
            });
        }
    }

    pub(crate) fn check_all_stopped(&self) {
        if let Some(process) = self.processes.iter().find(|process| !process.excused) {
            violated(format!(
                "all is said to be stopped while {:?} of {} lives",
                process.id, process.profile
            ));
        }
    }

    /// At each wait: the fleet's idea of the world is right.
    pub(crate) fn check_all(&mut self) {
        for (name, machine) in self.shadow.machines() {
            self.check_machine(name, machine);
        }
        self.questions.check_all(self.now, &self.shadow);
        for (ticket, start) in &self.keeper.starts {
            let is_known = self.shadow.machine(&start.name).is_some() || self.keeper.is_stray(*ticket);
            ensure(is_known || !self.model.has_begun(), || format!("{} is forgotten and lives", start.name));
        }
        for process in self.processes.iter().filter(|process| process.was_main && !process.excused) {
            let is_known = self.keeper.starts.iter().any(|(ticket, start)| {
                start.name == process.profile
                    && self.keeper.tree(*ticket, &self.processes).contains(&process.id)
            });
            let is_resuming = self.shadow.machine(&process.profile).is_some_and(Machine::is_resuming);
            ensure(is_known || is_resuming || !self.model.has_begun(), || {
                format!("{:?} of {} lives, and nobody knows", process.id, process.profile)
            });
        }
    }

    fn check_machine(&self, name: &ProfileName, machine: &Machine) {
        if machine.is_resuming() {
            return ensure(machine.deadline().is_some(), || format!("{name} awaits its hooks for ever"));
        }
        let starts: Vec<Ticket> = self
            .keeper
            .starts
            .iter()
            .filter(|(ticket, start)| start.name == *name && !self.keeper.is_stray(**ticket))
            .map(|(ticket, _)| *ticket)
            .collect();
        let unborn = self.keeper.launching.values().chain(self.keeper.failed.values());
        let launching = unborn.filter(|other| *other == name).count();
        ensure(starts.len() + launching <= 1, || format!("{name} has several starts: {starts:?}"));
        match machine.state() {
            StateName::Stopped => {
                ensure(starts.is_empty() && launching == 0, || {
                    format!("{name} is stopped, and has {starts:?}")
                });
                ensure(machine.deadline().is_some() || machine.idle().is_some(), || {
                    format!("{name} waits for nothing")
                });
            }
            StateName::Starting | StateName::Stopping => {
                ensure(machine.deadline().is_some(), || format!("{name} waits without a deadline"));
            }
            StateName::Running => self.check_running(name, machine),
        }
        let Some(entry) = self.model.entries.get(name) else { violated(format!("{name} does not exist")) };
        ensure(machine.want() == entry.want, || {
            format!("{name} is wanted {:?}, and should be {:?}", machine.want(), entry.want)
        });
        self.check_record(name, entry, machine.idle());
        let (counted, booked) = (machine.starts(), self.book.starts(name));
        ensure(counted == booked, || format!("{name} has counted {counted} starts, and made {booked}"));
    }

    fn check_running(&self, name: &ProfileName, machine: &Machine) {
        let Some((ticket, id)) = machine.process() else { violated(format!("{name} runs nothing")) };
        let main = self.keeper.starts.get(&ticket).and_then(|start| start.main);
        ensure(main == Some(id) || self.keeper.has_report_on(ticket), || {
            format!("{name} runs {id:?} as {ticket}, and the keeper has {main:?}")
        });
        let record = self.records.get(name).map(|record| &record.phase);
        let is_right = record.is_some_and(|phase| {
            phase.main() == Some(id) && phase.start().is_some_and(|start| start.ticket == ticket)
        });
        ensure(is_right, || format!("{name} runs {id:?}, and the record says {record:?}"));
        ensure(machine.want() == Want::Up, || format!("{name} runs, and is wanted {:?}", machine.want()));
    }

    fn check_record(&self, name: &ProfileName, entry: &Expected, idle: Option<Idle>) {
        let record = self.records.get(name).cloned().unwrap_or_default();
        let expected = (entry.is_ordered && entry.want != Want::Gone).then_some(entry.want);
        ensure(record.order == expected || entry.want == Want::Gone, || {
            format!("{name}: the order in force is {expected:?}, and the record says {:?}", record.order)
        });
        if let Some(Idle::Rest(rest)) = idle {
            ensure(record.phase == Phase::Rest(rest), || {
                format!("{name} rests ({rest:?}), and the record says {:?}", record.phase)
            });
        }
    }

    /// A while after the last fault: everything is as it is wanted.
    pub(crate) fn check_settled(&self) {
        for name in self.directory.profiles.keys() {
            let Some(machine) = self.shadow.machine(name) else { violated(format!("{name} was never seen")) };
            let Some(entry) = self.model.entries.get(name) else {
                violated(format!("{name} does not exist"))
            };
            let (idle, state) = (machine.idle(), machine.state());
            let is_right = match (entry.want, idle) {
                (Want::Up, None) => state == StateName::Running || never_ready(entry.profile.as_deref()),
                (Want::Up, Some(idle)) => may_rest(idle, entry) || self.questions.may_rest(name, idle),
                (Want::Down, idle) => idle == Some(Idle::Ordered),
                (Want::Gone, _) => false,
            };
            ensure(entry.is_reloaded || !machine.is_changed(), || format!("{name} runs by old settings"));
            ensure(is_right, || format!("{name} is to be {:?}, and is {state} ({idle:?})", entry.want));
        }
        for (name, _) in self.shadow.machines() {
            ensure(self.directory.profiles.contains_key(name), || {
                format!("{name} is gone, and is still there")
            });
        }
    }
}

/// Whether it is given less time to start than it needs.
fn never_ready(profile: Option<&Profile>) -> bool {
    profile.is_some_and(|profile| {
        profile.shape.pid_file.is_some() && profile.policy.start_timeout.as_secs() == 0
    })
}

fn may_rest(idle: Idle, entry: &Expected) -> bool {
    let Some(Profile { shape, policy }) = entry.profile.as_deref() else { return idle == Idle::Held };
    match idle {
        Idle::Down => policy.down && !entry.is_ordered,
        // What was changed while there was no supervisor is not seen: records do not hold the settings.
        Idle::Rest(_) if entry.rests_since_before => true,
        Idle::Rest(Rest::Done) => shape.oneshot || policy.down,
        Idle::Rest(Rest::Dead) => policy.restart != Restart::Always || policy.down,
        Idle::Rest(Rest::GaveUp) => policy.give_up.is_some() || policy.down,
        Idle::New | Idle::Ordered | Idle::Held | Idle::Gone => false,
    }
}

/// What a panic said.
pub(crate) fn describe(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("without a word").to_owned()
}
