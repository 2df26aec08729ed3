//! What the keeper of the processes reports, as plain serialisable data.

use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::ids::{ProcId, ProfileName, Ticket};

/// Who of a start gets a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// The main process alone.
    Main,
    /// The main process's process group.
    Group,
    /// The session, the group and all descendants, also after setsid and double fork.
    Tree,
}

/// What the keeper reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// The process runs its program: `execve` succeeded.
    Spawned {
        /// Whose process it is.
        name: ProfileName,
        /// Which start this is.
        ticket: Ticket,
        /// The process.
        id: ProcId,
    },
    /// There is no process.
    SpawnFailed {
        /// Whose process it would have been.
        name: ProfileName,
        /// Which start this was.
        ticket: Ticket,
        /// How far it got.
        stage: Stage,
        /// Why it got no further.
        error: SpawnError,
    },
    /// A main process ended, and has been collected.
    Exited {
        /// Whose process it was.
        name: ProfileName,
        /// The start that it belonged to.
        ticket: Ticket,
        /// The process.
        id: ProcId,
        /// How it ended.
        exit: Exit,
        /// Processes of the same start that still live; at most [`REMAINS_MAX`] are named.
        remains: Vec<ProcId>,
    },
    /// The output file could not be opened; the process was started, and what it says is lost.
    OutputLost {
        /// Whose output it is.
        name: ProfileName,
        /// Why: an `errno`.
        errno: i32,
    },
    /// Nothing of this start lives any more.
    Gone {
        /// Whose start it was.
        name: ProfileName,
        /// The start.
        ticket: Ticket,
    },
}

/// How many left-over processes a report names.
pub const REMAINS_MAX: usize = 8;

/// The steps of a start, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stage {
    /// Looking the user and group up.
    User,
    /// Opening the output file.
    Output,
    /// Making the process.
    Clone,
    /// Making it leader of its own session.
    Session,
    /// Resource limits.
    Limits,
    /// Niceness.
    Nice,
    /// Groups, group and user.
    Credentials,
    /// Changing to the working directory.
    Directory,
    /// Standard input, output and error.
    Descriptors,
    /// `execve` of `run`.
    Exec,
}

/// Why a start failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpawnError {
    /// The kernel said so: an `errno`.
    Errno(i32),
    /// There is no such user or group.
    Unknown(String),
    /// The kernel has refused what a setting says.
    Setting {
        /// What it says.
        value: String,
        /// Why it is refused: an `errno`.
        errno: i32,
    },
    /// The program's file is there, but is none that the kernel executes: why, a predicate.
    Unfit(String),
}
