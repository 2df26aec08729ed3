//! What depends on the machine: programs, users and files that a profile names.
//!
//! **Invariant:** what may well be there where the profile is to run is a warning; only what cannot work anywhere, or
//! is said by an absolute path and is not there, is an error.

use std::env;
use std::fs;
use std::path::Path;

use proclaunch_core::process::SpawnError;
use proclaunch_core::profile::{Profile, Shape};

use super::finding::Finding;
use crate::keeper::look_up;
use crate::program::{Format, is_program};

/// Looks at what a profile names; `shown` is its directory as findings show it.
pub(super) fn look(profile: &Profile, dir: &Path, shown: &Path) -> Vec<Finding> {
    let shape = &profile.shape;
    let workplace = shape.directory.as_ref().map_or_else(|| dir.to_owned(), |path| dir.join(&**path));
    let mut findings = Vec::new();
    findings.extend(program(&dir.join("run"), &shown.join("run"), &workplace));
    findings.extend(user(shape, shown));
    findings.extend(pid_file(shape, dir, shown));
    if let Some(named) = shape.directory.as_ref().filter(|_| !workplace.is_dir()) {
        let message = format!("names `{named}`, which is no directory here");
        findings.push(Finding::warning(shown.join("directory"), None, message));
    }
    findings
}

/// Whether the kernel can execute `run`. What may be executed but not read is taken as it is.
fn program(run: &Path, shown: &Path, workplace: &Path) -> Option<Finding> {
    match Format::of(run, workplace)? {
        Format::Binary => None,
        Format::Unfit(why) => Some(Finding::error(shown, Some(1), why)),
        Format::Script { interpreter, words } => {
            Path::new(&interpreter).file_name().filter(|name| *name == "env")?;
            let name = words.iter().find(|word| !word.starts_with('-') && !word.contains('='))?;
            let message = format!("needs `{name}`, which is not in PATH here");
            (!is_on_path(name)).then(|| Finding::warning(shown, Some(1), message))
        }
    }
}

fn is_on_path(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places = env::split_paths(&path);
    name.as_bytes().contains(&b'/') || places.any(|place| is_program(&place.join(name)))
}

fn user(shape: &Shape, shown: &Path) -> Option<Finding> {
    match look_up(shape.user.as_ref()?) {
        Ok(_) | Err(SpawnError::Errno(_) | SpawnError::Setting { .. } | SpawnError::Unfit(_)) => None,
        Err(SpawnError::Unknown(what)) => {
            let message = format!("names the {what}, which this machine does not know");
            Some(Finding::warning(shown.join("user"), None, message))
        }
    }
}

/// A symbolic link is never believed: whoever can write its directory could have any process stopped.
fn pid_file(shape: &Shape, dir: &Path, shown: &Path) -> Option<Finding> {
    let named = shape.pid_file.as_ref()?;
    let is_link = fs::symlink_metadata(dir.join(&**named)).is_ok_and(|found| found.is_symlink());
    is_link.then(|| {
        let message =
            format!("names `{named}`, a symbolic link, which is never believed; name the file itself");
        Finding::error(shown.join("pid_file"), None, message)
    })
}
