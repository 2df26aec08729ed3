//! Output as it comes: from the FIFO into `current`, without passing through this process.
//!
//! `splice(2)` takes out of the pipe exactly what it has put into the file, under the pipe's lock, whatever ends it:
//! `iter_file_splice_write` in `fs/splice.c` first writes and then drops as much from the pipe as the write has
//! returned, and a write that a SIGKILL cuts short returns what it has done (`generic_perform_write`). So at every
//! moment each byte is in the FIFO or in the file and never in both, and a logger that is killed loses and doubles
//! nothing. What must be known of the bytes is looked at before (`tee(2)`) or afterwards (in the file).
//!
//! **Invariant:** a file ends at the end of a line before the next one is begun; a line has no more than
//! [`LINE_MAX`] bytes; and what a restarted logger does next follows from the file and the FIFO alone.

use std::os::fd::{AsFd, BorrowedFd};

use memchr::{memchr, memrchr};
use nix::errno::Errno;
use nix::fcntl::{SpliceFFlags, splice};
use nix::unistd::read;

use super::current::{Current, LINE_MAX, offset};
use super::failure::Failure;
use super::killpoint;
use super::peek::{Peek, Seen};

/// How far before the limit each step is looked at: the longest line.
const NEAR: u64 = LINE_MAX;

/// What one step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// So many bytes were taken out of the FIFO; 0 if the step was about the file alone.
    Took(usize),
    /// There is nothing in the FIFO.
    Empty,
    /// There is nothing in it, and nobody has it open for writing.
    Abandoned,
    /// The file is full: the next line belongs into another.
    Full,
}

/// What is to be done with what was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Take(usize),
    Split,
    Full,
}

/// Moves a part of what there is, at most `max` bytes, into the file; `limit` is the size that it should not exceed.
pub(super) fn step(
    fifo: BorrowedFd<'_>,
    current: &mut Current,
    limit: u64,
    max: usize,
    peek: &mut Peek,
) -> Result<Step, Failure> {
    let room = limit.saturating_sub(current.size);
    let line_room = LINE_MAX.saturating_sub(current.open);
    if line_room > 0 && room > NEAR {
        // Whatever comes, it fits, and no line becomes too long.
        let bytes = to_usize(line_room.min(room - NEAR)).min(max);
        return take_unseen(fifo, current, bytes, peek);
    }
    let seen =
        match peek.look(fifo, max.min(to_usize(NEAR + 1))).map_err(Failure::of("look into the FIFO"))? {
            Seen::Bytes(count) => count,
            Seen::Empty => return Ok(Step::Empty),
            Seen::Abandoned => return Ok(Step::Abandoned),
        };
    match next(&peek.buffer[..seen], room, current) {
        Next::Full => Ok(Step::Full),
        Next::Split => current.split().map(|()| Step::Took(0)),
        Next::Take(bytes) => {
            let took = move_seen(fifo, current, &peek.buffer[..bytes])?;
            current.grew_by(&peek.buffer[..took]);
            Ok(Step::Took(took))
        }
    }
}

/// Decides by the bytes that come next, of which there is at least one.
fn next(seen: &[u8], room: u64, current: &Current) -> Next {
    let line_room = to_usize(LINE_MAX.saturating_sub(current.open));
    if line_room == 0 {
        return if seen[0] == b'\n' { Next::Take(1) } else { Next::Split };
    }
    let room = to_usize(room);
    if seen.len() <= room {
        return Next::Take(seen.len().min(line_room));
    }
    if let Some(last) = memrchr(b'\n', &seen[..room.min(line_room)]) {
        return Next::Take(last + 1);
    }
    // The line that comes next does not fit, unless it has been begun here, or would fit nowhere.
    if current.open == 0 && current.size > 0 {
        return Next::Full;
    }
    let first = memchr(b'\n', &seen[..seen.len().min(line_room)]);
    Next::Take(first.map_or(seen.len().min(line_room), |at| at + 1))
}

/// Moves up to so many bytes, and learns from the file what they were.
fn take_unseen(
    fifo: BorrowedFd<'_>,
    current: &mut Current,
    bytes: usize,
    peek: &mut Peek,
) -> Result<Step, Failure> {
    match splice_to(fifo, current, bytes) {
        Ok(0) => Ok(Step::Abandoned),
        Ok(took) => {
            current.grew(took as u64, &mut peek.buffer)?;
            Ok(Step::Took(took))
        }
        Err(Errno::EAGAIN) => Ok(Step::Empty),
        Err(Errno::EINVAL) => match peek.look(fifo, bytes).map_err(Failure::of("look into the FIFO"))? {
            Seen::Bytes(count) => {
                copy(fifo, current, &peek.buffer[..count])?;
                current.grew_by(&peek.buffer[..count]);
                Ok(Step::Took(count))
            }
            Seen::Empty => Ok(Step::Empty),
            Seen::Abandoned => Ok(Step::Abandoned),
        },
        Err(errno) => Err(Failure { doing: "write `current`", errno }),
    }
}

/// Moves so many bytes that are known to be there, or some of them.
fn move_seen(fifo: BorrowedFd<'_>, current: &Current, seen: &[u8]) -> Result<usize, Failure> {
    match splice_to(fifo, current, seen.len()) {
        Err(Errno::EINVAL) => copy(fifo, current, seen).map(|()| seen.len()),
        moved => moved.map_err(Failure::of("write `current`")),
    }
}

fn splice_to(fifo: BorrowedFd<'_>, current: &Current, bytes: usize) -> nix::Result<usize> {
    loop {
        killpoint::here();
        let mut at = offset(current.size);
        let flags = SpliceFFlags::SPLICE_F_NONBLOCK | SpliceFFlags::SPLICE_F_MOVE;
        match splice(fifo, None, &current.file, Some(&mut at), bytes, flags) {
            Err(Errno::EINTR) => {}
            done => return done,
        }
    }
}

/// What `splice` does, for file systems that cannot do it (`EINVAL`): writes what was seen, then takes it out.
///
/// Killed between the two, these bytes are in the file and in the FIFO: doubled, and not lost.
fn copy(fifo: BorrowedFd<'_>, current: &Current, seen: &[u8]) -> Result<(), Failure> {
    current.write(seen)?;
    discard(fifo, seen.len()).map_err(Failure::of("read the FIFO"))
}

/// Takes so many bytes out of the FIFO, which are there.
pub(super) fn discard(fifo: impl AsFd, bytes: usize) -> nix::Result<()> {
    let mut scratch = [0; 4096];
    let mut left = bytes;
    while left > 0 {
        let length = left.min(scratch.len());
        killpoint::here();
        match read(&fifo, &mut scratch[..length]) {
            Ok(0) => return Err(Errno::EIO),
            Ok(count) => left -= count,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
