//! From the paths that were typed to files of tests.
//!
//! **Invariant:** files are found in the order of their names, so that two runs tell the same.

use std::fs;
use std::path::{Path, PathBuf};

use proclaunch_core::ids::ProfileName;
use proclaunch_core::profile::is_known;

use super::Options;
use super::files::ProfileFiles;
use super::run::TestFile;
use crate::hooks::Source;

/// Why there is nothing to test at a path. Completes "failed to ...".
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// It cannot be read.
    #[error("read `{}`: {source}", path.display())]
    Read {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is a file, and no test.
    #[error("test `{}`: it is neither a directory nor a file whose name ends in `_test.lua`", path.display())]
    NoTest {
        /// The path.
        path: PathBuf,
    },
    /// The profile cannot be read.
    #[error("read the profile `{}`: {why}", path.display())]
    Profile {
        /// Its directory.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// The files of tests at a path: of a profile, of all profiles in a directory, or the one file.
///
/// # Errors
/// See [`FindError`].
pub(super) fn find(path: &Path, options: &Options) -> Result<Vec<TestFile>, FindError> {
    let read = |source| FindError::Read { path: path.to_owned(), source };
    let full = fs::canonicalize(path).map_err(read)?;
    let found = if full.is_dir() {
        let own = tests_in(&full).map_err(read)?;
        if own.is_empty() && !is_profile(&full).map_err(read)? {
            let mut below = Vec::new();
            for dir in directories_in(&full).map_err(read)? {
                below.extend(tests_in(&dir).map_err(read)?);
            }
            below
        } else {
            own
        }
    } else if is_test(&full) {
        vec![full]
    } else {
        return Err(FindError::NoTest { path: path.to_owned() });
    };
    found.into_iter().map(|file| test_file(file, options)).collect()
}

fn test_file(path: PathBuf, options: &Options) -> Result<TestFile, FindError> {
    let dir = path.parent().unwrap_or(&path).to_owned();
    let profile = ProfileFiles::read(&dir).map_err(|why| FindError::Profile { path: dir.clone(), why })?;
    let text = fs::read(&path).map_err(|source| FindError::Read { path: path.clone(), source })?;
    let modules = [profile.profiles_dir.join(".hooks")];
    let modules = modules.into_iter().chain(options.hooks_dir.clone()).collect();
    Ok(TestFile {
        profile,
        source: Source { path, text },
        modules,
        is_verbose: options.verbose,
        timeout: options.timeout,
    })
}

fn is_test(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with("_test.lua"))
}

fn is_profile(dir: &Path) -> std::io::Result<bool> {
    let mut names = fs::read_dir(dir)?.flatten().map(|entry| entry.file_name());
    Ok(names.any(|name| name.to_str().is_some_and(is_known)))
}

fn tests_in(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir)?.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| is_test(path) && path.is_file());
    found.sort();
    Ok(found)
}

/// The directories in one that can be profiles.
fn directories_in(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(dir)?.flatten().map(|entry| entry.path()).collect();
    let is_named =
        |path: &Path| path.file_name().and_then(|name| name.to_str()).and_then(ProfileName::parse).is_some();
    found.retain(|path| is_named(path) && path.is_dir());
    found.sort();
    Ok(found)
}
