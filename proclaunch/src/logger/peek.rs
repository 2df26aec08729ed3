//! Looking at what a FIFO holds without taking it out.

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, SpliceFFlags, fcntl, tee};
use nix::unistd::{pipe2, read};

use super::wide::Wide;

/// The most bytes that are looked at, or otherwise handled, at once.
pub(super) const PEEK_MAX: usize = 128 * 1024;

/// What `tee(2)` needs, and the buffers of the logger, which whoever is at work uses.
///
/// **Invariant:** the pipe is empty between two calls.
#[derive(Debug)]
pub(super) struct Peek {
    tail: OwnedFd,
    head: OwnedFd,
    pub(super) buffer: Vec<u8>,
    /// The other buffer: what is made of the first.
    pub(super) out: Vec<u8>,
    /// Which FIFOs may be made larger.
    pub(super) wide: Wide,
}

/// What a FIFO holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// The first so many bytes are in the buffer. There may be more.
    Bytes(usize),
    /// Nothing.
    Empty,
    /// Nothing, and nobody has it open for writing.
    Abandoned,
}

impl Peek {
    pub(super) fn new() -> nix::Result<Self> {
        let (head, tail) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        // Refused above the limit of `/proc/sys/fs/pipe-user-pages-soft`; then less is seen at once.
        let _ = fcntl(&tail, FcntlArg::F_SETPIPE_SZ(i32::try_from(PEEK_MAX).unwrap_or(i32::MAX)));
        Ok(Self { tail, head, buffer: vec![0; PEEK_MAX], out: Vec::new(), wide: Wide::default() })
    }

    /// Copies the first bytes of a FIFO, at most `max` of them, to the start of the buffer.
    ///
    /// Less than there is may be seen: a pipe holds a number of pages, however little is in each.
    pub(super) fn look(&mut self, fifo: impl AsFd, max: usize) -> nix::Result<Seen> {
        let max = max.min(self.buffer.len());
        let count = match tee(fifo, &self.tail, max, SpliceFFlags::SPLICE_F_NONBLOCK) {
            Ok(0) => return Ok(Seen::Abandoned),
            Ok(count) => count,
            Err(Errno::EAGAIN) => return Ok(Seen::Empty),
            Err(errno) => return Err(errno),
        };
        let mut done = 0;
        while done < count {
            match read(&self.head, &mut self.buffer[done..count]) {
                Ok(0) => return Err(Errno::EIO),
                Ok(more) => done += more,
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        Ok(Seen::Bytes(count))
    }
}
