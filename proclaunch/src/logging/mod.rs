//! The log of ProcLaunch itself: the lines that the core made, through the `log` crate and `env_logger`, into one
//! [`Sink`].
//!
//! **Invariant:** a line is written as the core formatted it; nothing here adds to it but a missing newline.
//! **Invariant:** whoever logs never waits for the disk to have room, and never sees an error: see [`Sink`].

mod sink;
mod target;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use env_logger::fmt::Formatter;
use env_logger::{Builder, Target as LoggerTarget, WriteStyle};
use log::Record;
use proclaunch_core::log::{Entry, Level, Own, line};
pub use sink::{KEPT_BYTES_MAX, KEPT_LINES_MAX, Out, Recovered, Reopened, Sink};
pub use target::Target;

use crate::cli::{LogLevel, LogTarget};
use crate::fatal::Fatal;
use crate::sys::clock;

/// The log; clones share it.
#[derive(Clone)]
pub struct Log {
    sink: Arc<Mutex<Sink<Target>>>,
    threshold: LogLevel,
}

impl Log {
    /// Opens where the log goes.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(target: &LogTarget, threshold: LogLevel) -> Result<Self, Fatal> {
        let target = Target::open(target)?;
        Ok(Self { sink: Arc::new(Mutex::new(Sink::new(target))), threshold })
    }

    /// Makes this the logger of the process: everything that uses the `log` crate comes here.
    ///
    /// # Errors
    /// The process has a logger already.
    pub fn install(&self) -> Result<(), Fatal> {
        Builder::new()
            .filter_level(self.threshold.filter())
            .write_style(WriteStyle::Never)
            .target(LoggerTarget::Pipe(Box::new(self.clone())))
            .format(write_line)
            .try_init()
            .map_err(|_| Fatal::Logger)
    }

    /// Whether lines of this level are wanted.
    pub fn wants(&self, level: LogLevel) -> bool {
        level <= self.threshold
    }

    /// Logs one line, if lines of its level are wanted. `line` is as the core formatted it, `tag` whom it is about.
    pub fn emit(&self, level: LogLevel, tag: &str, line: &str) {
        if self.wants(level) {
            // The `log` crate has no FATAL: such a line travels as an ERROR, and says FATAL in its text.
            log::logger().log(
                &Record::builder().level(level.carrier()).target(tag).args(format_args!("{line}")).build(),
            );
        }
    }

    /// Logs an entry, with the wall clock of this moment, if lines of its level are wanted.
    pub fn say(&self, entry: &Entry) {
        let level = match entry.level() {
            Level::Fatal => LogLevel::Fatal,
            Level::Error => LogLevel::Error,
            Level::Warn => LogLevel::Warn,
            Level::Info => LogLevel::Info,
            Level::Debug => LogLevel::Debug,
        };
        if self.wants(level) {
            self.emit(level, entry.tag(), &line(clock::wall_clock(), entry));
        }
    }

    /// Writes the last line of a process that cannot go on.
    pub fn say_fatal(&self, fatal: &Fatal) {
        self.say(&Entry::Own(Own::Failed { what: fatal.to_string() }));
    }

    /// Writes the last line of a process that panics, perhaps in the midst of logging: then it goes without.
    pub fn emit_last(&self, line: &str) {
        if let Ok(mut sink) = self.sink.try_lock() {
            sink.write_line(format!("{line}\n").as_bytes());
        }
    }

    /// Opens the file anew, after it was renamed for rotation. Standard error stays what it is.
    ///
    /// # Errors
    /// The file cannot be opened; the old one stays in use.
    pub fn reopen(&self) -> Result<(), Fatal> {
        self.lock().reopen()
    }

    /// Whether lines are kept that could not be written; [`Self::retry`] is then due in a second or so.
    pub fn has_backlog(&self) -> bool {
        self.lock().has_backlog()
    }

    /// Tries again to write what was kept.
    pub fn retry(&self) {
        self.lock().retry();
    }

    /// What there is to say about a trouble that is over; each is given out once.
    pub fn take_recovered(&self) -> Option<Recovered> {
        self.lock().take_recovered()
    }

    /// A panic cannot leave the queue half-changed in a way that matters more than the log itself.
    fn lock(&self) -> MutexGuard<'_, Sink<Target>> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `env_logger` hands each formatted line over in one `write`.
impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lock().write_line(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_line(out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut line = record.args().to_string();
    if !line.ends_with('\n') {
        line.push('\n');
    }
    out.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The only test that installs: a process has one logger.
    #[test]
    fn lines_go_into_the_file_as_they_are_and_follow_a_rotation() {
        let temp = tempfile::tempdir().unwrap();
        let (path, rotated) = (temp.path().join("error.log"), temp.path().join("error.log.1"));
        let log = Log::open(&LogTarget::File(path.clone()), LogLevel::Info).unwrap();
        log.install().unwrap();
        assert!(matches!(log.install(), Err(Fatal::Logger)));
        log.emit(LogLevel::Info, "web", "T INFO  web starting\n");
        log.emit(LogLevel::Fatal, "ProcLaunch", "T FATAL ProcLaunch {} %s\n");
        log.emit(LogLevel::Debug, "web", "T DEBUG web unwanted\n");
        fs::rename(&path, &rotated).unwrap();
        log.emit(LogLevel::Warn, "web", "T WARN  web still here");
        log.reopen().unwrap();
        log.emit(LogLevel::Error, "web", "T ERROR web there\n");
        assert_eq!(
            fs::read_to_string(&rotated).unwrap(),
            "T INFO  web starting\nT FATAL ProcLaunch {} %s\nT WARN  web still here\n"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "T ERROR web there\n");
        assert!(!log.has_backlog());
        assert_eq!(log.take_recovered(), None);
    }

    #[test]
    fn fatal_alone_is_a_threshold_of_its_own() {
        let log = Log::open(&LogTarget::Stderr, LogLevel::Fatal).unwrap();
        assert!(log.wants(LogLevel::Fatal));
        assert!(!log.wants(LogLevel::Error));
    }
}
