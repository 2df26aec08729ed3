//! `proclaunch new`: makes a profile that can be filled in.
//!
//! **Invariant:** a scan sees the whole profile or nothing of it: it is written into a directory whose name begins with a
//! dot, which is no profile, and renamed.

mod files;

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use proclaunch_core::ids::ProfileName;

use super::arguments::profile_name;
use super::asking::Asking;
use super::output;
use crate::fatal::{BAD_SETUP, SYSTEM};
use crate::sys::clock;
use files::{Asked, File, files};

/// There is such a profile already.
const EXISTS: u8 = 1;

const AFTER_HELP: &str = "\
The profile has `run`, to be filled in; `restart`, so that it is started again whenever it ends;
`down`, so that it is not started before `run` is right; and with --http or --tcp a health check.
Removing `down` starts it.

Exit codes:
  0    The profile was made
  1    There is something of that name already; nothing was changed
  2    The command line is wrong
  100  The profiles directory is not there, or cannot be written to
  111  There is no supervisor to ask where the profiles are, or the system failed";

/// What to make.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct New {
    /// The name of the profile
    #[arg(value_name = "NAME", value_parser = profile_name)]
    name: ProfileName,

    /// Have it asked by HTTP whether it is well, such as `http://127.0.0.1:8080/healthz`
    #[arg(long, value_name = "URL", value_parser = files::http, conflicts_with = "tcp")]
    http: Option<Asked>,

    /// Have it asked by a TCP connection whether it is well
    #[arg(long, value_name = "HOST:PORT", value_parser = files::tcp)]
    tcp: Option<Asked>,

    /// The directory of profiles [default: that of the running supervisor]
    #[arg(long, value_name = "DIR")]
    profiles: Option<PathBuf>,

    #[command(flatten)]
    asking: Asking,
}

/// Why no profile was made. Completes "failed to ...".
#[derive(Debug, thiserror::Error)]
enum NewError {
    #[error("find the profiles directory: {0}; --profiles DIR names it")]
    Supervisor(String),
    #[error("make profile `{}`: it exists already; nothing was changed", .0.display())]
    Exists(PathBuf),
    #[error("write to profiles directory `{}`: {source}", .dir.display())]
    ProfilesDir { dir: PathBuf, source: io::Error },
    #[error("write `{}`: {source}", .path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl NewError {
    const fn code(&self) -> u8 {
        match self {
            Self::Exists(_) => EXISTS,
            Self::ProfilesDir { .. } => BAD_SETUP,
            Self::Supervisor(_) | Self::Write { .. } => SYSTEM,
        }
    }
}

impl New {
    /// Makes it, says what to do next, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        let files = files(&self.name, self.http.as_ref().or(self.tcp.as_ref()));
        match self.profiles_dir().and_then(|dir| make(&dir, &self.name, &files)) {
            Ok(dir) => {
                if self.profiles.is_none() {
                    // So that the next command finds it. The supervisor notices it without that, a moment later.
                    let _ = self.asking.client().rescan();
                }
                output::print(&if self.asking.json { self.to_json(&dir, &files) } else { said(&dir, &files) })
            }
            Err(error) => {
                output::complain(&format!("failed to {error}"));
                error.code()
            }
        }
    }

    fn profiles_dir(&self) -> Result<PathBuf, NewError> {
        if let Some(dir) = &self.profiles {
            return Ok(dir.clone());
        }
        let own = self.asking.client().own().map_err(|failure| NewError::Supervisor(failure.to_string()))?;
        Ok(own.profiles_dir.into())
    }

    fn to_json(&self, dir: &Path, files: &[File]) -> String {
        let names: Vec<&str> = files.iter().map(|file| file.name).collect();
        let dir = dir.display().to_string();
        serde_json::json!({ "profile": self.name.as_str(), "dir": dir, "files": names }).to_string() + "\n"
    }
}

/// What was made, and what is to be done.
fn said(dir: &Path, files: &[File]) -> String {
    let names: Vec<&str> = files.iter().map(|file| file.name).collect();
    let mut text = format!("made {}: {}\n", dir.display(), names.join(", "));
    let dir = quoted(dir);
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "next:\n  edit {dir}/run\n  proclaunch check --strict {dir}\n  rm {dir}/down    # starts it, now and whenever ProcLaunch starts\n"
    );
    text
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-@+:,=".contains(c);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// Makes the profile; gives its directory.
fn make(profiles_dir: &Path, name: &ProfileName, files: &[File]) -> Result<PathBuf, NewError> {
    let dir = profiles_dir.join(name.as_str());
    // Whatever it is, and be it a link that leads nowhere.
    if fs::symlink_metadata(&dir).is_ok() {
        return Err(NewError::Exists(dir));
    }
    let random = clock::random_u64().map_err(|source| NewError::Write { path: dir.clone(), source })?;
    let hidden = profiles_dir.join(format!(".new-{random:016x}"));
    DirBuilder::new()
        .create(&hidden)
        .map_err(|source| NewError::ProfilesDir { dir: profiles_dir.to_owned(), source })?;
    let made = fill(&hidden, files).and_then(|()| {
        fs::rename(&hidden, &dir).map_err(|source| match source.kind() {
            // Somebody was faster.
            io::ErrorKind::DirectoryNotEmpty
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::NotADirectory => NewError::Exists(dir.clone()),
            _ => NewError::Write { path: dir.clone(), source },
        })
    });
    if made.is_err() {
        // What cannot be removed is no profile, and does no harm.
        let _ = fs::remove_dir_all(&hidden);
    }
    made.map(|()| dir)
}

fn fill(dir: &Path, files: &[File]) -> Result<(), NewError> {
    for file in files {
        let path = dir.join(file.name);
        let mode = if file.is_executable { 0o777 } else { 0o666 };
        let written = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path);
        written
            .and_then(|mut opened| opened.write_all(file.text.as_bytes()))
            .map_err(|source| NewError::Write { path, source })?;
    }
    Ok(())
}
