//! Why there is no answer, or none that is wished for.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proclaunch_core::log::Escaped;
use std::fmt::{self, Write as _};
use thiserror::Error;

use super::Place;
use crate::control::api;
use crate::fatal::{SYSTEM, USAGE};

/// An order failed.
const FAILED: u8 = 1;
/// There is no such profile.
const UNKNOWN: u8 = 4;

/// Why an answer is none, or none that is wished for. The text is a sentence without its full stop.
#[derive(Debug, Error)]
pub enum Failure {
    /// Nobody listens there.
    #[error(
        "no supervisor runs with state directory `{dir}` ({why}); `proclaunch {dir} PROFILES_DIR` starts one",
        dir = .place.state_dir.display(),
        why = .place.why()
    )]
    NoSupervisor {
        /// Where it was looked for.
        place: Place,
    },
    /// The instance lives, but its supervisor does not listen.
    #[error(
        "the supervisor of state directory `{dir}` did not listen within {seconds} s, though pid {pid} lives; its log \
         says why, and `kill -USR1 {pid}` has it make its socket anew if that was removed",
        dir = .place.state_dir.display(),
        seconds = .waited.as_secs()
    )]
    Deaf {
        /// Where it was looked for.
        place: Place,
        /// What `proclaunch.pid` names.
        pid: i32,
        /// For how long it was tried.
        waited: Duration,
    },
    /// This user may not connect.
    #[error(
        "failed to connect to `{}`: permission denied; root and the user of the supervisor may, and the groups of its \
         --control-group and --status-group", .socket.display()
    )]
    Denied {
        /// The socket.
        socket: PathBuf,
    },
    /// The system does not connect.
    #[error("failed to connect to `{}`: {source}", .socket.display())]
    Connect {
        /// The socket.
        socket: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The connection broke before the answer was there.
    #[error("the connection broke before the supervisor had answered{}", if *.may_be_taken { TAKEN } else { "" })]
    Broken {
        /// What was asked for may have been taken.
        may_be_taken: bool,
    },
    /// There was no answer for so long.
    #[error(
        "the supervisor did not answer within {} s{}",
        .limit.as_secs(),
        if *.may_be_taken { TAKEN } else { "" }
    )]
    Silent {
        /// How long it was waited for.
        limit: Duration,
        /// What was asked for may have been taken.
        may_be_taken: bool,
    },
    /// The answer is not what this version understands.
    #[error("failed to understand the supervisor's answer: {}", Clean(.what))]
    Strange {
        /// What is wrong with it.
        what: String,
    },
    /// The supervisor says no.
    #[error("{}{}", Clean(&.error.error), Hint(.error.hint.as_deref()))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it says.
        error: Box<api::Error>,
    },
}

const TAKEN: &str = "; what was asked for may have been taken";

impl Failure {
    /// The exit code of this cause.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Refused { status: 400, .. } => USAGE,
            Self::Refused { status: 404, .. } => UNKNOWN,
            Self::Refused { status: 409 | 504, .. } => FAILED,
            Self::NoSupervisor { .. }
            | Self::Deaf { .. }
            | Self::Denied { .. }
            | Self::Connect { .. }
            | Self::Broken { .. }
            | Self::Silent { .. }
            | Self::Strange { .. }
            | Self::Refused { .. } => SYSTEM,
        }
    }

    /// Whether the next supervisor may answer.
    pub(super) const fn is_passing(&self) -> bool {
        // 503: the supervisor ends.
        matches!(self, Self::Broken { .. } | Self::Refused { status: 503, .. })
    }

    /// Whether nobody knows if what was asked for was taken.
    pub const fn may_be_taken(&self) -> bool {
        matches!(self, Self::Broken { may_be_taken: true } | Self::Silent { may_be_taken: true, .. })
    }

    /// What is wrong, as every error over the socket is written.
    pub fn to_api(&self) -> api::Error {
        match self {
            Self::Refused { error, .. } => (**error).clone(),
            other => api::Error { error: other.to_string(), hint: None, result: None, profile: None },
        }
    }

    /// An error of the connection's reading or writing.
    pub(super) fn broken(error: &io::Error, limit: Option<Duration>, may_be_taken: bool) -> Self {
        match (error.kind(), limit) {
            (io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut, Some(limit)) => {
                Self::Silent { limit, may_be_taken }
            }
            _ => Self::Broken { may_be_taken },
        }
    }

    pub(super) fn strange(what: impl fmt::Display) -> Self {
        Self::Strange { what: what.to_string() }
    }

    pub(super) fn connect(socket: &Path, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::PermissionDenied {
            return Self::Denied { socket: socket.to_owned() };
        }
        Self::Connect { socket: socket.to_owned(), source }
    }
}

/// A text from outside, without control characters.
struct Clean<'a>(&'a str);

impl fmt::Display for Clean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        write!(Escaped(&mut text), "{}", self.0)?;
        f.write_str(&text)
    }
}

/// What follows an error: what would be right.
struct Hint<'a>(Option<&'a str>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(hint) => write!(f, "; {}", Clean(hint)),
            None => Ok(()),
        }
    }
}
