//! The commands that hooks have executed: the reactor asks the keeper, with tickets that the core never sees.
//!
//! **Invariant:** what the keeper reports of such a ticket goes to the hook that waits, and never to the fleet.
//! **Invariant:** nothing that a command has started outlives it, or the wish for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use nix::errno::Errno;
use proclaunch_core::ids::Ticket;
use proclaunch_core::process::{Report, SpawnError, Stage};

use crate::hooks::{Ended, Exec, ExecId};
use crate::keeper::protocol::{Kind, Output, Program, Request};

use super::reactor::Reactor;

/// The commands that run, or of which something is left.
#[derive(Debug)]
pub(super) struct Execs {
    /// Not the number of the fleet's tickets.
    instance: u64,
    serial: u64,
    running: BTreeMap<Ticket, Arc<Exec>>,
}

impl Execs {
    /// None yet; `instance` is a random number that nobody else has.
    pub(super) const fn new(instance: u64) -> Self {
        Self { instance, serial: 0, running: BTreeMap::new() }
    }

    /// A ticket that the fleet does not give out.
    pub(super) fn ticket(&mut self) -> Ticket {
        self.serial += 1;
        Ticket { instance: self.instance, serial: self.serial }
    }
}

impl Reactor {
    /// Has a command executed as its profile's `run` is: by its user, in its directory, with its environment.
    pub(super) fn exec(&mut self, exec: Arc<Exec>) {
        if !exec.is_wanted() {
            return;
        }
        let (Some(profile), Some(pipes)) = (self.hooks.profile(&exec.name), exec.take_pipes()) else {
            exec.ended(Ended::NotStarted(format!("{} is gone", exec.name)));
            return;
        };
        let ticket = self.execs.ticket();
        let mut spec = self.spec(exec.name.clone(), ticket, &profile, Output::Pipes);
        spec.program = Program::Argv(exec.argv.clone());
        spec.kind = Kind::Command;
        self.execs.running.insert(ticket, exec);
        self.link.spawn_piped(spec, pipes);
    }

    /// Kills what is left of a command, if it is still there.
    pub(super) fn kill_exec(&mut self, id: ExecId) {
        let ticket = self.execs.running.iter().find(|(_, exec)| exec.id == id).map(|(ticket, _)| *ticket);
        if let Some(ticket) = ticket {
            self.link.request(Request::KillTree { ticket });
        }
    }

    /// Kills all commands: nobody waits for them any more.
    pub(super) fn kill_execs(&mut self) {
        for ticket in self.execs.running.keys() {
            self.link.request(Request::KillTree { ticket: *ticket });
        }
    }

    /// Takes a report if it is about a command; gives any other back.
    pub(super) fn take_exec_report(&mut self, report: Report) -> Option<Report> {
        let ticket = match &report {
            Report::Spawned { ticket, .. }
            | Report::SpawnFailed { ticket, .. }
            | Report::Exited { ticket, .. }
            | Report::Gone { ticket, .. } => *ticket,
            Report::OutputLost { .. } => return Some(report),
        };
        let Some(exec) = self.execs.running.get(&ticket) else { return Some(report) };
        match report {
            Report::Spawned { .. } | Report::OutputLost { .. } => {}
            Report::SpawnFailed { stage, error, .. } => {
                exec.ended(Ended::NotStarted(why(&exec.argv, stage, &error)));
                self.execs.running.remove(&ticket);
            }
            Report::Exited { exit, .. } => {
                exec.ended(Ended::Exit(exit));
                self.link.request(Request::KillTree { ticket });
            }
            Report::Gone { .. } => {
                self.link.request(Request::Release { ticket });
                self.execs.running.remove(&ticket);
            }
        }
        None
    }
}

fn why(argv: &[Vec<u8>], stage: Stage, error: &SpawnError) -> String {
    let name = String::from_utf8_lossy(argv.first().map_or(&[][..], Vec::as_slice));
    let what = match stage {
        Stage::User => "look its user up",
        Stage::Output | Stage::Descriptors => "set its output up",
        Stage::Clone | Stage::Session => "make a process",
        Stage::Limits => "set its limits",
        Stage::Nice => "set its niceness",
        Stage::Credentials => "become its user",
        Stage::Directory => "change to its directory",
        Stage::Exec => "execute it",
    };
    match error {
        SpawnError::Errno(errno) if (stage, Errno::from_raw(*errno)) == (Stage::Exec, Errno::ENOENT) => {
            format!("{name}: no such command")
        }
        SpawnError::Errno(errno) => format!("{name}: failed to {what}: {}", Errno::from_raw(*errno).desc()),
        SpawnError::Setting { value, errno } => {
            format!("{name}: failed to {what}: {value}: {}", Errno::from_raw(*errno).desc())
        }
        SpawnError::Unknown(who) => format!("{name}: failed to {what}: {who}"),
        SpawnError::Unfit(why) => format!("{name}: failed to {what}: it {why}"),
    }
}
