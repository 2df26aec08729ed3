//! One supervisor and one logger for each state directory, whatever keeper has started them.
//!
//! After the death of a keeper, what it had started may live on for a moment beside what the next one starts. Each of
//! them locks the directory that it writes to, and does nothing without.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use nix::poll::{PollTimeout, poll};

/// How often, and with what pause, a lock is tried that a dying process may still hold.
const TRIES: u32 = 500;
const TRY_MILLIS: u8 = 1;

/// The lock of a directory, held as long as this value lives.
#[derive(Debug)]
pub struct Alone {
    _dir: File,
}

impl Alone {
    /// Takes the lock of a directory, which is made, mode 0700, if it is missing. None if another process has it.
    ///
    /// # Errors
    /// The directory cannot be made, opened or locked.
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        Self::take_by(path, File::try_lock)
    }

    /// The same, and waits a moment for one that has been killed and is not gone yet.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn take_soon(path: &Path) -> io::Result<Option<Self>> {
        Self::take_by(path, lock_soon)
    }

    fn take_by(path: &Path, lock: impl Fn(&File) -> Result<(), TryLockError>) -> io::Result<Option<Self>> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let dir = open(path)?;
        match lock(&dir) {
            Ok(()) => Ok(Some(Self { _dir: dir })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether another process has the lock of a directory; not if there is no such directory.
    pub fn is_taken(path: &Path) -> bool {
        open(path).is_ok_and(|dir| matches!(dir.try_lock(), Err(TryLockError::WouldBlock)))
    }
}

/// Locks it, and waits a moment for one who has been killed and is not gone yet.
pub(super) fn lock_soon(dir: &File) -> Result<(), TryLockError> {
    for _ in 0..TRIES {
        match dir.try_lock() {
            Err(TryLockError::WouldBlock) => {}
            other => return other,
        }
        // An empty set of descriptors: what is waited for cannot be waited on.
        let _ = poll(&mut [], PollTimeout::from(TRY_MILLIS));
    }
    dir.try_lock()
}

fn open(path: &Path) -> io::Result<File> {
    let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW;
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("log");
        assert!(!Alone::is_taken(&path));
        assert!(!path.exists());
        let first = Alone::take(&path).unwrap();
        assert!(first.is_some());
        assert!(Alone::is_taken(&path));
        assert!(Alone::take(&path).unwrap().is_none());
        drop(first);
        assert!(Alone::take(&path).unwrap().is_some());
        assert!(Alone::take(&temp.path().join("no/log")).is_err());
    }
}
