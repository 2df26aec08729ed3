//! The older files of a log: `current.1`, which is the newest, to `current.KEEP`.
//!
//! **Invariant:** no file is overwritten, and at whatever rename the logger is killed, the next rotation goes on from
//! there: it looks for the first number that is free, and moves only what is before it.

use std::fs::File;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, RenameFlags, renameat, renameat2};
use nix::sys::stat::fstatat;
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::current::CURRENT;
use super::failure::Failure;
use super::killpoint;

/// Makes room for a new `current`, of which there is none afterwards; the oldest file is removed if there are `keep`.
pub(super) fn rotate(dir: &File, keep: u32) -> Result<(), Failure> {
    let keep = keep.max(1);
    let mut free = 1;
    while free <= keep && exists(dir, free).map_err(Failure::of("look for an older `current`"))? {
        free += 1;
    }
    if free > keep {
        // Also those that a larger KEEP has left.
        let mut last = keep;
        while exists(dir, last + 1).map_err(Failure::of("look for an older `current`"))? {
            last += 1;
        }
        for number in (keep..=last).rev() {
            killpoint::here();
            unlinkat(dir, name(number).as_str(), UnlinkatFlags::NoRemoveDir)
                .map_err(Failure::of("remove the oldest `current`"))?;
        }
        free = keep;
    }
    for number in (1..free).rev() {
        rename(dir, &name(number), &name(number + 1))?;
    }
    rename(dir, CURRENT, &name(1))
}

fn rename(dir: &File, from: &str, to: &str) -> Result<(), Failure> {
    killpoint::here();
    crate::killpoint::pass("rotation");
    let renamed = match renameat2(dir, from, dir, to, RenameFlags::RENAME_NOREPLACE) {
        // The file system cannot promise it: nobody else is to put files here.
        Err(Errno::EINVAL | Errno::ENOSYS) => renameat(dir, from, dir, to),
        renamed => renamed,
    };
    renamed.map_err(Failure::of("rename `current`"))
}

fn exists(dir: &File, number: u32) -> nix::Result<bool> {
    match fstatat(dir, name(number).as_str(), AtFlags::AT_SYMLINK_NOFOLLOW) {
        Ok(_) => Ok(true),
        Err(Errno::ENOENT) => Ok(false),
        Err(errno) => Err(errno),
    }
}

fn name(number: u32) -> String {
    format!("{CURRENT}.{number}")
}
