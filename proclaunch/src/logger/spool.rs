//! Output with the time before each line: from the FIFO into the spool, and from there into `current`.
//!
//! What is inserted makes the two sides differ in length, so that the end of the file does not tell how far the FIFO
//! has been read. So the bytes first move as they are into a file, `spool`, by `splice(2)`, which loses and doubles
//! nothing (see [`super::raw`]); and a third file, `progress`, says how much of the spool is in `current`, and how large
//! `current` is with it. A batch is three steps:
//!
//! 1. The FIFO's bytes move to the end of the spool. Killed before or in the midst: each byte is in the FIFO or in the
//!    spool. Killed afterwards: the spool is longer than `progress` says, which is the sign that there is work.
//! 2. Its lines are written to the end of `current`. Killed in the midst or afterwards: `current` is larger than
//!    `progress` says, and is cut back to that, and the lines are written again.
//! 3. `progress` is written: one `pwrite(2)` within one page, which a SIGKILL does not divide (`generic_perform_write`
//!    looks for one between pages). Killed afterwards: all agree.
//!
//! A spool that is worked off is emptied first, and `progress` is written then. Killed between: `progress` is beyond
//! the end of the spool, which can mean nothing else.
//!
//! A rotation happens between batches, when `progress` is true of the file: killed within it, `progress` names an inode
//! that is no longer `current`, and there is nothing to cut back.
//!
//! After a power failure the three files may disagree in any way. Then what the spool holds is written, perhaps again.
//!
//! **Invariant:** between two calls, all bytes in the spool are in `current`, unless the last call failed.

use std::fs::File;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::MetadataExt;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, SpliceFFlags, openat, splice};
use nix::sys::stat::{Mode, fstatat};
use nix::sys::uio::{pread, pwrite};
use nix::unistd::{UnlinkatFlags, ftruncate, unlinkat};

use super::current::{Current, offset};
use super::failure::Failure;
use super::killpoint;
use super::lines::{Place, stamped};
use super::peek::{Peek, Seen};
use super::progress::{Progress, RECORD};
use super::raw::{Step, discard};
use super::stamp::Stamp;

const SPOOL: &str = "spool";
const PROGRESS: &str = "progress";

/// The most that is taken out of the FIFO at once, in bytes.
const BATCH: usize = 128 * 1024;

/// While there is more to come, the spool is emptied when it is so large, in bytes.
const SPOOL_MAX: u64 = 256 * 1024;

/// What may be left in a spool that is worked off, in bytes: a block of the file system.
const REST_MAX: u64 = 4096;

/// The two files beside `current`.
#[derive(Debug)]
pub(super) struct Spool {
    pub(super) bytes: File,
    progress: File,
    /// How large the spool is.
    size: u64,
    /// How much of it is in `current`.
    done: u64,
    /// What `progress` says, as far as that is known.
    written: Option<Progress>,
}

impl Spool {
    /// Whether an earlier logger may have left something in a spool.
    pub(super) fn exists(dir: &File) -> bool {
        fstatat(dir, SPOOL, AtFlags::AT_SYMLINK_NOFOLLOW).is_ok()
    }

    /// Opens the files, or makes them, and cuts `current` back to where it is known to be right.
    pub(super) fn open(dir: &File, current: &mut Current, buffer: &mut [u8]) -> Result<Self, Failure> {
        let (bytes, progress) = (open(dir, SPOOL)?, open(dir, PROGRESS)?);
        let size =
            bytes.metadata().map_err(|_| Failure { doing: "look at the spool", errno: Errno::EIO })?.len();
        let mut record = [0; RECORD];
        let count =
            pread(&progress, &mut record, 0).map_err(Failure::of("read how far the spool is done"))?;
        let told = Progress::parse(&record[..count]);
        let done = match told {
            // Whoever emptied it had worked it off.
            Some(told) if told.done > size => 0,
            Some(told) => {
                if told.done < size && told.inode == inode(current)? && current.size > told.size {
                    current.cut(told.size, buffer)?;
                }
                told.done
            }
            None => 0,
        };
        Ok(Self { bytes, progress, size, done, written: told })
    }

    /// Whether it holds what is not in `current`.
    pub(super) const fn has_backlog(&self) -> bool {
        self.done < self.size
    }

    /// Moves up to `max` bytes from the FIFO to the spool, which has no backlog.
    pub(super) fn take(
        &mut self,
        fifo: BorrowedFd<'_>,
        current: &Current,
        max: usize,
        peek: &mut Peek,
    ) -> Result<Step, Failure> {
        if self.size >= SPOOL_MAX {
            self.empty()?;
        }
        // Before anything is there that could be found undone: what was done to the file meanwhile stays.
        self.note(current)?;
        let step = self.splice(fifo, max.min(BATCH), peek)?;
        match step {
            Step::Took(bytes) => self.size += bytes as u64,
            Step::Empty | Step::Abandoned if self.size >= REST_MAX => self.empty()?,
            Step::Empty | Step::Abandoned | Step::Full => {}
        }
        Ok(step)
    }

    fn splice(&self, fifo: BorrowedFd<'_>, max: usize, peek: &mut Peek) -> Result<Step, Failure> {
        let failed = Failure::of("write the spool");
        loop {
            killpoint::here();
            let mut at = offset(self.size);
            let flags = SpliceFFlags::SPLICE_F_NONBLOCK | SpliceFFlags::SPLICE_F_MOVE;
            match splice(fifo, None, &self.bytes, Some(&mut at), max, flags) {
                Ok(0) => return Ok(Step::Abandoned),
                Ok(count) => return Ok(Step::Took(count)),
                Err(Errno::EAGAIN) => return Ok(Step::Empty),
                Err(Errno::EINTR) => {}
                // As in `raw`: killed between the two, these bytes are doubled, and not lost.
                Err(Errno::EINVAL) => {
                    return match peek.look(fifo, max).map_err(Failure::of("look into the FIFO"))? {
                        Seen::Bytes(count) => {
                            write_all(&self.bytes, &peek.buffer[..count], self.size).map_err(failed)?;
                            discard(fifo, count).map_err(Failure::of("read the FIFO"))?;
                            Ok(Step::Took(count))
                        }
                        Seen::Empty => Ok(Step::Empty),
                        Seen::Abandoned => Ok(Step::Abandoned),
                    };
                }
                Err(errno) => return Err(failed(errno)),
            }
        }
    }

    /// Writes a part of the backlog to `current`, which should not become larger than `limit`. Says whether it is full.
    pub(super) fn write(
        &mut self,
        current: &mut Current,
        limit: u64,
        stamp: Stamp,
        peek: &mut Peek,
    ) -> Result<bool, Failure> {
        self.note(current)?;
        let left = usize::try_from(self.size - self.done).unwrap_or(usize::MAX).min(peek.buffer.len());
        let read = pread(&self.bytes, &mut peek.buffer[..left], offset(self.done));
        let count = read.map_err(Failure::of("read the spool"))?;
        if count == 0 {
            // Somebody has cut it. What is lost is lost.
            self.size = self.done;
            return Ok(false);
        }
        peek.out.clear();
        let place = Place { size: current.size, limit, open: current.open };
        let (used, is_full) = stamped(&peek.buffer[..count], place, stamp, &mut peek.out);
        current.append(&peek.out)?;
        self.done += used as u64;
        self.note(current)?;
        Ok(is_full)
    }

    /// Writes down how far it is done, unless that is what the file says.
    fn note(&mut self, current: &Current) -> Result<(), Failure> {
        let progress = Progress { done: self.done, size: current.size, inode: inode(current)? };
        if self.written != Some(progress) {
            self.written = None;
            killpoint::here();
            let written = pwrite(&self.progress, &progress.record(), 0);
            let failed = Failure::of("write how far the spool is done");
            if written.map_err(&failed)? != RECORD {
                return Err(failed(Errno::EIO));
            }
            self.written = Some(progress);
        }
        Ok(())
    }

    /// Empties the spool, of which nothing is left to do.
    fn empty(&mut self) -> Result<(), Failure> {
        killpoint::here();
        ftruncate(&self.bytes, 0).map_err(Failure::of("empty the spool"))?;
        (self.size, self.done) = (0, 0);
        Ok(())
    }

    /// Removes the files, of which nothing is left to do.
    pub(super) fn remove(dir: &File) -> Result<(), Failure> {
        // In this order: a spool without progress is one that was not begun.
        for name in [SPOOL, PROGRESS] {
            killpoint::here();
            match unlinkat(dir, name, UnlinkatFlags::NoRemoveDir) {
                Ok(()) | Err(Errno::ENOENT) => {}
                Err(errno) => return Err(Failure { doing: "remove the spool", errno }),
            }
        }
        Ok(())
    }
}

fn open(dir: &File, name: &str) -> Result<File, Failure> {
    let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    killpoint::here();
    let opened = openat(dir, name, flags, Mode::from_bits_truncate(0o600));
    opened.map(File::from).map_err(Failure::of("open the spool"))
}

fn inode(current: &Current) -> Result<u64, Failure> {
    let found = current.file.metadata();
    found.map(|found| found.ino()).map_err(|_| Failure { doing: "look at `current`", errno: Errno::EIO })
}

fn write_all(file: &File, bytes: &[u8], at: u64) -> nix::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        killpoint::here();
        match pwrite(file, &bytes[done..], offset(at + done as u64)) {
            Ok(0) => return Err(Errno::EIO),
            Ok(count) => done += count,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
