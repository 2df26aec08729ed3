//! The real supervisor in the foreground, and what it says and does.

use std::collections::BTreeSet;
use std::fs::File;
use std::ops::Deref;
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::Signal;

use crate::processes::{Process, descendants, of_directory};
use crate::sandbox::Sandbox;
use crate::view::View;
use crate::wait;

/// A supervisor in the foreground. Dropped, it takes everything that it started with it.
pub struct Supervisor {
    view: View,
    command: Command,
    child: Child,
}

impl Deref for Supervisor {
    type Target = View;

    fn deref(&self) -> &View {
        &self.view
    }
}

impl Supervisor {
    pub(crate) fn start(sandbox: Sandbox, command: Command) -> Self {
        let stderr = open_log(&sandbox);
        Self::start_to(sandbox, command, stderr)
    }

    /// Starts one whose standard error is not what [`View::log`] reads.
    pub(crate) fn start_to(sandbox: Sandbox, mut command: Command, stderr: impl Into<Stdio>) -> Self {
        let log = sandbox.log();
        let child = spawn(&mut command, stderr.into());
        Self { view: View { sandbox, log }, command, child }
    }

    /// Starts it once more with the same command line, after it has ended; the log goes on.
    #[track_caller]
    pub fn start_again(&mut self) {
        assert!(!self.is_running(), "the one before has ended:\n{}", self.log());
        self.child = spawn(&mut self.command, open_log(&self.view.sandbox).into());
    }

    /// The same, with a command line or an environment of the test's own.
    #[track_caller]
    pub fn start_again_with(&mut self, change: impl FnOnce(&mut Command)) {
        change(&mut self.command);
        self.start_again();
    }

    /// Stops everything by HUP, and checks the exit code and that no process is left.
    #[track_caller]
    pub fn drain(mut self) {
        // What was adopted is nobody's descendant.
        let seen = &descendants(self.process().pid) | &of_directory(self.sandbox.path());
        assert!(!seen.is_empty(), "something runs that can be stopped:\n{}", self.log());
        let exit = self.end(Signal::SIGHUP);
        let log = self.log();
        assert_eq!(exit.code(), Some(111), "{log}");
        assert!(log.trim_end().ends_with("ProcLaunch all profiles stopped. Exiting."), "{log}");
        let left: Vec<Process> = seen.into_iter().filter(|process| process.is_alive()).collect();
        assert_eq!(left, [], "processes that were seen are gone:\n{log}");
        assert_eq!(of_directory(self.sandbox.path()), BTreeSet::new(), "nobody is left behind:\n{log}");
    }

    /// Sends a signal to the supervisor, and waits for its end.
    #[track_caller]
    pub fn end(&mut self, signal: Signal) -> ExitStatus {
        self.process().signal(signal);
        self.wait()
    }

    /// Waits for the supervisor's end.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let exit = wait::until(|| self.child.try_wait().unwrap());
        exit.unwrap_or_else(|| panic!("waited in vain for the supervisor's end; the log:\n{}", self.log()))
    }

    /// Whether the supervisor still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The supervisor's own process.
    pub fn process(&self) -> Process {
        let pid = i32::try_from(self.child.id()).unwrap();
        Process::of(pid).unwrap_or_else(|| panic!("the supervisor runs:\n{}", self.log()))
    }
}

#[expect(clippy::disallowed_methods, reason = "the supervisor itself has no keeper above it")]
fn spawn(command: &mut Command, stderr: Stdio) -> Child {
    command.stdout(Stdio::null()).stderr(stderr).spawn().unwrap()
}

fn open_log(sandbox: &Sandbox) -> File {
    File::options().create(true).append(true).open(sandbox.log()).unwrap()
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let seen = i32::try_from(self.child.id()).map(descendants).unwrap_or_default();
        if matches!(self.child.try_wait(), Ok(None)) {
            // Killed, not asked: a test that fails must not hang on what it found to be broken.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        // The sandbox ends the others that it finds; a daemon may hide both its directory and its environment.
        for process in seen {
            process.signal(Signal::SIGKILL);
        }
    }
}
