//! What a profile has written, and what it goes on to write: its files `current.N` to `current.1` and `current`, read
//! as one stream of bytes.
//!
//! **Invariant:** a reader loses and doubles nothing, however often the files are rotated while it reads. Files that it
//! still has to read it holds open, so that their removal takes nothing from it. Only who follows and falls behind by
//! all files that are kept misses what was in those that are gone.
//! **Invariant:** a reader holds one chunk of at most [`CHUNK`] bytes, however long a line is.

mod files;
mod find;
mod position;
mod tail;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

use hyper::body::Bytes;
use proclaunch_core::ids::ProfileName;

use super::convert::Clocks;

pub use find::stamp;
pub use position::Position;

use tail::{Step, Tail};

/// The most bytes that are given at once.
pub const CHUNK: usize = 64 * 1024;

/// How long a follower waits before it looks again: the longer, the longer nothing has come.
const FIRST_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// Which part of the output is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only the last so many lines. A last line without an end counts.
    pub lines: Option<u64>,
    /// Only what was written in the last so much time.
    ///
    /// Where lines begin with their times, as the `log` file asks for, that is exact. Where they do not, all files are
    /// given whole that were written to in that time: more than is asked for, never less.
    pub since: Option<Duration>,
    /// Only what comes after this place, and nothing of the two above. It may count on beyond the end of its file: then
    /// it is in one that came after it.
    ///
    /// Where the file is gone, all that is kept is given; where the file has become shorter than that, all from its
    /// beginning on.
    pub from: Option<Position>,
    /// What comes is told too.
    pub follow: bool,
}

/// Where a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Here {
    /// The place of the next byte.
    pub position: Position,
    /// Something may be missing before it: files that were to be read are gone.
    pub is_after_gap: bool,
}

/// Some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where they begin. They are all of one file.
    pub at: Here,
    /// At least one, at most [`CHUNK`].
    pub bytes: Bytes,
}

/// A reader of one profile's output.
#[derive(Debug)]
pub struct Reader {
    /// Not there while a thread works with it, and when there is nothing more.
    tail: Option<Tail>,
    wait: Duration,
}

impl Reader {
    /// Begins to read. A profile that has not written anything is no error: it may yet.
    pub fn open(state_dir: &Path, name: &ProfileName, wanted: Wanted, clocks: Clocks) -> Self {
        Self { tail: Some(Tail::new(state_dir, name, wanted, clocks)), wait: FIRST_WAIT }
    }

    /// Where it begins; `None`: there is no file yet. To be called before [`Self::next`], and like it.
    pub async fn begin(&mut self) -> Option<Here> {
        let mut tail = self.tail.take()?;
        let begun = tokio::task::spawn_blocking(move || {
            let here = tail.begin();
            (tail, here)
        });
        let (tail, here) = begun.await.ok()?;
        self.tail = Some(tail);
        here
    }

    /// The next bytes; `None` when there are no more, which never is while it follows. Must be called on a tokio
    /// runtime. Files are read on another thread: disks can be slow.
    ///
    /// A call that is dropped before it has answered is the last one: what it had read is lost.
    pub async fn next(&mut self) -> Option<Piece> {
        loop {
            let mut tail = self.tail.take()?;
            let step = tokio::task::spawn_blocking(move || {
                let step = tail.step();
                (tail, step)
            });
            let (tail, step) = step.await.ok()?;
            match step {
                Step::Piece(piece) => {
                    self.tail = Some(tail);
                    self.wait = FIRST_WAIT;
                    return Some(piece);
                }
                Step::Nothing => {
                    tokio::time::sleep(self.wait).await;
                    self.tail = Some(tail);
                    self.wait = (self.wait * 2).min(LONGEST_WAIT);
                }
                Step::End => return None,
            }
        }
    }
}
