//! The made-up processes of a test: what lives, what it uses, and when it ends by itself.
//!
//! **Invariant:** a pid is given out once; what is gone is never measured.

use std::collections::BTreeMap;
use std::time::Duration;

use proclaunch_core::clock::Moment;
use proclaunch_core::exit::Exit;
use proclaunch_core::ids::{ProcId, Ticket};

use crate::hooks::time::UP;

/// When every test begins, on the clock of the core: far from zero, so that a process can be older.
pub(super) const BEGINNING: Moment = Moment::from_nanos(UP.as_secs() * 1_000_000_000);

/// Start times are told in these.
const TICKS_PER_SECOND: u64 = 100;

/// The pid of the first process, less one.
const FIRST_PID: i32 = 1000;

const MB: f64 = 1_048_576.0;

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) exit: Exit,
    /// For want of memory.
    pub(super) oom: bool,
}

/// What a process is to its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The service itself.
    Main,
    /// `run` of a service that makes a daemon of itself.
    Launcher,
}

/// One process that lives.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) id: ProcId,
    pub(super) ticket: Ticket,
    pub(super) role: Role,
    /// When it ends by itself, and how.
    pub(super) due: Option<(Duration, End)>,
    /// CPU used until `since`.
    cpu: Duration,
    since: Duration,
}

/// One process below the main one.
#[derive(Clone, Debug)]
pub(super) struct Child {
    pub(super) id: ProcId,
    pub(super) rss: f64,
    pub(super) cmd: String,
}

/// What the main process uses: what is said of it holds for every one that follows.
#[derive(Clone, Debug)]
pub(super) struct Usage {
    pub(super) rss: f64,
    /// In percent of one processor.
    pub(super) cpu: f64,
    pub(super) fds: f64,
    pub(super) threads: f64,
}

impl Default for Usage {
    fn default() -> Self {
        Self { rss: 10.0 * MB, cpu: 0.0, fds: 4.0, threads: 1.0 }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Processes {
    alive: BTreeMap<i32, Process>,
    pub(super) usage: Usage,
    pub(super) children: Vec<Child>,
    /// The process that the pid file names.
    pub(super) pid_file: Option<ProcId>,
    given: i32,
}

impl Processes {
    /// A pid that nobody had, of a process that began at that time.
    pub(super) fn id(&mut self, born: Duration) -> ProcId {
        self.given += 1;
        ProcId { pid: FIRST_PID + self.given, start: ticks(born) }
    }

    /// Begins one.
    pub(super) fn begin(&mut self, ticket: Ticket, role: Role, now: Duration) -> ProcId {
        let id = self.id(now);
        let process = Process { id, ticket, role, due: None, cpu: Duration::ZERO, since: now };
        self.alive.insert(id.pid, process);
        id
    }

    /// Has it end later.
    pub(super) fn set_due(&mut self, id: ProcId, due: Option<(Duration, End)>) {
        if let Some(process) = self.alive.get_mut(&id.pid) {
            process.due = due;
        }
    }

    /// Takes one away.
    pub(super) fn end(&mut self, id: ProcId) -> Option<Process> {
        let process = self.alive.remove(&id.pid)?;
        if self.pid_file == Some(id) {
            self.pid_file = None;
        }
        Some(process)
    }

    /// Gives it to another start.
    pub(super) fn adopt(&mut self, id: ProcId, ticket: Ticket) {
        if let Some(process) = self.alive.get_mut(&id.pid).filter(|process| process.id == id) {
            process.ticket = ticket;
        }
    }

    /// Every one that lives.
    pub(super) fn all(&self) -> Vec<ProcId> {
        self.alive.values().map(|process| process.id).collect()
    }

    /// Those of a start.
    pub(super) fn of(&self, ticket: Ticket) -> Vec<ProcId> {
        self.alive.values().filter(|process| process.ticket == ticket).map(|process| process.id).collect()
    }

    /// The service itself, or what is to make it.
    pub(super) fn main(&self) -> Option<&Process> {
        let of = |role| self.alive.values().find(move |process| process.role == role);
        of(Role::Main).or_else(|| of(Role::Launcher))
    }

    /// Whether it lives.
    pub(super) fn lives(&self, id: ProcId) -> bool {
        self.alive.get(&id.pid).is_some_and(|process| process.id == id)
    }

    /// When the next one ends by itself.
    pub(super) fn next_end(&self) -> Option<Duration> {
        self.alive.values().filter_map(|process| process.due.map(|(at, _)| at)).min()
    }

    /// Those whose time has come.
    pub(super) fn ending(&self, now: Duration) -> Vec<(ProcId, End)> {
        let due =
            |process: &Process| process.due.filter(|(at, _)| *at <= now).map(|(_, end)| (process.id, end));
        self.alive.values().filter_map(due).collect()
    }

    /// The CPU that a process has used.
    pub(super) fn cpu(&self, id: ProcId, now: Duration) -> Option<Duration> {
        let process = self.alive.get(&id.pid).filter(|process| process.id == id)?;
        Some(process.cpu + now.saturating_sub(process.since).mul_f64(self.usage.cpu / 100.0))
    }

    /// Says how much CPU the main process uses from now on.
    pub(super) fn set_cpu(&mut self, percent: f64, now: Duration) {
        for process in self.alive.values_mut() {
            process.cpu += now.saturating_sub(process.since).mul_f64(self.usage.cpu / 100.0);
            process.since = now;
        }
        self.usage.cpu = percent;
    }
}

/// How long ago a process began.
pub(super) fn age(id: ProcId, now: Duration) -> Duration {
    let elapsed = ticks(now).saturating_sub(id.start);
    Duration::from_millis(elapsed.saturating_mul(1000 / TICKS_PER_SECOND))
}

/// The start time of a process that is so old.
pub(super) fn born_before(now: Duration, age: Duration) -> u64 {
    let ticks_of_age = u64::try_from(age.as_millis() / 10).unwrap_or(u64::MAX);
    ticks(now).saturating_sub(ticks_of_age)
}

fn ticks(at: Duration) -> u64 {
    BEGINNING.plus(at).as_nanos() / (1_000_000_000 / TICKS_PER_SECOND)
}
