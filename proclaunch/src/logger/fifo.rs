//! The FIFO of each profile: what its process writes to and the logger reads from.
//!
//! It is `STATE_DIR/log/NAME/pipe`, of mode 0600, and belongs to the profile's user: whoever opens `/dev/stdout` again
//! opens the FIFO itself, by way of `/proc/self/fd/1`, and the kernel asks the FIFO for leave, not the directories.
//!
//! A service has it open for reading and writing, and so has the supervisor: a writer then never sees EPIPE or
//! SIGPIPE, and what is not read yet survives when the service and the logger end together. The logger has it open for
//! reading alone, so that it is told when nobody is left that writes (`fs/pipe.c`: `EPOLLHUP` without writers).
//!
//! **Invariant:** no symbolic link is followed, and nothing is waited for.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, FcntlArg, OFlag, fcntl, open, openat};
use nix::sys::stat::{FchmodatFlags, FileStat, Mode, fchmodat, fstat, fstatat, mkdirat};
use nix::unistd::{Uid, UnlinkatFlags, fchownat, mkfifoat, unlinkat};
use proclaunch_core::ids::ProfileName;

/// The directory of all logs, in the state directory.
pub(crate) const LOG: &str = "log";

/// The FIFO's name beside the log files.
pub const PIPE: &str = "pipe";

const DIRECTORY_MODE: Mode = Mode::from_bits_truncate(0o750);
const PIPE_MODE: Mode = Mode::from_bits_truncate(0o600);

/// Opens the profile's FIFO for reading and writing, in blocking mode, close-on-exec. Makes it, and the directories,
/// if they are missing; puts another thing in its place right; gives it to `uid`, or to ProcLaunch's own user.
///
/// # Errors
/// Those of `mkdirat(2)`, `mkfifoat(2)`, `fchownat(2)` and `openat(2)`; `ENOTDIR` if a directory is none.
pub fn ensure(state_dir: &Path, name: &ProfileName, uid: Option<u32>) -> io::Result<OwnedFd> {
    let dir = directory(state_dir, name)?;
    let uid = uid.map_or_else(Uid::effective, Uid::from_raw);
    // Twice: between two looks somebody may remove what was there.
    match make(&dir, uid) {
        Err(Errno::ENOENT | Errno::EEXIST) => Ok(make(&dir, uid)?),
        made => Ok(made?),
    }
}

/// Opens `STATE_DIR/log`, and makes it if it is missing.
///
/// # Errors
/// Those of `openat(2)` and `mkdirat(2)`.
pub fn log_directory(state_dir: &Path) -> nix::Result<File> {
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let state_dir = open(state_dir, flags, Mode::empty())?;
    Ok(File::from(open_or_make(&state_dir, LOG)?))
}

/// Opens `STATE_DIR/log/NAME`, and makes it if it is missing.
pub fn directory(state_dir: &Path, name: &ProfileName) -> io::Result<File> {
    let log = log_directory(state_dir)?;
    Ok(File::from(open_or_make(&log, name.as_str())?))
}

fn open_or_make(at: impl AsFd, name: &str) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    match openat(&at, name, flags, Mode::empty()) {
        Err(Errno::ENOENT) => {}
        opened => return opened,
    }
    match mkdirat(&at, name, DIRECTORY_MODE) {
        Ok(()) | Err(Errno::EEXIST) => openat(&at, name, flags, Mode::empty()),
        Err(errno) => Err(errno),
    }
}

fn make(dir: &File, uid: Uid) -> nix::Result<OwnedFd> {
    match look(dir) {
        Ok(found) if is_fifo(&found) => {}
        Ok(found) => {
            let is_directory = found.st_mode & libc::S_IFMT == libc::S_IFDIR;
            let how = if is_directory { UnlinkatFlags::RemoveDir } else { UnlinkatFlags::NoRemoveDir };
            unlinkat(dir, PIPE, how)?;
            mkfifoat(dir, PIPE, PIPE_MODE)?;
        }
        Err(Errno::ENOENT) => mkfifoat(dir, PIPE, PIPE_MODE)?,
        Err(errno) => return Err(errno),
    }
    let fifo = open_verified(dir, OFlag::O_RDWR)?;
    let found = fstat(&fifo)?;
    if found.st_uid != uid.as_raw() {
        fchownat(dir, PIPE, Some(uid), None, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    }
    // The process's umask may have taken bits away, and the service, whose file it is, may have added some.
    if found.st_mode & 0o7777 != PIPE_MODE.bits() {
        fchmodat(dir, PIPE, PIPE_MODE, FchmodatFlags::FollowSymlink)?;
    }
    fcntl(&fifo, FcntlArg::F_SETFL(OFlag::empty()))?;
    Ok(fifo)
}

/// Opens the FIFO for the logger: for reading alone, without waiting for a writer.
pub fn open_to_read(dir: &File) -> nix::Result<OwnedFd> {
    open_verified(dir, OFlag::O_RDONLY)
}

/// Opens what is a FIFO; without ever waiting, whatever is in its place.
fn open_verified(dir: &File, how: OFlag) -> nix::Result<OwnedFd> {
    if !is_fifo(&look(dir)?) {
        return Err(Errno::EEXIST);
    }
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let fifo = openat(dir, PIPE, how | flags, Mode::empty())?;
    if is_fifo(&fstat(&fifo)?) { Ok(fifo) } else { Err(Errno::EEXIST) }
}

/// Whether this open FIFO is the one that stands in the directory.
pub fn is_current(dir: &File, fifo: impl AsFd) -> bool {
    matches!((look(dir), fstat(fifo)), (Ok(named), Ok(open)) if (named.st_dev, named.st_ino) == (open.st_dev, open.st_ino))
}

/// All FIFOs that there are, by profile, each with its owner.
pub fn all(state_dir: &Path) -> Vec<(ProfileName, u32)> {
    let Ok(entries) = std::fs::read_dir(state_dir.join(LOG)) else { return Vec::new() };
    let found = entries.flatten().filter_map(|entry| {
        let name = ProfileName::parse(entry.file_name().to_str()?)?;
        let found = look(&File::open(entry.path()).ok()?).ok()?;
        is_fifo(&found).then_some((name, found.st_uid))
    });
    found.collect()
}

/// Removes the FIFO, if there is one.
pub fn remove(dir: &File) -> nix::Result<()> {
    match look(dir) {
        Ok(found) if is_fifo(&found) => unlinkat(dir, PIPE, UnlinkatFlags::NoRemoveDir),
        Ok(_) | Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(errno),
    }
}

fn look(dir: &File) -> nix::Result<FileStat> {
    fstatat(dir, PIPE, AtFlags::AT_SYMLINK_NOFOLLOW)
}

const fn is_fifo(found: &FileStat) -> bool {
    found.st_mode & libc::S_IFMT == libc::S_IFIFO
}
