//! Why there is no answer, or none that is wished for.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::socket::{getsockopt, sockopt};
use proclaunch_core::log::Escaped;
use std::fmt::{self, Write as _};
use thiserror::Error;

use super::Place;
use super::connect::process_state;
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
        "no supervisor runs with state directory `{dir}` ({why}); {}",
        Start(&.place.state_dir),
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
        "the supervisor{} did not answer within {} s{}",
        Who(*.peer),
        .limit.as_secs(),
        if *.may_be_taken { TAKEN } else { "" }
    )]
    Silent {
        /// The process at the other end, if it can be told.
        peer: Option<i32>,
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
    pub(super) fn broken(
        error: &io::Error,
        stream: &UnixStream,
        limit: Option<Duration>,
        may_be_taken: bool,
    ) -> Self {
        match (error.kind(), limit) {
            (io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut, Some(limit)) => {
                let peer = getsockopt(stream, sockopt::PeerCredentials).ok().map(|peer| peer.pid());
                // 0: it is in a namespace that cannot be seen from here.
                Self::Silent { peer: peer.filter(|pid| *pid > 0), limit, may_be_taken }
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

/// What helps where no supervisor runs.
struct Start<'a>(&'a Path);

impl fmt::Display for Start<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dir = self.0.display();
        match std::fs::metadata(self.0) {
            Ok(found) if !found.is_dir() => return write!(f, "it is no directory"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                write!(f, "there is no such directory, and ")?;
            }
            Ok(_) | Err(_) => {}
        }
        write!(f, "`proclaunch {dir} PROFILES_DIR` starts one")
    }
}

/// The process that does not answer.
struct Who(Option<i32>);

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(pid) = self.0 else { return Ok(()) };
        match process_state(pid) {
            // By a signal, or by a debugger.
            Some(b'T' | b't') => write!(f, ", pid {pid}, is stopped (`kill -CONT {pid}` has it go on), and"),
            _ => write!(f, ", pid {pid},"),
        }
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
