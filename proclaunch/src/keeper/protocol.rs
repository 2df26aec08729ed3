//! What the supervisor asks of the keeper, and what the keeper reports: plain serialisable data, so that a socket
//! can stand between them.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use proclaunch_core::ids::{ProcId, ProfileName, Ticket};
pub use proclaunch_core::process::{REMAINS_MAX, Report, Scope, SpawnError, Stage};
use proclaunch_core::profile::{Limit, User, Variable};
use proclaunch_core::signal::Signal;
use serde::{Deserialize, Serialize};

/// Everything that is needed to start one process of one profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpawnSpec {
    /// Whose process it is.
    pub name: ProfileName,
    /// Which start this is.
    pub ticket: Ticket,
    /// The profile's directory: absolute.
    pub profile_dir: PathBuf,
    /// The working directory: absolute.
    pub directory: PathBuf,
    /// What to execute.
    pub program: Program,
    /// Where its standard output and error go.
    pub output: Output,
    /// Whom to run as.
    pub user: Option<User>,
    /// Variables to set over the supervisor's own environment.
    pub env: Vec<Variable>,
    /// Permission bits to take away.
    pub umask: u32,
    /// Absolute niceness.
    pub nice: Option<i8>,
    /// Resource limits.
    pub limits: Vec<Limit>,
}

/// What a process executes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Program {
    /// The profile's `run`, without arguments.
    Run,
    /// A command with its arguments: a path, or a name that is looked for in the `PATH` that the process is given.
    Argv(Vec<Vec<u8>>),
}

/// Where the output of a process goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output {
    /// Both to a file, appended; its directory is made if missing.
    File(PathBuf),
    /// To a pipe each. Their ends travel beside the request: see [`Pipes`].
    Pipes,
}

/// The ends of the pipes that a process writes to.
#[derive(Debug)]
pub struct Pipes {
    /// Becomes standard output.
    pub out: OwnedFd,
    /// Becomes standard error.
    pub err: OwnedFd,
}

/// What the keeper is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Start a process. Answered by [`Report::Spawned`] or [`Report::SpawnFailed`].
    Spawn(Box<SpawnSpec>),
    /// Take a live process over as the main process of a start, and watch it to its end. Answered by an
    /// [`Report::Exited`] when it ends, at once if it has already ended.
    Adopt {
        /// Whose process it is.
        name: ProfileName,
        /// The start that it belongs to.
        ticket: Ticket,
        /// The process.
        id: ProcId,
    },
    /// Send a signal to what lives of a start. No answer.
    Signal {
        /// The start.
        ticket: Ticket,
        /// Who of it.
        scope: Scope,
        /// What to send.
        signal: Signal,
    },
    /// SIGKILL everything of a start, main process included, and go on until nothing is left. Answered by
    /// [`Report::Gone`] once that is so; asked again, it looks and kills again.
    KillTree {
        /// The start.
        ticket: Ticket,
    },
    /// Look for what lives of a start whose main process is gone, without touching it. Answered by
    /// [`Report::Gone`] at once or later, when nothing is left.
    Watch {
        /// The start.
        ticket: Ticket,
    },
    /// Nothing more of this start is of interest: forget its ticket, leave alone what lives of it.
    Release {
        /// The start.
        ticket: Ticket,
    },
}

/// A live process found by a pid file or a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The process.
    pub id: ProcId,
    /// How long ago it started.
    pub age: Duration,
}
