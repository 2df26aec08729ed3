//! ProcLaunch's own processes: keeper, supervisor and logger, as they are found from outside.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::sys::signal::Signal;

use crate::processes::{self, Process, parent_of};
use crate::view::View;

/// `argv[0]` of the process that decides.
pub const SUPERVISOR: &str = "proclaunch: supervisor";
/// `argv[0]` of the process that keeps the output.
pub const LOGGER: &str = "proclaunch: logger";

/// All three of them, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The process that `proclaunch.pid` names.
    pub keeper: Process,
    /// Its supervisor.
    pub supervisor: Process,
    /// Its logger.
    pub logger: Process,
}

impl Parts {
    /// Each with its name.
    pub const fn each(self) -> [(&'static str, Process); 3] {
        [("keeper", self.keeper), ("supervisor", self.supervisor), ("logger", self.logger)]
    }
}

impl View {
    /// The keeper, if it lives: the process that `proclaunch.pid` names and that is neither of the others. A supervisor
    /// that is becoming the keeper is none yet.
    pub fn keeper(&self) -> Option<Process> {
        let keeper = self.sandbox.instance()?;
        let state = self.sandbox.state();
        let is_other = [SUPERVISOR, LOGGER].iter().any(|title| has_title(keeper.pid, title, &state));
        (!is_other).then_some(keeper)
    }

    /// The keeper's supervisor, if it lives.
    pub fn supervisor(&self) -> Option<Process> {
        self.part(SUPERVISOR)
    }

    /// The keeper's logger, if it lives.
    pub fn logger(&self) -> Option<Process> {
        self.part(LOGGER)
    }

    /// All three, if all live.
    pub fn parts(&self) -> Option<Parts> {
        let supervisor = self.supervisor()?;
        let parts = Parts { keeper: self.keeper()?, supervisor, logger: self.logger()? };
        // What was looked at first may have ended meanwhile, and the others with it.
        parts.each().iter().all(|(_, process)| process.is_alive()).then_some(parts)
    }

    /// All three, as soon as all live.
    #[track_caller]
    pub fn wait_for_parts(&self) -> Parts {
        self.wait_for("keeper, supervisor and logger", || self.parts())
    }

    /// Kills all of ProcLaunch at once, so that nobody is left who could start another one; services live on.
    #[track_caller]
    pub fn kill_all_parts(&self) {
        let state = self.sandbox.state();
        let ours = || helpers(&state).into_iter().chain(self.sandbox.instance());
        // First the one that starts others. Stopped, none of them notices the end of another.
        let keeper = self.sandbox.instance();
        signal_all(keeper.as_slice(), Signal::SIGSTOP);
        let all: Vec<Process> = ours().collect();
        signal_all(&all, Signal::SIGSTOP);
        signal_all(&all, Signal::SIGKILL);
        self.wait_for("all of them to be gone", || ours().next().is_none().then_some(()));
    }

    fn part(&self, title: &str) -> Option<Process> {
        let keeper = self.keeper()?;
        let state = self.sandbox.state();
        let is_it = |process: &&Process| has_title(process.pid, title, &state);
        processes::children(keeper.pid).iter().find(is_it).copied()
    }
}

/// Every supervisor and logger that works on a state directory, whoever its parent is, zombies aside.
pub fn helpers(state_dir: &Path) -> Vec<Process> {
    let is_helper =
        |process: &Process| [SUPERVISOR, LOGGER].iter().any(|title| has_title(process.pid, title, state_dir));
    processes::everybody().into_iter().filter(is_helper).collect()
}

fn signal_all(processes: &[Process], signal: Signal) {
    for process in processes {
        process.signal(signal);
    }
}

/// Whether a process calls itself so, and works on that state directory.
fn has_title(pid: i32, title: &str, state_dir: &Path) -> bool {
    let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let mut words = line.split(|byte| *byte == 0);
    words.next() == Some(title.as_bytes()) && words.next() == Some(state_dir.as_os_str().as_bytes())
}

/// Whether a process is the child of another one.
pub fn is_child(process: Process, parent: Process) -> bool {
    parent_of(process.pid) == Some(parent.pid)
}
