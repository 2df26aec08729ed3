//! The simulated kernel: which processes live, and how those ended that do not.
//!
//! **Invariant:** a pid is reused as soon as it is free, and never with the same start time.

use std::collections::BTreeMap;

use proclaunch_core::clock::Moment;
use proclaunch_core::exit::Exit;
use proclaunch_core::ids::{ProcId, ProfileName, Ticket};
use proclaunch_core::signal::Signal;

use crate::plan::{Kin, Nature, Written};

/// How few pids there are.
const PIDS: i32 = 24;

/// A process that lives.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) id: ProcId,
    pub(crate) profile: ProfileName,
    /// The start that it descends from.
    pub(crate) ticket: Ticket,
    pub(crate) kin: Kin,
    pub(crate) parent: Option<ProcId>,
    pub(crate) nature: Nature,
    pub(crate) born: Moment,
    /// It was the main process of a start.
    pub(crate) was_main: bool,
    /// Nobody is to be blamed that it lives on: its `kill` file says so, or its start was forgotten with a
    /// supervisor that was killed.
    pub(crate) excused: bool,
}

/// What a pid file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub(crate) writer: ProcId,
    pub(crate) written: Written,
}

#[derive(Debug, Default)]
pub(crate) struct Processes {
    alive: BTreeMap<i32, Process>,
    ended: BTreeMap<ProcId, Exit>,
    last_pid: i32,
    pub(crate) pid_files: BTreeMap<(ProfileName, Box<str>), PidFile>,
}

/// What a signal does to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    Nothing,
    /// It ends so, at this moment.
    Ends(Moment, Exit),
}

impl Processes {
    pub(crate) fn insert(&mut self, now: Moment, process: impl FnOnce(ProcId) -> Process) -> ProcId {
        let start = now.as_nanos() / 10_000_000;
        let id = loop {
            self.last_pid = (self.last_pid + 1) % 4096;
            // A few pids are used again and again; when all are taken, others have to do.
            let pid = 100 + if self.alive.len() < 20 { self.last_pid % PIDS } else { self.last_pid };
            let id = ProcId { pid, start };
            if !self.alive.contains_key(&pid) && !self.ended.contains_key(&id) {
                break id;
            }
            if self.last_pid % PIDS == 0 {
                self.last_pid += PIDS;
            }
            let high = ProcId { pid: 5000 + self.last_pid, start };
            if self.last_pid % PIDS == 1
                && !self.ended.contains_key(&high)
                && !self.alive.contains_key(&high.pid)
            {
                break high;
            }
        };
        self.alive.insert(id.pid, process(id));
        id
    }

    pub(crate) fn get(&self, id: ProcId) -> Option<&Process> {
        self.alive.get(&id.pid).filter(|process| process.id == id)
    }

    pub(crate) fn get_mut(&mut self, id: ProcId) -> Option<&mut Process> {
        self.alive.get_mut(&id.pid).filter(|process| process.id == id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Process> {
        self.alive.values()
    }

    pub(crate) fn is_taken(&self, pid: i32) -> bool {
        self.alive.contains_key(&pid)
    }

    pub(crate) fn exit_of(&self, id: ProcId) -> Option<Exit> {
        self.ended.get(&id).copied()
    }

    /// Ends a process, if it still lives.
    pub(crate) fn end(&mut self, id: ProcId, exit: Exit) -> Option<Process> {
        self.get(id)?;
        self.ended.insert(id, exit);
        self.alive.remove(&id.pid)
    }

    pub(crate) fn signal(&self, now: Moment, id: ProcId, signal: Signal) -> Reaction {
        let Some(process) = self.get(id) else { return Reaction::Nothing };
        let exit = Exit::Signal { signal, core: false };
        match signal {
            Signal::KILL => Reaction::Ends(now.plus(process.nature.dying), exit),
            Signal::TERM | Signal::INT => match process.nature.obeys {
                Some(after) if process.nature.dying.as_secs() == 0 => Reaction::Ends(now.plus(after), exit),
                Some(_) | None => Reaction::Nothing,
            },
            _ => Reaction::Nothing,
        }
    }
}
