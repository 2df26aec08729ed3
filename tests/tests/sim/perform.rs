//! What the world does: it performs effects, and lets processes live and die.

use std::sync::Arc;
use std::time::Duration;

use proclaunch_core::exit::Exit;
use proclaunch_core::fleet::{Effect, Input, Memo};
use proclaunch_core::ids::{ProcId, ProfileName, Ticket};
use proclaunch_core::log::{Entry, Own};
use proclaunch_core::machine::{Action, Look};
use proclaunch_core::process::{Report, Scope, SpawnError, Stage};
use proclaunch_core::profile::{Kill, Profile};
use proclaunch_core::signal::Signal;

use crate::checks::violated;
use crate::happening::Happening;
use crate::keeper::Hunt;
use crate::plan::{self, Child, Kin, Written};
use crate::processes::{PidFile, Process, Reaction};
use crate::world::Sim;

const STAGES: [Stage; 10] = [
    Stage::User,
    Stage::Output,
    Stage::Clone,
    Stage::Session,
    Stage::Limits,
    Stage::Nice,
    Stage::Credentials,
    Stage::Directory,
    Stage::Descriptors,
    Stage::Exec,
];

/// ENOENT, EAGAIN.
const ERRNOS: [i32; 2] = [2, 11];

impl Sim {
    pub(crate) fn perform_one(&mut self, effect: Effect, kill: Kill) {
        match effect {
            Effect::Do(name, action) => self.perform_action(&name, action, kill),
            Effect::Forget(name) => {
                self.check_nothing_forgotten(Some(&name));
                self.records.remove(&name);
                self.hooks.forget_profile(&name);
                self.book.forget(&name);
            }
            Effect::ForgetAll => {
                self.check_nothing_forgotten(None);
                self.records.clear();
                self.memo = Memo::default();
            }
            Effect::RememberFleet(memo) => self.memo = memo,
            Effect::Log(Entry::Profile(name, said)) => {
                self.book.told(&name, &said).unwrap_or_else(|wrong| violated(wrong));
            }
            Effect::Log(Entry::Own(Own::AllStopped)) => self.check_all_stopped(),
            Effect::Log(_)
            | Effect::ReopenLog
            | Effect::Upgrade
            | Effect::Reply(..)
            | Effect::Happened { .. } => {}
        }
    }

    fn perform_action(&mut self, name: &ProfileName, action: Action, kill: Kill) {
        match action {
            Action::Spawn { ticket, profile, variables: _ } => {
                self.check_nothing_lives(name);
                self.book.asked(name, ticket);
                self.keeper.launching.insert(ticket, name.clone());
                let launch = Happening::Launch(name.clone(), ticket, profile);
                let delay = self.latency();
                if delay.is_zero() { self.happen(launch) } else { self.later(delay, launch) }
            }
            Action::Adopt { ticket, id } => {
                if let Some(process) = self.processes.get_mut(id) {
                    process.was_main = true;
                    process.excused = false;
                }
                self.keeper.adopt(self.now, name, ticket, id, &self.processes);
            }
            Action::Signal { ticket, scope, signal } => {
                self.check_owner(name, ticket, "signal");
                self.signal(ticket, scope, signal);
            }
            Action::KillTree { ticket } => {
                self.check_owner(name, ticket, "kill");
                self.signal(ticket, Scope::Tree, Signal::KILL);
                self.keeper.hunt(ticket, Hunt::Kill, &self.processes);
            }
            Action::Watch { ticket } => {
                self.check_owner(name, ticket, "watch");
                self.keeper.hunt(ticket, Hunt::Watch, &self.processes);
            }
            Action::Release { ticket } => {
                if self.keeper.owner(ticket).is_none() {
                    // Its keeper is gone: a ticket that is not known is no error.
                    return;
                }
                self.check_owner(name, ticket, "release");
                self.keeper
                    .release(ticket, kill, &mut self.processes)
                    .unwrap_or_else(|wrong| violated(wrong));
            }
            Action::LookAtPidFile(profile) => {
                let delay = self.latency();
                self.later(delay, Happening::Look(name.clone(), profile));
            }
            Action::RemovePidFile(profile) => self.remove_pid_file(name, &profile),
            Action::LoadHooks(profile) => self.load_hooks(name, &profile),
            Action::Consult(question) => self.consult(name, &question),
            // What is on its way is dropped when it arrives, or is told too late all the same.
            Action::Lapse(_) => {}
            Action::Remember(remembered) => {
                self.records.insert(name.clone(), *remembered);
            }
            Action::Log(_) | Action::Happened(_) => violated("what is told comes as an action".to_owned()),
        }
    }

    /// How long an answer takes: mostly it is there at the next wait.
    fn latency(&mut self) -> Duration {
        match (self.timetable.is_calm, self.rng.below(10)) {
            (false, 0) => self.rng.delay(),
            (_, 1 | 2) => self.rng.duration(Duration::from_millis(5)),
            (_, _) => Duration::ZERO,
        }
    }

    pub(crate) fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::End(id, exit) => self.end(id, exit),
            Happening::Birth(parent, child) => self.bear(parent, child),
            Happening::PidFile(writer, written) => self.write_pid_file(writer, written),
            Happening::Launch(name, ticket, profile) => self.launch(&name, ticket, &profile),
            Happening::Look(name, profile) => {
                let look = self.look(&name, &profile);
                self.ready.push(Input::PidFile(name, look));
            }
            Happening::Tell(input) => self.ready.push(input),
            Happening::Scan(only) => self.scan(only.as_ref()),
            Happening::Answer(name, id, hook, outcome) => self.answer(name, id, hook, outcome),
            Happening::Act => self.act(),
            Happening::Next => self.next_part(),
        }
    }

    pub(crate) fn launch(&mut self, name: &ProfileName, ticket: Ticket, profile: &Arc<Profile>) {
        if !self.timetable.is_calm && self.rng.one_in(8) {
            let (stage, errno) = (*self.rng.pick(&STAGES), *self.rng.pick(&ERRNOS));
            let error = if stage == Stage::User {
                SpawnError::Unknown("user `nobody-here`".to_owned())
            } else {
                SpawnError::Errno(errno)
            };
            self.keeper.spawn_failed(ticket, |name| Report::SpawnFailed { name, ticket, stage, error });
            return;
        }
        let keeps_its_word = self.timetable.is_calm || !self.rng.one_in(10);
        let daemonizes = profile.shape.pid_file.is_some() && keeps_its_word;
        let nature = plan::nature(&mut self.rng, daemonizes, self.timetable.is_calm);
        let (profile, born) = (name.clone(), self.now);
        let (kin, parent, was_main, excused) = (Kin::Group, None, true, false);
        let id = self.processes.insert(self.now, |id| Process {
            id,
            profile,
            ticket,
            kin,
            parent,
            nature,
            born,
            was_main,
            excused,
        });
        self.keeper.spawned(name, ticket, id);
        self.live(id);
    }

    /// Plans what a process does from its birth on.
    fn live(&mut self, id: ProcId) {
        let Some(process) = self.processes.get(id) else { return };
        let nature = process.nature.clone();
        if let Some((life, exit)) = nature.life {
            self.later(life, Happening::End(id, exit));
        }
        for (delay, child) in nature.children {
            self.later(delay, Happening::Birth(id, child));
        }
    }

    fn bear(&mut self, parent: ProcId, child: Child) {
        let Some(process) = self.processes.get(parent) else { return };
        let (ticket, profile, born) = (process.ticket, process.profile.clone(), self.now);
        let (kin, nature, parent) = (child.kin, child.nature, Some(parent));
        let (was_main, excused) = (false, process.excused || kin == Kin::Untold);
        let id = self.processes.insert(self.now, |id| Process {
            id,
            profile,
            ticket,
            kin,
            parent,
            nature,
            born,
            was_main,
            excused,
        });
        self.note(&format!("{id:?} is born ({kin:?}, {ticket})"));
        self.live(id);
        if let Some((delay, written)) = child.pid_file {
            self.later(delay, Happening::PidFile(id, written));
        }
        if kin != Kin::Untold && self.keeper.kills(ticket) {
            self.signal_one(id, Signal::KILL);
        }
    }

    pub(crate) fn end(&mut self, id: ProcId, exit: Exit) {
        if let Some(process) = self.processes.end(id, exit) {
            self.note(&format!("{id:?} ends: {exit}"));
            self.keeper.ended(self.now, &process, exit, &self.processes);
        }
    }

    pub(crate) fn signal(&mut self, ticket: Ticket, scope: Scope, signal: Signal) {
        for id in self.keeper.scope(ticket, scope, &self.processes) {
            self.signal_one(id, signal);
        }
    }

    pub(crate) fn signal_one(&mut self, id: ProcId, signal: Signal) {
        match self.processes.signal(self.now, id, signal) {
            Reaction::Ends(at, exit) if at == self.now => self.end(id, exit),
            Reaction::Ends(at, exit) => self.at(at, Happening::End(id, exit)),
            Reaction::Nothing => {}
        }
    }

    fn write_pid_file(&mut self, writer: ProcId, written: Written) {
        let Some(process) = self.processes.get(writer) else { return };
        // It writes where the settings say that it was started with, or those of today: both happen.
        let name = process.profile.clone();
        let path = self.directory.pid_file_of(&name).unwrap_or_else(|| "pid".into());
        self.note(&format!("{writer:?} writes the pid file of {name}: {written:?}"));
        self.processes.pid_files.insert((name, path), PidFile { writer, written });
    }

    fn remove_pid_file(&mut self, name: &ProfileName, profile: &Profile) {
        if let Some(path) = &profile.shape.pid_file {
            self.processes.pid_files.remove(&(name.clone(), path.clone()));
        }
    }

    fn look(&self, name: &ProfileName, profile: &Profile) -> Look {
        let path = profile.shape.pid_file.clone().unwrap_or_default();
        let Some(PidFile { writer, written }) = self.processes.pid_files.get(&(name.clone(), path)) else {
            return Look::Absent;
        };
        match written {
            Written::Garbage => Look::Stale("it holds no pid".to_owned()),
            Written::Nobody => Look::Stale("no such process".to_owned()),
            Written::Stranger => Look::Rejected("it is somebody else's".to_owned()),
            Written::Right => match self.processes.get(*writer) {
                Some(process) => Look::Names { id: *writer, up: self.now.since(process.born) },
                None if self.processes.is_taken(writer.pid) => {
                    Look::Stale("it started after the file was written".to_owned())
                }
                None => Look::Stale("no such process".to_owned()),
            },
        }
    }
}
