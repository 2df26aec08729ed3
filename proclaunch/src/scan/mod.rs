//! The profiles directory: what it holds, and when to look again.
//!
//! The scan is the truth: it reads every file that means something and leaves the comparing to others. The
//! [`Watcher`] is a hint: it says when a scan is worth its while, and of what. First refresh the watcher, then scan:
//! what changes in between is a hint for the next round.
//!
//! **Invariant:** nothing here waits. A FIFO or a device in the place of a setting is not opened.
//!
//! **Invariant:** what could not be read is never taken for gone. Without a readable profiles directory there is no
//! [`Scan`] at all, and a profile directory that cannot be read is a profile with a reason. Where descriptors or memory
//! have run out there is no scan either.

mod directory;
mod interest;
mod links;
mod modules;
mod root;
mod watcher;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use proclaunch_core::ids::ProfileName;
use proclaunch_core::profile::{File, Files};

pub use interest::Hint;
pub use modules::modules;
use root::Root;
pub use watcher::{WatchError, Watcher};

/// How often a scan starts again because its directory was switched under it.
const TRIES: usize = 5;

/// All that a profiles directory says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// The files of `.defaults/`; empty if there is none.
    pub defaults: BTreeMap<String, File>,
    /// The profiles: directories, and symlinks to directories, whose name is legal.
    pub profiles: BTreeMap<ProfileName, Files>,
    /// Directories whose name is no profile name and does not begin with a dot.
    pub bad_names: Vec<OsString>,
}

/// Why there is no scan. Everything stays as it is until there is one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// The profiles directory is gone, leads nowhere, or may not be read.
    #[error("read profiles directory `{}`: {}", path.display(), errno.desc())]
    Directory {
        /// The directory as it was given.
        path: PathBuf,
        /// The kernel's reason.
        errno: Errno,
    },
    /// `.defaults` is there and cannot be read: without it every profile would look changed.
    #[error("read `{}`: {}", path.display(), errno.desc())]
    Defaults {
        /// The `.defaults` directory.
        path: PathBuf,
        /// The kernel's reason.
        errno: Errno,
    },
    /// The directory is another one each time.
    #[error("read profiles directory `{}`: it was replaced {TRIES} times while it was read", path.display())]
    Restless {
        /// The directory as it was given.
        path: PathBuf,
    },
}

/// Reads every profile and the defaults.
pub fn scan_all(profiles_dir: &Path) -> Result<Scan, ScanError> {
    settled(profiles_dir, Root::scan)
}

/// Reads one profile; `None` if there is no such directory.
pub fn scan_one(profiles_dir: &Path, name: &ProfileName) -> Result<Option<Files>, ScanError> {
    settled(profiles_dir, |root| root.profile(name))
}

/// Reads the files of `.defaults/`; none if it is not there.
pub fn scan_defaults(profiles_dir: &Path) -> Result<BTreeMap<String, File>, ScanError> {
    settled(profiles_dir, |root| root.defaults())
}

/// What `read` finds in a directory that is still the same one afterwards: the end of an old release that is being
/// deleted must not look like profiles that are gone.
fn settled<T>(
    profiles_dir: &Path,
    mut read: impl FnMut(&mut Root) -> Result<T, ScanError>,
) -> Result<T, ScanError> {
    for _ in 0..TRIES {
        let mut root = Root::open(profiles_dir)?;
        let found = read(&mut root);
        if root.is_in_place()? {
            return found;
        }
    }
    Err(ScanError::Restless { path: profiles_dir.to_owned() })
}

#[cfg(test)]
mod tests;
