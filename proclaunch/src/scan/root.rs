//! An open profiles directory.
//!
//! **Invariant:** everything is opened below the one descriptor, so that a switch of a symlink on the way cannot mix
//! two releases.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::AtFlags;
use nix::sys::stat::{fstat, fstatat, stat};
use proclaunch_core::ids::ProfileName;
use proclaunch_core::profile::{File, Files, Run};

use super::directory::{self, DANGLING, Kind, is_shortage, kind, open_directory};
use super::{Scan, ScanError};

/// The settings behind every profile.
pub(super) const DEFAULTS: &str = ".defaults";

pub(super) struct Root {
    path: PathBuf,
    dir: Dir,
}

impl Root {
    pub(super) fn open(path: &Path) -> Result<Self, ScanError> {
        let dir = open_directory(nix::fcntl::AT_FDCWD, path);
        let dir = dir.map_err(|errno| ScanError::Directory { path: path.to_owned(), errno })?;
        Ok(Self { path: path.to_owned(), dir })
    }

    /// Whether the path still leads to this directory.
    pub(super) fn is_in_place(&self) -> Result<bool, ScanError> {
        let here = stat(&self.path).map_err(|errno| self.error(errno))?;
        let open = fstat(&self.dir).map_err(|errno| self.error(errno))?;
        Ok((here.st_dev, here.st_ino) == (open.st_dev, open.st_ino))
    }

    pub(super) fn scan(&mut self) -> Result<Scan, ScanError> {
        let mut scan = Scan { defaults: self.defaults()?, ..Scan::default() };
        for (entry, kind) in self.candidates()? {
            let name = entry.to_str().ok().and_then(ProfileName::parse);
            match name {
                Some(name) => {
                    scan.profiles.extend(self.profile(&name)?.map(|files| (name, files)));
                }
                None if self.is_directory(&entry, kind) => {
                    scan.bad_names.push(OsStr::from_bytes(entry.to_bytes()).to_owned());
                }
                None => {}
            }
        }
        scan.bad_names.sort();
        Ok(scan)
    }

    /// The profile of that name, if there is a directory: also if there is one that cannot be read.
    pub(super) fn profile(&self, name: &ProfileName) -> Result<Option<Files>, ScanError> {
        let unreadable = |reason: String| {
            let run = Run::Unreadable(format!("the profile directory: {reason}"));
            Some(Files { run, entries: BTreeMap::new() })
        };
        Ok(match open_directory(&self.dir, name.as_str()).and_then(directory::profile) {
            Ok(files) => files,
            Err(errno) if is_shortage(errno) => return Err(self.error(errno)),
            Err(Errno::ENOENT) if self.is_symlink(name.as_str()) => unreadable(DANGLING.to_owned()),
            Err(Errno::ENOENT | Errno::ENOTDIR) => None,
            Err(errno) => unreadable(errno.desc().to_owned()),
        })
    }

    pub(super) fn defaults(&self) -> Result<BTreeMap<String, File>, ScanError> {
        match open_directory(&self.dir, DEFAULTS).and_then(directory::defaults) {
            Ok(files) => Ok(files),
            Err(Errno::ENOTDIR) => Ok(BTreeMap::new()),
            Err(Errno::ENOENT) if !self.is_symlink(DEFAULTS) => Ok(BTreeMap::new()),
            Err(errno) => Err(ScanError::Defaults { path: self.path.join(DEFAULTS), errno }),
        }
    }

    /// The entries that may be directories and are not hidden.
    fn candidates(&mut self) -> Result<Vec<(CString, Option<Type>)>, ScanError> {
        let mut candidates = Vec::new();
        let path = &self.path;
        for entry in self.dir.iter() {
            let entry = entry.map_err(|errno| ScanError::Directory { path: path.clone(), errno })?;
            let (name, kind) = (entry.file_name(), entry.file_type());
            let may_be_directory = matches!(kind, None | Some(Type::Directory | Type::Symlink));
            if may_be_directory && !name.to_bytes().starts_with(b".") {
                candidates.push((name.to_owned(), kind));
            }
        }
        Ok(candidates)
    }

    fn is_directory(&self, name: &CStr, listed: Option<Type>) -> bool {
        matches!(kind(&self.dir, name, listed), Ok(Kind::Directory))
    }

    fn is_symlink(&self, name: &str) -> bool {
        let found = fstatat(&self.dir, name, AtFlags::AT_SYMLINK_NOFOLLOW);
        found.is_ok_and(|found| found.st_mode & libc::S_IFMT == libc::S_IFLNK)
    }

    fn error(&self, errno: Errno) -> ScanError {
        ScanError::Directory { path: self.path.clone(), errno }
    }
}
