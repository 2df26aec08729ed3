//! The process table, as a test needs it: who descends from whom, who works in a directory.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;

use crate::wait;

/// A process that was alive when it was looked at. Its start time tells it from a later one of the same pid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Its pid.
    pub pid: i32,
    start: u64,
}

impl Process {
    /// The process of this pid, if it lives; a zombie does not.
    pub fn of(pid: i32) -> Option<Self> {
        Stat::of(pid).map(|stat| stat.process)
    }

    /// Whether it still lives.
    pub fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// How many descriptors it has open.
    pub fn descriptors(self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.pid)).map_or(0, Iterator::count)
    }

    /// What its descriptors lead to.
    pub fn open_files(self) -> Vec<String> {
        let entries = fs::read_dir(format!("/proc/{}/fd", self.pid)).into_iter().flatten().flatten();
        let links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
        links.map(|link| link.to_string_lossy().into_owned()).collect()
    }

    /// Its command line, with blanks between the words; empty if it is gone.
    pub fn command_line(self) -> String {
        let words = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        String::from_utf8_lossy(&words).replace('\0', " ")
    }

    /// Whether it is a shell that has yet to open its `run`. Until then it ends with 127 if the file is taken away.
    pub fn is_without_its_run(self) -> bool {
        let words = self.command_line();
        let mut words = words.split(' ');
        words.next().is_some_and(|shell| shell.ends_with("sh"))
            && words.any(|word| word.ends_with("/run"))
            && !self.open_files().iter().any(|file| file.contains("/run"))
    }

    /// Sends a signal to it, if it is still there.
    #[expect(clippy::disallowed_methods, reason = "its start time was compared a moment ago")]
    pub fn signal(self, signal: Signal) {
        if self.is_alive() {
            // It may end in between: that is what the caller wants to happen anyway.
            let _ = signal::kill(Pid::from_raw(self.pid), signal);
        }
    }
}

/// A process that no supervisor started and that sleeps; it ends with the value.
pub struct Stranger(Child);

impl Stranger {
    /// Starts one.
    #[expect(clippy::disallowed_methods, reason = "no supervisor is to know it")]
    pub fn new() -> Self {
        Self(Command::new("sleep").arg("86400").stdin(Stdio::null()).spawn().unwrap())
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process::of(i32::try_from(self.0.id()).unwrap()).expect("nobody has ended it")
    }

    /// Kills it and leaves it a zombie: its parent does not take its exit. Gives its pid.
    pub fn make_zombie(&self) -> i32 {
        let process = self.process();
        process.signal(Signal::SIGKILL);
        wait::until(|| (!process.is_alive()).then_some(())).expect("SIGKILL ends it");
        process.pid
    }
}

impl Default for Stranger {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Every live process below `root`, which itself is not among them.
pub fn descendants(root: i32) -> BTreeSet<Process> {
    let table: Vec<Stat> = all().into_iter().filter_map(Stat::of).collect();
    let mut parents = vec![root];
    let mut found = BTreeSet::new();
    while let Some(parent) = parents.pop() {
        for child in table.iter().filter(|stat| stat.parent == parent) {
            if found.insert(child.process) {
                parents.push(child.process.pid);
            }
        }
    }
    found
}

/// Every live child of a process.
pub fn children(parent: i32) -> BTreeSet<Process> {
    let table = all().into_iter().filter_map(Stat::of);
    table.filter(|stat| stat.parent == parent).map(|stat| stat.process).collect()
}

/// The parent of a live process.
pub fn parent_of(pid: i32) -> Option<i32> {
    Stat::of(pid).map(|stat| stat.parent)
}

/// Every live process there is.
pub fn everybody() -> Vec<Process> {
    all().into_iter().filter_map(Process::of).collect()
}

/// How many zombies a process has not collected.
pub fn zombies_of(parent: i32) -> usize {
    let is_zombie = |pid: &i32| {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let rest = text.rsplit_once(") ").map_or("", |(_, rest)| rest);
        rest.strip_prefix("Z ").and_then(|rest| rest.split(' ').next()?.parse().ok()) == Some(parent)
    };
    all().iter().filter(|pid| is_zombie(pid)).count()
}

/// Every live process that works in `dir`, or whose command line or environment names it.
///
/// Sessions and parents do not matter here, so what escaped from both is found. A program may overwrite its command
/// line and its environment with a title, but the servers of these tests work in a directory of their own. The test's
/// own children, such as a client that is connected, are not among them.
pub fn of_directory(dir: &Path) -> BTreeSet<Process> {
    let names_dir = |pid: &i32| {
        let proc = Path::new("/proc").join(pid.to_string());
        let mentions = |file: &str| {
            let needle = dir.as_os_str().as_bytes();
            let text = fs::read(proc.join(file)).unwrap_or_default();
            text.windows(needle.len()).any(|window| window == needle)
        };
        let works_there = fs::read_link(proc.join("cwd")).is_ok_and(|cwd| cwd.starts_with(dir));
        works_there || mentions("cmdline") || mentions("environ")
    };
    let found: BTreeSet<Process> = all().into_iter().filter(names_dir).filter_map(Process::of).collect();
    &found - &descendants(nix::unistd::getpid().as_raw())
}

fn all() -> Vec<i32> {
    let entries = fs::read_dir("/proc").expect("/proc is mounted");
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

struct Stat {
    process: Process,
    parent: i32,
}

impl Stat {
    fn of(pid: i32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold anything, blanks and parentheses too.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        if matches!(*fields.first()?, "Z" | "X") {
            return None;
        }
        let process = Process { pid, start: fields.get(19)?.parse().ok()? };
        Some(Self { process, parent: fields.get(1)?.parse().ok()? })
    }
}
