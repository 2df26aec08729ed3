//! The real supervisor in the foreground, and what it says and does.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::process::{Child, Command, ExitStatus};

use nix::sys::signal::Signal;

use crate::processes::{Process, descendants, of_directory};
use crate::sandbox::Sandbox;
use crate::wait;

/// A supervisor in the foreground. Dropped, it takes everything that it started with it.
pub struct Supervisor {
    /// Its directories.
    pub sandbox: Sandbox,
    child: Child,
}

impl Supervisor {
    pub(crate) fn start(sandbox: Sandbox, command: Command) -> Self {
        let child = spawn(&sandbox, command);
        Self { sandbox, child }
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.sandbox.log()).unwrap_or_default()
    }

    /// What the profile has printed.
    pub fn output(&self, profile: &str) -> String {
        let path = self.sandbox.state().join("log").join(profile).join("current");
        String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
    }

    /// The messages about a profile that begin with these words.
    pub fn said(&self, profile: &str, words: &str) -> Vec<String> {
        let log = self.log();
        let messages = log.lines().filter_map(|line| {
            let (tag, message) = line.get(31..)?.split_once(' ')?;
            (tag == profile && message.starts_with(words)).then(|| message.to_owned())
        });
        messages.collect()
    }

    /// The pids that a profile ran as, in order.
    pub fn pids(&self, profile: &str) -> Vec<i32> {
        let pid = |message: String| message.strip_prefix("running pid ")?.split(' ').next()?.parse().ok();
        self.said(profile, "running pid ").into_iter().filter_map(pid).collect()
    }

    /// The main process of a profile, as soon as one runs.
    pub fn main_process(&self, profile: &str) -> Process {
        self.wait_for(&format!("{profile} to run"), || Process::of(*self.pids(profile).last()?))
    }

    /// Looks until there is something.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        match wait::until(look) {
            Some(found) => found,
            None => panic!("waited in vain for {what}; the log:\n{}{}", self.log(), self.outputs()),
        }
    }

    /// Kills a profile's main process, sees another one take its place, and the old one's whole tree gone.
    #[track_caller]
    pub fn kill_main_process(&self, profile: &str) -> Process {
        let old = self.main_process(profile);
        let runs = self.pids(profile).len();
        let tree = descendants(old.pid);
        old.signal(Signal::SIGKILL);
        self.wait_for(&format!("{profile} to come back"), || (self.pids(profile).len() > runs).then_some(()));
        self.wait_for("what was below the old process to be gone", || {
            (!tree.iter().any(|process| process.is_alive())).then_some(())
        });
        assert_eq!(self.said(profile, "died").len(), 1, "{}", self.log());
        let new = self.main_process(profile);
        assert_ne!(old, new);
        new
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

    /// Starts another supervisor after this one has ended, with the same directories; the log goes on.
    pub fn start_again(&mut self) {
        self.start_again_with(|_| ());
    }

    /// The same, with a command line or an environment of the test's own.
    pub fn start_again_with(&mut self, change: impl FnOnce(&mut Command)) {
        assert!(!self.is_running(), "the first one has ended:\n{}", self.log());
        let mut command = self.sandbox.command();
        command.arg("--foreground");
        change(&mut command);
        self.child = spawn(&self.sandbox, command);
    }

    /// Whether the supervisor still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until the supervisor has said these words about a profile, and gives the message.
    #[track_caller]
    pub fn wait_for_line(&self, tag: &str, words: &str) -> String {
        self.wait_for(&format!("`{tag} {words}`"), || self.said(tag, words).pop())
    }

    /// The supervisor's messages in order, with the details in parentheses cut off and pids masked: `web running pid N`.
    pub fn messages(&self) -> Vec<String> {
        self.log().lines().filter_map(|line| line.get(31..)).map(masked).collect()
    }

    /// The supervisor's own process.
    pub fn process(&self) -> Process {
        let pid = i32::try_from(self.child.id()).unwrap();
        Process::of(pid).unwrap_or_else(|| panic!("the supervisor runs:\n{}", self.log()))
    }

    fn outputs(&self) -> String {
        let dirs = fs::read_dir(self.sandbox.state().join("log")).into_iter().flatten().flatten();
        let names = dirs.map(|dir| dir.file_name().to_string_lossy().into_owned());
        let printed = |name: String| [format!("\n{name} printed:\n"), self.output(&name)];
        names.flat_map(printed).collect()
    }
}

#[expect(clippy::disallowed_methods, reason = "the supervisor itself has no keeper above it")]
fn spawn(sandbox: &Sandbox, mut command: Command) -> Child {
    let log = File::options().create(true).append(true).open(sandbox.log()).unwrap();
    command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let seen = i32::try_from(self.child.id()).map(descendants).unwrap_or_default();
        if matches!(self.child.try_wait(), Ok(None)) {
            // Killed, not asked: a test that fails must not hang on what it found to be broken.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        for process in seen.into_iter().chain(of_directory(self.sandbox.path())) {
            process.signal(Signal::SIGKILL);
        }
    }
}

/// A message as the original's tests compare them: without details, without the numbers of processes.
fn masked(message: &str) -> String {
    let words = message.split_once(" (").map_or(message, |(words, _)| words);
    let mut last = "";
    let masked = words.split(' ').map(|word| {
        let is_pid = last == "pid" && word.parse::<i32>().is_ok();
        last = word;
        if is_pid { "N" } else { word }
    });
    masked.collect::<Vec<_>>().join(" ")
}
