//! What is to be checked: a directory of profiles, or one of its profiles.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf, absolute};

use proclaunch_core::ids::ProfileName;
use proclaunch_core::profile::is_known;

use super::CheckError;

/// The directories, as they are and as findings show them.
#[derive(Debug)]
pub(super) struct Target {
    /// Where the profiles are; absolute.
    pub profiles_dir: PathBuf,
    /// The one that is to be checked, with how findings show it; all if there is none.
    pub only: Option<(String, PathBuf)>,
    /// How findings show the directory of profiles; empty where it is the working directory.
    shown: PathBuf,
}

impl Target {
    /// Finds out what a path is: a directory with setting files is a profile, any other one holds profiles.
    pub(super) fn of(typed: &Path) -> Result<Self, CheckError> {
        let failed = |source: io::Error| CheckError::Path { path: typed.to_owned(), source };
        if !fs::metadata(typed).map_err(failed)?.is_dir() {
            return Err(failed(ErrorKind::NotADirectory.into()));
        }
        let shown = if typed == Path::new(".") { PathBuf::new() } else { typed.to_owned() };
        let mut path = absolute(typed).map_err(failed)?;
        if !is_profile(typed).map_err(failed)? {
            return Ok(Self { profiles_dir: path, only: None, shown });
        }
        if path.file_name().is_none() {
            // It ends in `..`: only the kernel knows what it is called.
            path = fs::canonicalize(&path).map_err(failed)?;
        }
        let name = path.file_name().unwrap_or(OsStr::new("/")).to_string_lossy().into_owned();
        let profiles_dir = path.parent().unwrap_or(&path).to_owned();
        let parent = match shown.parent() {
            Some(parent) if shown.file_name().is_some() => parent.to_owned(),
            Some(_) | None => shown.join(".."),
        };
        Ok(Self { profiles_dir, only: Some((name, shown)), shown: parent })
    }

    /// How findings show something in the directory of profiles.
    pub(super) fn shown(&self, below: impl AsRef<Path>) -> PathBuf {
        let shown = self.shown.join(below);
        if shown.as_os_str().is_empty() { PathBuf::from(".") } else { shown }
    }

    /// How findings show a profile.
    pub(super) fn shown_profile(&self, name: &ProfileName) -> PathBuf {
        match &self.only {
            Some((_, shown)) => shown.clone(),
            None => self.shown.join(name.as_str()),
        }
    }
}

/// Whether there is a file that means something in a profile.
fn is_profile(dir: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        // A directory of that name is a profile which is called so.
        if entry.file_name().to_str().is_some_and(is_known) && !entry.path().is_dir() {
            return Ok(true);
        }
    }
    Ok(false)
}
