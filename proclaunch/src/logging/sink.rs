//! Lines on their way out: written at once, or kept while that fails.
//!
//! While writing fails (a full disk, a broken pipe, an error of the device), lines wait in a bounded queue, and the
//! newest are dropped once it is full: what came first says why, and the gap stands right before the line that
//! tells of it. Each new line and each [`Sink::retry`] tries again.
//!
//! **Invariant:** lines come out in order, whole, and once: of a line that was written in part, the rest follows.
//! **Invariant:** memory is bounded by [`KEPT_LINES_MAX`] and [`KEPT_BYTES_MAX`].

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::time::Duration;

use proclaunch_core::clock::Moment;

use crate::fatal::Fatal;
use crate::sys::clock;

/// How many lines are kept while writing fails.
pub const KEPT_LINES_MAX: usize = 1024;
/// How many bytes of lines are kept while writing fails; one single line may be longer.
pub const KEPT_BYTES_MAX: usize = 256 * 1024;

/// What a sink writes to.
pub trait Out {
    /// Writes from the start of `bytes`, in one go, and says how many it took.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Opens the way out anew. On failure the old one stays in use.
    fn reopen(&mut self) -> Result<Reopened, Fatal>;
}

/// What a reopened file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reopened {
    /// The one that was open before: it has the start of a line that was written in part.
    Same,
    /// Another: such a line begins anew there.
    Other,
}

/// What there is to say when writing works again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// How many lines came late.
    pub delayed: u64,
    /// How many lines were dropped.
    pub dropped: u64,
    /// How long writing failed.
    pub after: Duration,
    /// Why it failed last.
    pub error: String,
}

/// A queue before an [`Out`].
#[derive(Debug)]
pub struct Sink<O> {
    out: O,
    kept: VecDeque<Vec<u8>>,
    kept_bytes: usize,
    /// How much of the first line kept is already out.
    written: usize,
    trouble: Option<Trouble>,
    recovered: Option<Recovered>,
}

#[derive(Debug)]
struct Trouble {
    since: Moment,
    error: io::Error,
    delayed: u64,
    dropped: u64,
}

impl<O: Out> Sink<O> {
    /// A sink with nothing kept.
    pub const fn new(out: O) -> Self {
        Self { out, kept: VecDeque::new(), kept_bytes: 0, written: 0, trouble: None, recovered: None }
    }

    /// Writes a line, newline included, after those that are kept; or keeps it.
    pub fn write_line(&mut self, line: &[u8]) {
        self.drain();
        if !self.has_room(line.len()) {
            self.drop_line();
            return;
        }
        self.kept.push_back(line.to_owned());
        self.kept_bytes += line.len();
        // In trouble, the attempt of a moment ago stands for this line too.
        if self.trouble.is_none() {
            self.drain();
        }
    }

    /// Tries again to write what was kept.
    pub fn retry(&mut self) {
        self.drain();
    }

    /// Whether lines are kept.
    pub fn has_backlog(&self) -> bool {
        !self.kept.is_empty()
    }

    /// What there is to say about a trouble that is over; each is given out once.
    pub const fn take_recovered(&mut self) -> Option<Recovered> {
        self.recovered.take()
    }

    /// Opens the way out anew, and writes what was kept there.
    ///
    /// # Errors
    /// It cannot be opened; the old one stays in use.
    pub fn reopen(&mut self) -> Result<(), Fatal> {
        match self.out.reopen()? {
            Reopened::Same => {}
            // The old file has the start of the line and is out of reach; the new one gets the line whole.
            Reopened::Other => self.written = 0,
        }
        self.drain();
        Ok(())
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.kept.is_empty()
            || (self.kept.len() < KEPT_LINES_MAX && self.kept_bytes.saturating_add(bytes) <= KEPT_BYTES_MAX)
    }

    fn drop_line(&mut self) {
        let trouble = self.trouble.as_mut().expect("only a failure to write leaves lines behind");
        trouble.dropped += 1;
    }

    /// Writes kept lines until there are none, or until one fails.
    fn drain(&mut self) {
        while let Some(line) = self.kept.front() {
            match self.out.write(&line[self.written..]) {
                Ok(0) => return self.fail(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.written += count;
                    if self.written >= line.len() {
                        self.finish_line();
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return self.fail(error),
            }
        }
        self.recover();
    }

    fn finish_line(&mut self) {
        self.written = 0;
        if let Some(line) = self.kept.pop_front() {
            self.kept_bytes -= line.len();
        }
        if let Some(trouble) = &mut self.trouble {
            trouble.delayed += 1;
        }
    }

    fn fail(&mut self, error: io::Error) {
        match &mut self.trouble {
            Some(trouble) => trouble.error = error,
            None => self.trouble = Some(Trouble { since: clock::now(), error, delayed: 0, dropped: 0 }),
        }
    }

    /// Ends a trouble. One that nobody has asked about yet is told together with it.
    fn recover(&mut self) {
        let Some(trouble) = self.trouble.take() else { return };
        let earlier = self.recovered.take();
        let (delayed, dropped, after) = match earlier {
            Some(earlier) => (earlier.delayed, earlier.dropped, earlier.after),
            None => (0, 0, Duration::ZERO),
        };
        self.recovered = Some(Recovered {
            delayed: delayed + trouble.delayed,
            dropped: dropped + trouble.dropped,
            after: after + clock::now().since(trouble.since),
            error: trouble.error.to_string(),
        });
    }
}

#[cfg(test)]
mod tests;
