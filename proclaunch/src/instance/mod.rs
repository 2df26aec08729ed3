//! One instance for each state directory: preparing it, locking it, saying who serves it.
//!
//! The lock is `flock(2)` on the state directory itself. A lock file could be unlinked and made anew by a second
//! instance while the first still holds the old one; and a POSIX `fcntl` lock is lost with any close of the file.
//! This lock belongs to the open directory: a forked daemon inherits it, the launcher's exit does not release it,
//! and the kernel does when the last holder is gone, however it went. A left-over pid file means nothing.
//!
//! **Invariant:** the lock is never released by hand (`LOCK_UN` would release it for every process that inherited
//! it), and is close-on-exec, so that no service holds it.

mod alone;
mod gate;
mod notify;
mod startup;

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process;

pub use alone::Alone;
use alone::lock_soon;
use gate::Gate;
pub use notify::is_served;
pub use startup::Startup;

use crate::fatal::Fatal;
use crate::files;

const PID_FILE: &str = "proclaunch.pid";
const PROBE: &str = "proclaunch.probe";

/// The right to use a state directory, held as long as this value lives in any process.
#[derive(Debug)]
pub struct Instance {
    path: PathBuf,
    /// Holds the lock.
    dir: File,
}

/// Whose the state directory is.
#[derive(Debug)]
pub enum Claim {
    /// This process's.
    Ours(Instance),
    /// A running instance's that serves the same profiles directory: there is nothing to do.
    Served,
}

impl Instance {
    /// Prepares the state directory and takes its lock. Both paths are absolute.
    ///
    /// Two that start at once come out as one [`Claim::Ours`] and one [`Claim::Served`].
    ///
    /// # Errors
    /// A directory is not as it must be, or another instance serves other profiles from this state directory.
    pub fn claim(state_dir: &Path, profiles_dir: &Path) -> Result<Claim, Fatal> {
        Self::claim_with(state_dir, profiles_dir, File::try_lock)
    }

    /// The same for one that takes over from a keeper which has died: a child of that one may still hold its lock,
    /// until it executes its program, and is waited for. One that has ended in order is not succeeded.
    ///
    /// # Errors
    /// As [`Self::claim`].
    pub fn claim_after(state_dir: &Path, profiles_dir: &Path) -> Result<Claim, Fatal> {
        let claim = Self::claim_with(state_dir, profiles_dir, lock_soon)?;
        Ok(match claim {
            // It has not died, but has come to its end meanwhile, and taken its pid file along.
            Claim::Ours(instance) if !state_dir.join(PID_FILE).exists() => {
                drop(instance);
                Claim::Served
            }
            claim => claim,
        })
    }

    /// Goes on with a lock that the program before this one has taken.
    pub fn inherit(state_dir: &Path, dir: OwnedFd) -> Self {
        Self { path: state_dir.to_owned(), dir: dir.into() }
    }

    fn claim_with(
        state_dir: &Path,
        profiles_dir: &Path,
        lock: impl Fn(&File) -> Result<(), TryLockError>,
    ) -> Result<Claim, Fatal> {
        check_apart(state_dir, profiles_dir)?;
        let dir = prepare(state_dir, profiles_dir)?;
        let gate = Gate::enter(state_dir, &dir)?;
        match lock(&dir) {
            Ok(()) => {
                // Only the one who will serve looks at these: an instance that runs is not disturbed by them.
                check_profiles_dir(profiles_dir)?;
                check_writable(state_dir, &dir)?;
                gate.publish(profiles_dir)?;
                Ok(Claim::Ours(Self { path: state_dir.to_owned(), dir }))
            }
            Err(TryLockError::WouldBlock) => match gate.published()? {
                theirs if theirs == profiles_dir => Ok(Claim::Served),
                theirs => Err(Fatal::Busy {
                    state_dir: state_dir.to_owned(),
                    ours: profiles_dir.to_owned(),
                    theirs,
                }),
            },
            Err(TryLockError::Error(source)) => Err(Fatal::Lock { path: state_dir.to_owned(), source }),
        }
    }

    /// The state directory; absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The state directory, open; its lock hangs on it.
    pub const fn dir(&self) -> &File {
        &self.dir
    }

    /// Writes this process's pid as the one to signal.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_pid_file(&self) -> Result<(), Fatal> {
        let text = format!("{}\n", process::id());
        files::replace(&self.dir, PID_FILE, text.as_bytes())
            .map_err(|source| Fatal::StateDir { path: self.path.join(PID_FILE), source })
    }

    /// Removes the pid file, then lets the lock go.
    pub fn end(self) {
        // It does no harm where it stays: the lock decides.
        drop(files::remove(&self.dir, PID_FILE));
    }
}

/// Opens the state directory, and makes it if it is missing.
fn prepare(state_dir: &Path, profiles_dir: &Path) -> Result<File, Fatal> {
    match open_directory(state_dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // First, so that a slip in the command line leaves no directory behind.
            check_profiles_dir(profiles_dir)?;
            make_directory(state_dir)?;
            open_directory(state_dir)
        }
        other => other,
    }
    .map_err(|source| Fatal::OpenStateDir { path: state_dir.to_owned(), source })
}

/// Refuses a state directory that a scan would take for a profile, and one that is the profiles directory itself:
/// what this program writes there would look like profiles.
fn check_apart(state_dir: &Path, profiles_dir: &Path) -> Result<(), Fatal> {
    let parent = |path: &Path| path.parent().and_then(|parent| fs::canonicalize(parent).ok());
    // What is missing yet is made where its parent is.
    let state = match (fs::canonicalize(state_dir), parent(state_dir), state_dir.file_name()) {
        (Ok(state), _, _) => state,
        (Err(_), Some(parent), Some(name)) => parent.join(name),
        // Opening it will fail, and tell why.
        (Err(_), _, _) => return Ok(()),
    };
    let Ok(profiles) = fs::canonicalize(profiles_dir) else { return Ok(()) };
    let is_hidden = state.file_name().is_some_and(|name| name.as_bytes().starts_with(b"."));
    if state == profiles || (state.parent() == Some(&profiles) && !is_hidden) {
        let (state_dir, profiles_dir) = (state_dir.to_owned(), profiles_dir.to_owned());
        return Err(Fatal::StateInProfiles { state_dir, profiles_dir });
    }
    Ok(())
}

fn open_directory(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open(path)
}

fn make_directory(path: &Path) -> Result<(), Fatal> {
    match DirBuilder::new().mode(0o700).create(path) {
        // Another one that starts made it.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other.map_err(|source| Fatal::MakeStateDir { path: path.to_owned(), source }),
    }
}

fn check_profiles_dir(path: &Path) -> Result<(), Fatal> {
    // Listing needs the right to read, the look at `.` the right to enter.
    fs::read_dir(path)
        .and_then(|_| fs::metadata(path.join(".")))
        .map(|_| ())
        .map_err(|source| Fatal::ProfilesDir { path: path.to_owned(), source })
}

/// Makes a file and removes it: the only answer that counts permissions, read-only mounts and full disks alike.
fn check_writable(state_dir: &Path, dir: &File) -> Result<(), Fatal> {
    files::replace(dir, PROBE, b"probe\n")
        .and_then(|()| files::remove(dir, PROBE))
        .map_err(|source| Fatal::StateDir { path: state_dir.join(PROBE), source })
}

#[cfg(test)]
mod tests;
