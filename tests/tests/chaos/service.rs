//! A service that keeps a ledger of its lives, and notices when there are two of it.
//!
//! `chaos-service LEDGER_DIR NAME [OPTION]...`, where an option is one of
//!
//! - `life=MIN-MAX`: ends by itself after so many milliseconds, with `code=N` (0)
//! - `deaf`: does not end by TERM
//! - `late=MILLIS`: waits so long before it writes its pid file or says that it is ready
//! - `pid=FILE`: writes its pid there; `ready=FILE`: makes that file when it is ready
//! - `rate=N`: lines a second; `burst=N`: so many at once; `wide`: lines of 1 KiB
//!
//! In `LEDGER_DIR`, `NAME.ledger` gets a line for each thing that happens, each written at once; `NAME.lock` is locked
//! as long as the service lives; `NAME.serial` counts its lives; `NAME.lines` holds for each life how many lines were
//! surely written, in 8 bytes, at least: the last one may be missing there.

#![expect(clippy::unwrap_used, reason = "what cannot be is an exit code that the test finds")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use proclaunch_tests::wait;

/// There is another one.
const OVERLAP: u8 = 75;
/// The output cannot be written.
const NO_OUTPUT: u8 = 74;

#[derive(Default)]
struct Options {
    life: Option<(u64, u64)>,
    code: u8,
    deaf: bool,
    late: u64,
    pid: Option<PathBuf>,
    ready: Option<PathBuf>,
    rate: u64,
    burst: u64,
    wide: bool,
}

impl Options {
    fn parse(words: impl Iterator<Item = String>) -> Self {
        let mut options = Self::default();
        for word in words {
            let (key, value) = word.split_once('=').unwrap_or((&word, ""));
            let number = || value.parse().unwrap();
            match key {
                "life" => {
                    let (min, max) = value.split_once('-').unwrap();
                    options.life = Some((min.parse().unwrap(), max.parse().unwrap()));
                }
                "code" => options.code = value.parse().unwrap(),
                "deaf" => options.deaf = true,
                "late" => options.late = number(),
                "pid" => options.pid = Some(value.into()),
                "ready" => options.ready = Some(value.into()),
                "rate" => options.rate = number(),
                "burst" => options.burst = number(),
                "wide" => options.wide = true,
                other => panic!("unknown option {other}"),
            }
        }
        options
    }
}

struct Service {
    name: String,
    options: Options,
    ledger: File,
    counted: File,
    serial: u64,
    lines: u64,
    started: Instant,
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let (dir, name) = (PathBuf::from(words.next().unwrap()), words.next().unwrap());
    let options = Options::parse(words);
    // Before anything is done that must not be done in halves.
    let signals: SigSet = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP].into_iter().collect();
    signals.thread_block().unwrap();
    let signals = SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).unwrap();

    let open = |kind: &str| dir.join(format!("{name}.{kind}"));
    let mut ledger = OpenOptions::new().append(true).create(true).open(open("ledger")).unwrap();
    let pid = std::process::id();
    let lock = OpenOptions::new().write(true).create(true).truncate(false).open(open("lock")).unwrap();
    if lock.try_lock().is_err() {
        ledger.write_all(format!("OVERLAP {pid}\n").as_bytes()).unwrap();
        return ExitCode::from(OVERLAP);
    }
    let serial = next_serial(&open("serial"));
    ledger.write_all(format!("start {pid} {serial}\n").as_bytes()).unwrap();
    let counted = OpenOptions::new().write(true).create(true).truncate(false).open(open("lines")).unwrap();
    let started = wait::now();
    let mut service = Service { name, options, ledger, counted, serial, lines: 0, started };
    let code = service.live(&signals);
    let end = format!("end {pid} {serial} {code} {}\n", service.lines);
    service.ledger.write_all(end.as_bytes()).unwrap();
    ExitCode::from(code)
}

/// The lock is held: nobody else counts.
fn next_serial(path: &Path) -> u64 {
    let serial = fs::read_to_string(path).map_or(1, |text| text.trim().parse::<u64>().unwrap() + 1);
    let new = path.with_extension("new");
    fs::write(&new, format!("{serial}\n")).unwrap();
    fs::rename(new, path).unwrap();
    serial
}

impl Service {
    fn live(&mut self, signals: &SignalFd) -> u8 {
        let ready = self.started + Duration::from_millis(self.options.late);
        let mut is_ready = false;
        let end = self.options.life.map(|(min, max)| {
            // Mixed by the serial number: no two lives are alike, and each run of the test has the same.
            let mixed = (self.serial ^ 0x9e37).wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
            self.started + Duration::from_millis(min + mixed % (max - min + 1))
        });
        loop {
            let now = wait::now();
            if !is_ready && now >= ready {
                is_ready = true;
                self.say_ready();
            }
            if end.is_some_and(|end| now >= end) {
                return self.options.code;
            }
            if self.write_what_is_due(now).is_err() {
                return NO_OUTPUT;
            }
            let chatter = self.next_line();
            let next = [(!is_ready).then_some(ready), end, chatter].into_iter().flatten().min();
            let timeout = next.map_or(PollTimeout::NONE, |next| {
                let millis = next.saturating_duration_since(wait::now()).as_millis() + 1;
                PollTimeout::try_from(i32::try_from(millis).unwrap()).unwrap()
            });
            let _ = poll(&mut [PollFd::new(signals.as_fd(), PollFlags::POLLIN)], timeout);
            if let Ok(Some(_)) = signals.read_signal()
                && !self.options.deaf
            {
                return 0;
            }
        }
    }

    fn say_ready(&self) {
        if let Some(path) = &self.options.pid {
            let new = path.with_extension("new");
            fs::write(&new, format!("{}\n", std::process::id())).unwrap();
            fs::rename(new, path).unwrap();
        }
        if let Some(path) = &self.options.ready {
            fs::write(path, "").unwrap();
        }
    }

    /// When there is something to write next.
    fn next_line(&self) -> Option<Instant> {
        let Options { rate, burst, .. } = self.options;
        let next = self.lines + burst.max(1);
        (rate > 0).then(|| self.started + Duration::from_micros(next * 1_000_000 / rate))
    }

    fn write_what_is_due(&mut self, now: Instant) -> io::Result<()> {
        while self.next_line().is_some_and(|next| next <= now) {
            for _ in 0..self.options.burst.max(1) {
                self.write_line()?;
            }
        }
        Ok(())
    }

    fn write_line(&mut self) -> io::Result<()> {
        let filler = if self.options.wide { 1000 } else { usize::try_from(self.lines % 50).unwrap() };
        let line = format!("{} {} {} {}\n", self.name, self.serial, self.lines, "x".repeat(filler));
        // One call, and no buffer that could be lost.
        let written = nix::unistd::write(io::stdout(), line.as_bytes())?;
        assert_eq!(written, line.len(), "lines shorter than PIPE_BUF are written whole");
        self.lines += 1;
        self.counted.write_all_at(&self.lines.to_le_bytes(), self.serial * 8)
    }
}
