//! What a supervisor says and does, as seen from outside; however it was started.

use std::fs;
use std::path::PathBuf;

use nix::sys::signal::Signal;

use crate::processes::{Process, descendants};
use crate::sandbox::Sandbox;
use crate::wait;

/// A sandbox in which a supervisor works, and that supervisor's log.
pub struct View {
    /// Its directories.
    pub sandbox: Sandbox,
    /// The file that it logs to.
    pub log: PathBuf,
}

impl View {
    /// Everything it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// What the profile has printed.
    pub fn output(&self, profile: &str) -> String {
        let path = self.sandbox.state().join("log").join(profile).join("current");
        String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
    }

    /// Everything of a profile's output that is in its files, oldest first.
    pub fn kept(&self, profile: &str) -> Vec<u8> {
        let files = self.output_files(profile);
        files.iter().rev().flat_map(|file| fs::read(file).unwrap_or_default()).collect()
    }

    /// The files that a profile's output is in, newest first: `current`, `current.1` and so on.
    pub fn output_files(&self, profile: &str) -> Vec<PathBuf> {
        let dir = self.sandbox.state().join("log").join(profile);
        let names = fs::read_dir(&dir).into_iter().flatten().flatten();
        let age = |name: String| match name.strip_prefix("current")? {
            "" => Some(0),
            rest => rest.strip_prefix('.')?.parse::<u32>().ok(),
        };
        let files =
            names.filter_map(|entry| Some((age(entry.file_name().into_string().ok()?)?, entry.path())));
        let mut files: Vec<_> = files.collect();
        files.sort();
        files.into_iter().map(|(_, path)| path).collect()
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

    /// When the messages about a profile that begin with these words were written, in milliseconds from the first line.
    pub fn times(&self, profile: &str, words: &str) -> Vec<u64> {
        const DAY: u64 = 24 * 3_600_000;
        let log = self.log();
        let first = log.lines().next().map_or(0, of_day);
        let start = format!("{profile} {words}");
        let is_asked = |line: &&str| line.get(31..).is_some_and(|message| message.starts_with(&start));
        log.lines().filter(is_asked).map(|line| (of_day(line) + DAY - first) % DAY).collect()
    }

    /// The pids that a profile ran as, in order.
    pub fn pids(&self, profile: &str) -> Vec<i32> {
        let pid = |message: String| message.strip_prefix("running pid ")?.split(' ').next()?.parse().ok();
        self.said(profile, "running pid ").into_iter().filter_map(pid).collect()
    }

    /// Whether a message about a profile that begins with these words names that process.
    pub fn names(&self, profile: &str, words: &str, pid: i32) -> bool {
        let pid = format!("pid {pid}");
        let is_named = |message: String| {
            message
                .match_indices(&pid)
                .any(|(at, _)| !message[at + pid.len()..].starts_with(|next: char| next.is_ascii_digit()))
        };
        self.said(profile, words).into_iter().any(is_named)
    }

    /// The main process of a profile, as soon as one runs and has its script.
    pub fn main_process(&self, profile: &str) -> Process {
        self.wait_for(&format!("{profile} to run"), || {
            Process::of(*self.pids(profile).last()?).filter(|process| !process.is_without_its_run())
        })
    }

    /// Looks until there is something.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        match wait::until(look) {
            Some(found) => found,
            None => panic!("waited in vain for {what}; the log:\n{}{}", self.log(), self.outputs()),
        }
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

    fn outputs(&self) -> String {
        let dirs = fs::read_dir(self.sandbox.state().join("log")).into_iter().flatten().flatten();
        let names = dirs.map(|dir| dir.file_name().to_string_lossy().into_owned());
        let printed = |name: String| [format!("\n{name} printed:\n"), self.output(&name)];
        names.flat_map(printed).collect()
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

/// The time of day of a line in milliseconds: `2026-11-23T14:31:05.123Z`.
fn of_day(line: &str) -> u64 {
    let number = |from: usize, to: usize| line[from..to].parse::<u64>().unwrap();
    ((number(11, 13) * 60 + number(14, 16)) * 60 + number(17, 19)) * 1_000 + number(20, 23)
}
