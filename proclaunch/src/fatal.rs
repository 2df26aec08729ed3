//! What ends ProcLaunch before it is up, each cause with its exit code.
//!
//! **Invariant:** a live daemon has no `Fatal`: what goes wrong after the start is an event or a log line.

use std::io;
use std::path::PathBuf;

use nix::errno::Errno;
use thiserror::Error;

use crate::control::server::token::TokenError;
use crate::hooks::EngineError;
use crate::keeper::KeeperError;
use crate::keeper::wire::WireError;
use crate::store::StoreError;

/// The exit code of a command line that cannot be understood.
pub const USAGE: u8 = 2;
/// The exit code of directories and files that are not as they must be.
pub const BAD_SETUP: u8 = 100;
/// The exit code of a system that refuses what it must give, and of "all profiles stopped".
pub const SYSTEM: u8 = 111;

/// Why ProcLaunch cannot start. The text completes "failed to ...".
#[derive(Debug, Error)]
pub enum Fatal {
    /// The working directory is gone, so that a relative path means nothing.
    #[error("make `{}` absolute: {source}; give an absolute path", .path.display())]
    Absolute {
        /// The path as it was typed.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The profiles directory cannot be read.
    #[error("read profiles directory `{}`: {source}; it must be a directory that can be read and entered", .path.display())]
    ProfilesDir {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The state directory is missing and cannot be made.
    #[error("make state directory `{}`: {source}; its parent must exist and be writable", .path.display())]
    MakeStateDir {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The state directory cannot be opened.
    #[error("open state directory `{}`: {source}; it must be a directory that can be read", .path.display())]
    OpenStateDir {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file in the state directory cannot be written.
    #[error("write `{}`: {source}; the state directory must be writable", .path.display())]
    StateDir {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file system has no locks.
    #[error("lock `{}`: {source}; the state directory must be on a file system with locks", .path.display())]
    Lock {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another instance uses the state directory for something else.
    #[error(
        "use state directory `{}` for profiles directory `{}`: a running instance uses it for `{}`; give each its own",
        .state_dir.display(),
        .ours.display(),
        .theirs.display()
    )]
    Busy {
        /// The state directory.
        state_dir: PathBuf,
        /// The profiles directory that was asked for.
        ours: PathBuf,
        /// The profiles directory that is being served.
        theirs: PathBuf,
    },
    /// A scan would take the state directory for a profile, or what is in it for profiles.
    #[error(
        "use state directory `{}`: in profiles directory `{}` it would be taken for profiles; give it a place outside",
        .state_dir.display(),
        .profiles_dir.display()
    )]
    StateInProfiles {
        /// The state directory.
        state_dir: PathBuf,
        /// The profiles directory that it is, or is in.
        profiles_dir: PathBuf,
    },
    /// The log file cannot be opened.
    #[error("open log file `{}`: {source}; its directory must exist and be writable", .path.display())]
    LogFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The process has a logger already.
    #[error("set the logger up: this process has one already")]
    Logger,
    /// There is no process or pipe to be had.
    #[error("become a daemon: {source}; start it with --foreground, or free some processes")]
    Daemonize {
        /// Why.
        source: io::Error,
    },
    /// A group that is to have rights does not exist.
    #[error("give a group rights: {why}; name one that exists, or its number")]
    Group {
        /// Why.
        why: String,
    },
    /// There is no token where one is to be.
    #[error(transparent)]
    Token(TokenError),
    /// The keeper cannot be had.
    #[error(transparent)]
    Keeper(KeeperError),
    /// The hook engine cannot be had.
    #[error(transparent)]
    Hooks(EngineError),
    /// The records cannot be had.
    #[error(transparent)]
    Store(StoreError),
    /// The system refuses what the supervisor cannot do without.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A supervisor or logger that nobody of ProcLaunch has started.
    #[error("find the keeper: {errno}; `proclaunch STATE_DIR PROFILES_DIR` starts everything that is needed")]
    NoKeeper {
        /// What its socket is not.
        errno: Errno,
    },
    /// The keeper is of another version.
    #[error("understand the keeper: {error}")]
    BadKeeper {
        /// Why.
        error: WireError,
    },
    /// Another supervisor, or logger, is at work.
    #[error("lock `{}`: another process of ProcLaunch works on it", .path.display())]
    NotAlone {
        /// The directory.
        path: PathBuf,
    },
    /// What the program before knows cannot be understood.
    #[error("take over from the program before: {why}")]
    BadImage {
        /// Why.
        why: String,
    },
    /// The supervisor could not begin.
    #[error("{message}")]
    Supervisor {
        /// The exit code.
        code: u8,
        /// Why.
        message: String,
    },
    /// The daemon ended without a word.
    #[error("start: the daemon ended before it was up; start it with --foreground to see why")]
    Vanished,
}

impl Fatal {
    /// The exit code of this cause.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Absolute { .. }
            | Self::ProfilesDir { .. }
            | Self::MakeStateDir { .. }
            | Self::OpenStateDir { .. }
            | Self::StateDir { .. }
            | Self::Lock { .. }
            | Self::Busy { .. }
            | Self::StateInProfiles { .. }
            | Self::LogFile { .. }
            | Self::Group { .. }
            | Self::Token(_)
            | Self::Store(_) => BAD_SETUP,
            Self::Logger
            | Self::Daemonize { .. }
            | Self::Keeper(_)
            | Self::Hooks(_)
            | Self::System { .. }
            | Self::NoKeeper { .. }
            | Self::BadKeeper { .. }
            | Self::NotAlone { .. }
            | Self::BadImage { .. }
            | Self::Vanished => SYSTEM,
            Self::Supervisor { code, .. } => *code,
        }
    }
}
