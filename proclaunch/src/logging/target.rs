//! Where the log goes in truth: a file or standard error.
//!
//! **Invariant:** the file is only ever appended to, and opening or writing it never waits: a FIFO without a reader
//! is an error, a full one is a trouble like a full disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::sink::{Out, Reopened};
use crate::cli::LogTarget;
use crate::fatal::Fatal;

/// An open log.
#[derive(Debug)]
pub enum Target {
    /// Standard error.
    Stderr,
    /// A file, and the path to open it by again.
    File {
        /// The path; absolute.
        path: PathBuf,
        /// What it named when it was opened.
        file: File,
    },
}

impl Target {
    /// Opens where the log goes; a missing file is made, mode 0640.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(target: &LogTarget) -> Result<Self, Fatal> {
        match target {
            LogTarget::Stderr => Ok(Self::Stderr),
            LogTarget::File(path) => Ok(Self::File { path: path.clone(), file: open(path)? }),
        }
    }
}

impl Out for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            // Standard error is unbuffered: this is one write(2).
            Self::Stderr => io::stderr().write(bytes),
            Self::File { file, .. } => file.write(bytes),
        }
    }

    fn reopen(&mut self) -> Result<Reopened, Fatal> {
        match self {
            Self::Stderr => Ok(Reopened::Same),
            Self::File { path, file } => {
                let new = open(path)?;
                let same = same_file(file, &new);
                *file = new;
                Ok(if same { Reopened::Same } else { Reopened::Other })
            }
        }
    }
}

fn open(path: &Path) -> Result<File, Fatal> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o640)
        // O_NOCTTY: a daemon that logs to a terminal must not be hung up with it.
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)
        .map_err(|source| Fatal::LogFile { path: path.to_owned(), source })
}

fn same_file(one: &File, other: &File) -> bool {
    match (one.metadata(), other.metadata()) {
        (Ok(one), Ok(other)) => one.dev() == other.dev() && one.ino() == other.ino(),
        (Err(_), _) | (_, Err(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_log_file_is_made_for_owner_and_group_and_appended_to() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("log");
        for line in ["one\n", "two\n"] {
            let mut target = Target::open(&LogTarget::File(path.clone())).unwrap();
            assert_eq!(target.write(line.as_bytes()).unwrap(), line.len());
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777 & !0o640, 0);
    }

    #[test]
    fn a_log_file_that_cannot_be_is_bad_setup() {
        let temp = tempfile::tempdir().unwrap();
        for path in [temp.path().join("no/log"), temp.path().to_owned()] {
            let fatal = Target::open(&LogTarget::File(path.clone())).unwrap_err();
            assert_eq!(fatal.code(), 100);
            assert!(fatal.to_string().contains(&format!("`{}`", path.display())), "{fatal}");
        }
    }

    #[test]
    fn a_failure_to_reopen_keeps_the_old_file() {
        let temp = tempfile::tempdir().unwrap();
        let (dir, moved) = (temp.path().join("dir"), temp.path().join("moved"));
        fs::create_dir(&dir).unwrap();
        let mut target = Target::open(&LogTarget::File(dir.join("log"))).unwrap();
        assert_eq!(target.reopen().unwrap(), Reopened::Same);
        fs::rename(&dir, &moved).unwrap();
        assert_eq!(target.reopen().unwrap_err().code(), 100);
        assert_eq!(target.write(b"line\n").unwrap(), 5);
        assert_eq!(fs::read_to_string(moved.join("log")).unwrap(), "line\n");
        fs::create_dir(&dir).unwrap();
        assert_eq!(target.reopen().unwrap(), Reopened::Other);
    }
}
