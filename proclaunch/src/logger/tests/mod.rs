//! The logger on real FIFOs and files.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;

use proclaunch_core::ids::ProfileName;
use proclaunch_core::profile::LogSettings;
use tempfile::TempDir;

use super::fifo;
use super::peek::Peek;
use super::profile::{Left, Profile};

mod fifos;
mod kills;
mod lines;
mod loops;

fn name(text: &str) -> ProfileName {
    ProfileName::parse(text).unwrap()
}

fn settings(size: u64, keep: u32, timestamps: bool) -> LogSettings {
    LogSettings { size, keep, timestamps }
}

/// One profile whose logger can be ended and started at will.
struct Bench {
    temp: TempDir,
    log: LogSettings,
    writer: fs::File,
    profile: Option<Profile>,
    peek: Peek,
}

impl Bench {
    fn new(log: LogSettings) -> Self {
        Self::within(TempDir::new().unwrap(), log)
    }

    fn within(temp: TempDir, log: LogSettings) -> Self {
        let writer = fs::File::from(fifo::ensure(temp.path(), &name("web"), None).unwrap());
        Self { temp, log, writer, profile: None, peek: Peek::new().unwrap() }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).unwrap();
    }

    fn profile(&mut self) -> &mut Profile {
        let state_dir: Rc<Path> = self.temp.path().into();
        let log = self.log;
        self.profile.get_or_insert_with(|| {
            let mut profile = Profile::new(&state_dir, name("web"), log);
            profile.attach(1).unwrap();
            profile
        })
    }

    /// Works until nothing is left in the FIFO.
    fn work(&mut self) {
        self.profile();
        let profile = self.profile.as_mut().unwrap();
        while profile.work(1, &mut self.peek).unwrap() == Left::More {}
    }

    /// Writes the bytes, and has the logger take them, as much at once as a pipe holds.
    fn pass(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(60_000) {
            self.write(piece);
            self.work();
        }
    }

    /// What SIGKILL does.
    fn kill(&mut self) {
        self.profile = None;
    }

    fn path(&self) -> std::path::PathBuf {
        self.temp.path().join("log/web")
    }

    fn current(&self) -> Vec<u8> {
        fs::read(self.path().join("current")).unwrap()
    }

    /// The numbers of the older files.
    fn numbers(&self) -> Vec<u32> {
        let names = fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let number = |name: std::ffi::OsString| name.to_str()?.strip_prefix("current.")?.parse().ok();
        let mut numbers: Vec<u32> = names.filter_map(number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Each file, the oldest first.
    fn files(&self) -> Vec<Vec<u8>> {
        let old = |number: &u32| fs::read(self.path().join(format!("current.{number}"))).unwrap();
        self.numbers().iter().rev().map(old).chain([self.current()]).collect()
    }

    fn all(&self) -> Vec<u8> {
        self.files().concat()
    }
}

/// Numbered lines of various lengths.
fn numbered(count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|number| format!("{number} {}\n", "x".repeat(number * 7 % 150)).into_bytes())
        .collect()
}
