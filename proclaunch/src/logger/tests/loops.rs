//! The whole logger in a thread, with the supervisor's side of it.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};
use nix::unistd::{Pid, gettid};
use proclaunch_core::profile::LogSettings;
use tempfile::TempDir;

use super::super::control::Control;
use super::super::protocol::Word;
use super::super::{Config, Link, run};
use super::{name, numbered, settings};

/// Generous: nothing waits for it but a failure.
const PATIENCE_MS: u16 = 60_000;

struct Pair {
    temp: TempDir,
    link: Link,
    thread: Option<JoinHandle<u8>>,
    /// The logger's end, which the keeper holds too.
    spare: Option<OwnedFd>,
    calls: Arc<AtomicU32>,
    tid: Option<Pid>,
}

impl Pair {
    fn new() -> Self {
        let temp = TempDir::new().unwrap();
        let flags = SockFlag::SOCK_CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).unwrap();
        let link = Link::new(temp.path().to_owned(), ours);
        let calls = Arc::new(AtomicU32::new(0));
        let mut pair = Self { temp, link, thread: None, spare: Some(theirs), calls, tid: None };
        pair.start();
        assert!(matches!(pair.word(), Word::Hello { .. }));
        pair
    }

    fn start(&mut self) {
        let calls = Arc::clone(&self.calls);
        let config = Config {
            state_dir: self.temp.path().to_owned(),
            socket: self.spare.as_ref().unwrap().try_clone().unwrap(),
            parcel: None,
            call_for_keeper: Box::new(move || {
                calls.fetch_add(1, Ordering::SeqCst);
            }),
        };
        let (told, tell) = mpsc::channel();
        self.thread = Some(thread::spawn(move || {
            told.send(gettid()).unwrap();
            run(config)
        }));
        self.tid = Some(tell.recv().unwrap());
    }

    /// The next that the logger says.
    fn word(&mut self) -> Word {
        self.words().into_iter().next().unwrap()
    }

    fn words(&mut self) -> Vec<Word> {
        loop {
            let words = self.link.receive();
            if !words.is_empty() {
                return words;
            }
            let mut fds = [PollFd::new(self.link.fd(), PollFlags::POLLIN)];
            assert_eq!(poll(&mut fds, PollTimeout::from(PATIENCE_MS)), Ok(1), "the logger says nothing");
        }
    }

    fn configure(&mut self, profile: &str, log: LogSettings) -> File {
        self.link.configure(&name(profile), log, false, None).unwrap();
        File::from(self.link.fifo(&name(profile)).unwrap().try_clone_to_owned().unwrap())
    }

    fn current(&self, profile: &str) -> Vec<u8> {
        fs::read(self.temp.path().join("log").join(profile).join("current")).unwrap()
    }

    /// Waits until the profile's file is there and so large.
    fn wait_for(&self, profile: &str, size: u64) {
        let path = self.temp.path().join("log").join(profile).join("current");
        for _ in 0..PATIENCE_MS / 20 {
            if fs::metadata(&path).is_ok_and(|found| found.len() >= size) {
                return;
            }
            poll(&mut [], PollTimeout::from(20_u16)).unwrap();
        }
        panic!("`{}` does not grow to {size} bytes", path.display());
    }

    /// How often the logger has waited.
    fn switches(&self) -> String {
        let status = fs::read_to_string(format!("/proc/self/task/{}/status", self.tid.unwrap())).unwrap();
        status.lines().find(|line| line.starts_with("voluntary_ctxt_switches")).unwrap().to_owned()
    }

    /// Has the logger finish, and gives its exit code.
    fn finish(&mut self) -> u8 {
        self.link.finish();
        self.thread.take().unwrap().join().unwrap()
    }
}

#[test]
fn what_is_written_is_kept_and_the_logger_finishes() {
    let mut pair = Pair::new();
    let mut writers: Vec<File> =
        ["a", "b", "c"].iter().map(|profile| pair.configure(profile, LogSettings::default())).collect();
    let lines = numbered(3000);
    for writer in &mut writers {
        writer.write_all(&lines).unwrap();
        writer.write_all(b"the end").unwrap();
    }
    assert_eq!(pair.finish(), 0);
    for profile in ["a", "b", "c"] {
        assert!(pair.current(profile) == [&lines[..], b"the end\n"].concat(), "{profile}");
    }
    assert_eq!(pair.calls.load(Ordering::SeqCst), 0);
}

#[test]
fn a_new_logger_is_told_everything() {
    let mut pair = Pair::new();
    let mut writer = pair.configure("web", settings(4096, 3, false));
    writer.write_all(b"one\n").unwrap();
    assert_eq!(pair.finish(), 0);
    writer.write_all(b"two\nthree").unwrap();
    let mut link = Link::new(pair.temp.path().to_owned(), pair.link.fd().try_clone_to_owned().unwrap());
    link.configure(&name("web"), settings(4096, 3, false), false, None).unwrap();
    link.ended(&name("web"));
    pair.link = link;
    pair.start();
    assert!(matches!(pair.word(), Word::Hello { .. }));
    assert_eq!(pair.finish(), 0);
    assert_eq!(pair.current("web"), b"one\ntwo\nthree\n");
}

#[test]
fn a_profile_that_is_gone_is_read_to_the_end_and_its_fifo_goes() {
    let mut pair = Pair::new();
    let mut writer = pair.configure("web", LogSettings::default());
    writer.write_all(b"the last words").unwrap();
    drop(writer);
    pair.link.forget(&name("web"));
    assert_eq!(pair.word(), Word::Forgotten { name: name("web") });
    assert!(!pair.temp.path().join("log/web/pipe").exists());
    assert_eq!(pair.current("web"), b"the last words\n");
    let mut writer = pair.configure("web", LogSettings::default());
    writer.write_all(b"again").unwrap();
    assert_eq!(pair.finish(), 0);
    assert_eq!(pair.current("web"), b"the last words\nagain\n");
}

#[test]
fn trouble_with_what_is_gone_is_none() {
    let temp = TempDir::new().unwrap();
    let flags = SockFlag::SOCK_CLOEXEC;
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags).unwrap();
    let mut link = Link::new(temp.path().to_owned(), ours);
    for gone in ["gone", "full"] {
        link.configure(&name(gone), LogSettings::default(), false, None).unwrap();
        link.forget(&name(gone));
    }
    let mut logger = Control::new(theirs);
    let trouble = |of: &str| Word::Trouble { name: name(of), why: "no such file".to_owned() };
    let hello = Word::Hello { pid: 1 };
    let (forgotten, over) = (Word::Forgotten { name: name("gone") }, Word::Over { name: name("gone") });
    for word in [&hello, &forgotten, &trouble("gone"), &over, &trouble("full")] {
        assert!(logger.send(word));
    }
    assert_eq!(link.receive(), [hello, forgotten, trouble("full")]);
}

#[test]
fn left_alone_it_calls_for_a_keeper_and_goes_on_until_nobody_writes() {
    for leaves in [false, true] {
        let mut pair = Pair::new();
        let mut writer = pair.configure("web", LogSettings::default());
        if leaves {
            pair.link.leave();
        }
        // Once it has opened the FIFO: nobody else will hold what is in it.
        pair.wait_for("web", 0);
        pair.spare = None;
        let Pair { temp, link, thread, calls, .. } = pair;
        drop(link);
        writer.write_all(b"alone\n").unwrap();
        writer.write_all(b"the end").unwrap();
        drop(writer);
        assert_eq!(thread.unwrap().join().unwrap(), 0);
        assert_eq!(fs::read(temp.path().join("log/web/current")).unwrap(), b"alone\nthe end\n");
        assert_eq!(calls.load(Ordering::SeqCst), u32::from(!leaves));
    }
}

#[test]
fn trouble_is_told_once_and_so_is_its_end_and_nothing_is_lost() {
    let mut pair = Pair::new();
    let directory = pair.temp.path().join("log/web/current");
    fs::create_dir_all(&directory).unwrap();
    let mut writer = pair.configure("web", LogSettings::default());
    writer.write_all(b"one\n").unwrap();
    let Word::Trouble { why, .. } = pair.word() else { panic!("no trouble") };
    assert_eq!(why, "open `current`: Is a directory");
    writer.write_all(b"two\n").unwrap();
    fs::remove_dir(&directory).unwrap();
    assert_eq!(pair.word(), Word::Over { name: name("web") });
    assert_eq!(pair.finish(), 0);
    assert_eq!(pair.current("web"), b"one\ntwo\n");
}

#[test]
fn what_another_program_reads_is_left_alone() {
    let mut pair = Pair::new();
    pair.link.configure(&name("web"), LogSettings::default(), true, None).unwrap();
    let mut writer = File::from(pair.link.fifo(&name("web")).unwrap().try_clone_to_owned().unwrap());
    writer.write_all(b"for log_run\n").unwrap();
    pair.configure("other", LogSettings::default()).write_all(b"x\n").unwrap();
    assert_eq!(pair.finish(), 0);
    assert!(!pair.temp.path().join("log/web/current").exists());
}

#[test]
fn five_hundred_idle_fifos_wake_nobody() {
    let mut pair = Pair::new();
    let writers: Vec<File> =
        (0..500).map(|number| pair.configure(&format!("s{number}"), LogSettings::default())).collect();
    let mut last = writers.last().unwrap();
    last.write_all(b"ready\n").unwrap();
    pair.link.send();
    while pair.link.has_unsent() {
        let mut fds = [PollFd::new(pair.link.fd(), PollFlags::POLLOUT)];
        poll(&mut fds, PollTimeout::from(PATIENCE_MS)).unwrap();
        pair.link.send();
    }
    pair.wait_for("s499", 6);
    let before = pair.switches();
    poll(&mut [], PollTimeout::from(500_u16)).unwrap();
    assert_eq!(pair.switches(), before, "woken without a cause");
    assert_eq!(pair.finish(), 0);
}
