//! The real supervisor as a daemon, which nobody is the parent of.

use std::fs::File;
use std::ops::Deref;
use std::path::PathBuf;
use std::process::Command;

use nix::sys::signal::Signal;

use crate::processes::{Process, descendants};
use crate::sandbox::Sandbox;
use crate::view::View;

/// A supervisor that became a daemon. Dropped, it takes everything that it started with it.
pub struct Daemon {
    view: View,
    command: Command,
    process: Process,
}

impl Deref for Daemon {
    type Target = View;

    fn deref(&self) -> &View {
        &self.view
    }
}

impl Daemon {
    /// Has a launcher make it. When the launcher's output is at its end, the daemon is up.
    #[track_caller]
    pub(crate) fn start(sandbox: Sandbox, mut command: Command, log: PathBuf) -> Self {
        let process = launch(&mut command, &sandbox);
        Self { view: View { sandbox, log }, command, process }
    }

    /// Starts it once more with the same command line, after it has ended; the log goes on.
    #[track_caller]
    pub fn start_again(&mut self) {
        assert!(self.keeper().is_none(), "the one before has ended:\n{}", self.log());
        self.process = launch(&mut self.command, &self.view.sandbox);
    }

    /// The daemon's own process: the one that was started, or what came after it.
    pub fn process(&self) -> Process {
        self.keeper().unwrap_or(self.process)
    }

    /// Sends a signal to the daemon, and waits for its end.
    #[track_caller]
    pub fn end(&self, signal: Signal) {
        let process = self.process();
        process.signal(signal);
        self.wait_for("the daemon's end", || (!process.is_alive()).then_some(()));
        // Its other threads may live a moment longer, and hold the lock.
        let state = File::open(self.sandbox.state()).unwrap();
        self.wait_for("its lock", || state.try_lock().is_ok().then_some(()));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // First, so that it starts nothing anew; the sandbox ends what is left.
        let process = self.process();
        let seen = descendants(process.pid);
        process.signal(Signal::SIGKILL);
        for process in seen {
            process.signal(Signal::SIGKILL);
        }
    }
}

#[track_caller]
fn launch(command: &mut Command, sandbox: &Sandbox) -> Process {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
    sandbox.instance().expect("the pid file names a live process")
}
