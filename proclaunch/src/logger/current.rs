//! `current`: the file that is written to, and what is known of its end.
//!
//! **Invariant:** everything here can be found out again from the file alone, at any moment: what the logger knows
//! beyond that would die with it.

use std::fs::File;
use std::os::unix::fs::MetadataExt;

use memchr::memrchr;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, fstatat};
use nix::sys::uio::{pread, pwrite};
use nix::unistd::ftruncate;

use super::failure::Failure;
use super::killpoint;

/// Its name.
pub(crate) const CURRENT: &str = "current";

/// The longest line that is kept in one piece, in bytes, its newline not counted.
pub(crate) const LINE_MAX: u64 = 64 * 1024;

/// The end of a piece of a longer line.
pub(super) const MARK: &[u8] = b" [split]\n";

/// How much of the end is read at once in search of a newline.
const LOOK_BACK: u64 = 4096;

/// The open file.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) file: File,
    /// Its size: where the next byte goes.
    pub(super) size: u64,
    /// How long its last line is that has no newline yet; at most [`LINE_MAX`], whatever somebody else has written.
    pub(super) open: u64,
}

impl Current {
    /// Opens the file, or makes it. Not for appending, which `splice(2)` refuses (`EINVAL`, `fs/splice.c`).
    pub(super) fn open(dir: &File, buffer: &mut [u8]) -> Result<Self, Failure> {
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        let flags = flags | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        killpoint::here();
        let opened = openat(dir, CURRENT, flags, Mode::from_bits_truncate(0o640));
        let file = File::from(opened.map_err(Failure::of("open `current`"))?);
        let metadata =
            file.metadata().map_err(|_| Failure { doing: "look at `current`", errno: Errno::EIO })?;
        if !metadata.is_file() {
            return Err(Failure { doing: "open `current`, which is no regular file", errno: Errno::EEXIST });
        }
        let mut current = Self { file, size: metadata.len(), open: 0 };
        current.recover(buffer)?;
        Ok(current)
    }

    /// Goes back to an earlier size.
    pub(super) fn cut(&mut self, size: u64, buffer: &mut [u8]) -> Result<(), Failure> {
        killpoint::here();
        ftruncate(&self.file, offset(size)).map_err(Failure::of("shorten `current`"))?;
        self.size = size;
        self.recover(buffer)
    }

    /// Finds the end of the last whole line. A mark that a killed logger has begun is taken back: the line is then as
    /// long as a line can be, which is why the mark is written again.
    fn recover(&mut self, buffer: &mut [u8]) -> Result<(), Failure> {
        let from = self.size.saturating_sub(LINE_MAX + MARK.len() as u64);
        self.open = 0;
        self.find_end(from, buffer)?;
        let begun = self.open.saturating_sub(LINE_MAX);
        if begun > 0 {
            let begun_usize = usize::try_from(begun).unwrap_or(usize::MAX).min(buffer.len());
            let at = self.size - begun;
            let tail = &mut buffer[..begun_usize];
            let count = pread(&self.file, tail, offset(at)).map_err(Failure::of("read `current`"))?;
            if count == begun_usize && MARK.starts_with(tail) {
                killpoint::here();
                ftruncate(&self.file, offset(at)).map_err(Failure::of("shorten `current`"))?;
                self.size = at;
            }
            self.open = LINE_MAX;
        }
        Ok(())
    }

    /// Reads the file from its end back to `from`, to find how long the last line is; the bytes before `from` end in a
    /// line of [`Self::open`] bytes.
    fn find_end(&mut self, from: u64, buffer: &mut [u8]) -> Result<(), Failure> {
        let mut end = self.size;
        while end > from {
            let length = (end - from).min(LOOK_BACK).min(buffer.len() as u64);
            let piece = &mut buffer[..usize::try_from(length).unwrap_or(0)];
            let count =
                pread(&self.file, piece, offset(end - length)).map_err(Failure::of("read `current`"))?;
            if count as u64 != length {
                // Somebody has cut it meanwhile.
                return Err(Failure { doing: "read `current`", errno: Errno::EIO });
            }
            if let Some(at) = memrchr(b'\n', piece) {
                self.open = self.size - (end - length + at as u64 + 1);
                return Ok(());
            }
            end -= length;
        }
        self.open += self.size - from;
        Ok(())
    }

    /// Learns that so many bytes have been written at the end, from the file itself.
    pub(super) fn grew(&mut self, bytes: u64, buffer: &mut [u8]) -> Result<(), Failure> {
        let from = self.size;
        self.size += bytes;
        self.find_end(from, buffer)
    }

    /// Learns that these bytes have been written at the end.
    pub(super) fn grew_by(&mut self, bytes: &[u8]) {
        let length = bytes.len() as u64;
        self.size += length;
        self.open = memrchr(b'\n', bytes).map_or(self.open + length, |at| length - at as u64 - 1);
    }

    /// Writes at the end: all, or nothing that counts. What a failure has left is written over by the next.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.write(bytes)?;
        self.grew_by(bytes);
        Ok(())
    }

    /// Writes at the end, without taking note of it.
    pub(super) fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mut done = 0;
        while done < bytes.len() {
            killpoint::here();
            match pwrite(&self.file, killpoint::part_of(&bytes[done..]), offset(self.size + done as u64)) {
                Ok(0) => return Err(Failure { doing: "write `current`", errno: Errno::EIO }),
                Ok(count) => done += count,
                Err(Errno::EINTR) => {}
                Err(errno) => {
                    let _ = ftruncate(&self.file, offset(self.size));
                    return Err(Failure { doing: "write `current`", errno });
                }
            }
        }
        Ok(())
    }

    /// Ends the last line, if it has no end.
    ///
    /// Killed before: whoever is told again that the process has ended does it then. Killed afterwards: there is no
    /// open line, and doing it again does nothing.
    pub(super) fn terminate(&mut self) -> Result<(), Failure> {
        if self.open > 0 { self.append(b"\n") } else { Ok(()) }
    }

    /// Ends a piece of a line that is too long.
    ///
    /// Killed before: the line is as long as it can be, and this is done again. Killed in the midst, where the mark
    /// crosses a page: see [`Self::recover`]. Killed afterwards: what follows is another line like any other.
    pub(super) fn split(&mut self) -> Result<(), Failure> {
        self.append(MARK)
    }

    /// Whether it has been cut or lengthened by somebody else; then it is to be opened anew.
    pub(super) fn is_changed(&self) -> bool {
        self.file.metadata().map_or(true, |found| found.len() != self.size || found.nlink() == 0)
    }

    /// Whether it still has its name.
    pub(super) fn is_named(&self, dir: &File) -> bool {
        let named = fstatat(dir, CURRENT, AtFlags::AT_SYMLINK_NOFOLLOW);
        let (Ok(named), Ok(own)) = (named, self.file.metadata()) else { return false };
        (named.st_dev, named.st_ino) == (own.dev(), own.ino())
    }
}

/// A position in a file as the kernel takes it.
pub(super) fn offset(position: u64) -> libc::off_t {
    libc::off_t::try_from(position).unwrap_or(libc::off_t::MAX)
}
