//! `STATE_DIR/proclaunch.profiles`: which profiles directory the running instance serves.
//!
//! The file is its own gate. Whoever starts holds its lock from before the try for the instance's lock until the
//! path is written, so that a loser never reads what an earlier instance left, nor half of what the winner writes.
//! Nothing waits in the gate, so that waiting for it is short. Were the file unlinked by a stranger, only this
//! courtesy would suffer: the lock that decides hangs on the directory.
//!
//! **Invariant:** written only by the one who has the instance's lock, read only inside the gate. It is written in
//! place: a renamed file would be another gate.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use crate::fatal::Fatal;

const FILE: &str = "proclaunch.profiles";
/// A path is at most `PATH_MAX`, 4096 bytes.
const PATH_BYTES_MAX: u64 = 8192;

/// The gate, entered; left when the value goes.
pub(super) struct Gate {
    path: PathBuf,
    file: File,
}

impl Gate {
    /// Waits until no other start is in the gate, and enters.
    pub(super) fn enter(state_dir: &Path, dir: &File) -> Result<Self, Fatal> {
        let path = state_dir.join(FILE);
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let file = match openat(dir, FILE, flags, Mode::S_IRUSR | Mode::S_IWUSR) {
            Ok(file) => File::from(file),
            Err(errno) => return Err(Fatal::StateDir { path, source: errno.into() }),
        };
        match file.lock() {
            Ok(()) => Ok(Self { path, file }),
            Err(source) => Err(Fatal::Lock { path, source }),
        }
    }

    /// Says which profiles directory is served from here on.
    pub(super) fn publish(&self, profiles_dir: &Path) -> Result<(), Fatal> {
        let mut bytes = profiles_dir.as_os_str().as_bytes().to_owned();
        bytes.push(b'\n');
        self.overwrite(&bytes).map_err(|source| Fatal::StateDir { path: self.path.clone(), source })
    }

    fn overwrite(&self, bytes: &[u8]) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.write_all_at(bytes, 0)
    }

    /// Which profiles directory is being served; empty if a stranger has tampered with the file.
    pub(super) fn published(&self) -> Result<PathBuf, Fatal> {
        let mut bytes = Vec::new();
        match (&self.file).take(PATH_BYTES_MAX).read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(source) => return Err(Fatal::StateDir { path: self.path.clone(), source }),
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        }
        Ok(OsString::from_vec(bytes).into())
    }
}
