//! What the supervisor asks of the keeper, and what the keeper reports: plain serialisable data, so that a socket
//! can stand between them.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use proclaunch_core::clock::Moment;
use proclaunch_core::exit::Exit;
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
    /// What it is to its profile.
    pub kind: Kind,
    /// Where its standard input comes from.
    pub input: Input,
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

/// What a process is to its profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Its `run`.
    Service,
    /// Something that a hook has executed, and waits for.
    Command,
    /// Its `log_run`, which reads what the service writes.
    LogRun,
}

/// Where the standard input of a process comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// There is none.
    Null,
    /// This FIFO, opened for reading. Somebody has it open for writing.
    Fifo(PathBuf),
}

/// Where the output of a process goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output {
    /// Both to a file, appended; its directory is made if missing.
    File(PathBuf),
    /// Both to this FIFO, opened for reading and writing, so that it never loses its reader.
    Fifo(PathBuf),
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
    /// The profile is gone: let go of the FIFO that it has written to. No answer.
    ForgetOutput {
        /// Whose it was.
        name: ProfileName,
    },
    /// Nothing more of this start is of interest: forget its ticket, leave alone what lives of it.
    Release {
        /// The start.
        ticket: Ticket,
    },
}

/// What the keeper holds of a start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Whose start it is.
    pub name: ProfileName,
    /// The start.
    pub ticket: Ticket,
    /// What it is to its profile.
    pub kind: Kind,
    /// Its main process, while it lives.
    pub main: Option<ProcId>,
    /// How its last main process ended.
    pub ended: Option<HeldEnd>,
}

/// The end of a main process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldEnd {
    /// The process.
    pub id: ProcId,
    /// How it ended.
    pub exit: Exit,
    /// When it was collected.
    pub at: Moment,
}

/// The version of what keeper and supervisor tell each other. Both are the same program, so that another one is
/// never met but by mistake.
pub const VERSION: u32 = 3;

/// From the supervisor to the keeper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToKeeper {
    /// Do this. The ends of [`Pipes`] come with a start that has them.
    Request(Request),
    /// Everything is in place: what comes next is supervision.
    Ready,
    /// There will be no supervisor, for this reason: an exit code, and what completes "failed to ...".
    Failed {
        /// The exit code.
        code: u8,
        /// Why.
        message: String,
    },
    /// So many signals were taken and acted on, so that a successor need not have them.
    Took(u32),
    /// Replace this program by what its file holds now.
    Upgrade,
    /// The supervisor ends now, and so shall the keeper.
    End {
        /// The exit code.
        code: u8,
        /// Whether services live on, and somebody has to read what they write.
        stay: bool,
    },
}

/// From the keeper to the supervisor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToSupervisor {
    /// Comes first.
    Hello(Hello),
    /// Something happened to a process.
    Report(Report),
    /// The keeper got a signal.
    Signal(Signal),
    /// It got one before this supervisor was, and the one that it was told to then may not have acted on it.
    SignalAgain(Signal),
    /// An upgrade was refused, for this reason.
    UpgradeRefused(String),
}

/// What a supervisor must know when it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`VERSION`] of the keeper.
    pub version: u32,
    /// The keeper's pid: the process that operators signal.
    pub keeper: i32,
    /// Whether it is the first supervisor of an instance that was started by an operator.
    pub is_first: bool,
    /// The logger, if there is one: it says hello itself only to the supervisor that is there when it starts.
    pub logger: Option<i32>,
    /// Every start that the keeper knows of.
    pub held: Vec<Held>,
}

/// A live process found by a pid file or a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The process.
    pub id: ProcId,
    /// How long ago it started.
    pub age: Duration,
}
