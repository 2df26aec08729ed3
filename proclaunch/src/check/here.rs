//! What depends on the machine: programs, users and files that a profile names.
//!
//! **Invariant:** what may well be there where the profile is to run is a warning; only what cannot work anywhere, or
//! is said by an absolute path and is not there, is an error.

use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use proclaunch_core::process::SpawnError;
use proclaunch_core::profile::{Profile, Shape};

use super::finding::Finding;
use crate::keeper::look_up;

/// How much of a program the kernel reads to find out what it is (`BINPRM_BUF_SIZE`).
const HEAD: u64 = 256;

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

/// Whether the kernel can execute `run`.
fn program(run: &Path, shown: &Path, workplace: &Path) -> Option<Finding> {
    let mut head = Vec::new();
    // What may be executed but not read is taken as it is.
    File::open(run).ok()?.take(HEAD).read_to_end(&mut head).ok()?;
    let error = |message: String| Some(Finding::error(shown, Some(1), message));
    let Some(line) = head.strip_prefix(b"#!") else {
        let is_text = head.iter().all(|byte| !matches!(byte, 0..=8));
        let why =
            "begins without `#!`, and the kernel executes no such text; write `#!/bin/sh` as its first line";
        return if is_text { error(why.to_owned()) } else { None };
    };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.ends_with(b"\r") {
        return error(
            "has lines that end in CR LF: the kernel looks for an interpreter with CR in its name".to_owned(),
        );
    }
    let line = String::from_utf8_lossy(line);
    let mut words = line.split_whitespace();
    let Some(interpreter) = words.next() else {
        return error("names no interpreter after `#!`".to_owned());
    };
    if !is_program(&workplace.join(interpreter)) {
        return error(format!("needs the interpreter `{interpreter}`, which is not here"));
    }
    if Path::new(interpreter).file_name() == Some("env".as_ref()) {
        let name = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
        if !is_on_path(name) {
            let message = format!("needs `{name}`, which is not in PATH here");
            return Some(Finding::warning(shown, Some(1), message));
        }
    }
    None
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

fn is_on_path(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places = env::split_paths(&path);
    name.as_bytes().contains(&b'/') || places.any(|place| is_program(&place.join(name)))
}

fn user(shape: &Shape, shown: &Path) -> Option<Finding> {
    match look_up(shape.user.as_ref()?) {
        Ok(_) | Err(SpawnError::Errno(_)) => None,
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
