//! Questions to hooks, and their answers: plain serialisable data, so that anything can stand between the core and
//! whoever runs the scripts.
//!
//! **Invariant:** a hook chooses among legal moves. No answer, and no lack of one, can prevent a stop, a removal, a
//! drain or a SIGKILL; whatever is missing, late or wrong is the built-in default.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::ids::ProcId;
use crate::profile::Variable;
use crate::signal::Signal;

/// A hook, by the file `NAME.lua` that it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hook {
    /// Before the spawn: a gate.
    OnStart,
    /// While starting, until it says yes.
    Ready,
    /// Once it runs.
    OnReady,
    /// While it runs, each check by its own schedule.
    Health,
    /// While it runs, every so often.
    OnTick,
    /// It died, or became unhealthy.
    ShouldRestart,
    /// Before the stop signal.
    OnStop,
    /// The process is gone.
    OnExit,
    /// The profile's files changed.
    OnChange,
    /// Something happened to the profile.
    OnEvent,
}

impl Hook {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 10] = [
        Self::OnStart,
        Self::Ready,
        Self::OnReady,
        Self::Health,
        Self::OnTick,
        Self::ShouldRestart,
        Self::OnStop,
        Self::OnExit,
        Self::OnChange,
        Self::OnEvent,
    ];

    /// The name of its file, without `.lua`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OnStart => "on_start",
            Self::Ready => "ready",
            Self::OnReady => "on_ready",
            Self::Health => "health",
            Self::OnTick => "on_tick",
            Self::ShouldRestart => "should_restart",
            Self::OnStop => "on_stop",
            Self::OnExit => "on_exit",
            Self::OnChange => "on_change",
            Self::OnEvent => "on_event",
        }
    }

    /// The hook of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.name() == name)
    }

    /// How long a call may take, waiting included, unless `hook_timeout` or a check says otherwise.
    pub const fn budget(self) -> Duration {
        Duration::from_secs(match self {
            Self::OnStart => 600,
            Self::OnStop => 60,
            Self::OnReady | Self::OnExit | Self::OnEvent => 30,
            Self::Ready | Self::Health | Self::OnTick => 5,
            Self::ShouldRestart | Self::OnChange => 1,
        })
    }

    /// Whether nobody waits for its answer: it is told of something that has happened.
    pub const fn is_only_told(self) -> bool {
        matches!(self, Self::OnReady | Self::OnExit | Self::OnEvent)
    }

    /// Whether a call may wait at all. Those that may not decide while something stands still.
    pub const fn may_wait(self) -> bool {
        !matches!(self, Self::ShouldRestart | Self::OnChange)
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// So many unasked ends of a profile are remembered for hooks to count.
pub const EXITS_COUNTED: usize = 64;

/// Which question: a number that is never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QuestionId(pub u64);

/// One call of one hook of one profile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Which question.
    pub id: QuestionId,
    /// Which hook.
    pub hook: Hook,
    /// Which of the health checks, in the order of the file.
    pub check: usize,
    /// How long the answer may take; the core acts on its own deadline.
    pub budget: Duration,
    /// What the hook is told.
    pub service: Service,
}

/// The service argument: what a hook is told of its profile. Ages and not moments, for clocks differ.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Service {
    /// `stopped`, `starting`, `running` or `stopping`.
    pub state: String,
    /// `up`, `down` or `gone`.
    pub want: String,
    /// `unknown`, `healthy` or `unhealthy`.
    pub health: String,
    /// The main process, while it lives.
    pub process: Option<ProcId>,
    /// How long it has run.
    pub uptime: Duration,
    /// How long it has been ready.
    pub ready_for: Duration,
    /// Starts after the first.
    pub restarts: u64,
    /// How the last process ended.
    pub exit: Option<LastExit>,
    /// `died`, `unhealthy`, `changed` or `order`.
    pub cause: String,
    /// Why, in words.
    pub reason: String,
    /// How long ago each of the last unasked ends was, oldest first; at most [`EXITS_COUNTED`].
    pub exit_ages: Vec<Duration>,
    /// The last changes of state, oldest first.
    pub history: Vec<Past>,
    /// Whether the files differ from what runs.
    pub changed: bool,
    /// For `on_event`: what happened.
    pub event: Option<Happening>,
}

/// How a process ended, as a hook is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastExit {
    /// How.
    pub exit: Exit,
    /// Whether the kernel ended it for want of memory.
    pub oom: bool,
    /// Whether it was told to end.
    pub requested: bool,
    /// How long it had run.
    pub uptime: Duration,
}

/// One change of state, as a hook is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// How long ago.
    pub age: Duration,
    /// From which state.
    pub from: String,
    /// To which state.
    pub to: String,
    /// By what.
    pub why: String,
}

/// What happened to a profile, for `on_event`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// `transition`, `health` or `gave_up`.
    pub kind: String,
    /// `info`, `warn` or `error`.
    pub level: String,
    /// From which state or health.
    pub from: String,
    /// To which.
    pub to: String,
    /// Why, in words.
    pub reason: String,
}

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// The hook answered.
    Answer(Answer),
    /// The hook raised an error, used its CPU or memory up, or answered something that is no answer; in words, with
    /// file and line.
    Failed(String),
    /// It waited past its budget.
    TimedOut,
}

/// An answer of the kind that the hook gives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Answer {
    /// No opinion, which is never "no".
    Nothing,
    /// `on_start`.
    Start(Gate),
    /// `ready`: yes, or not yet and why.
    Ready(Result<(), String>),
    /// `health`: healthy, or not and why.
    Health(Result<(), String>),
    /// `should_restart`.
    Restart(Verdict),
    /// `on_stop`.
    Stop(Farewell),
    /// `on_change`.
    Change(Change),
}

/// What `on_start` can say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Gate {
    /// Go, with these variables added.
    Go(Vec<Variable>),
    /// Not yet; asked again with backoff.
    NotYet(String),
    /// Asked again after this time.
    Again(Duration, String),
    /// This start has failed.
    Abort(String),
}

/// What `should_restart` can say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Verdict {
    /// Start it again, at once.
    Yes,
    /// Do not.
    No(String),
    /// Start it again after this time.
    After(Duration, String),
}

/// What `on_stop` can say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Farewell {
    /// Send the signal after this time, or when the process ends.
    Wait(Duration),
    /// Send this signal instead of the first one.
    Signal(Signal),
}

/// What `on_change` can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Restart it.
    Restart,
    /// Send the reload signal.
    Reload,
    /// Let it run as it is.
    Ignore,
}

/// What a hook asks the core for while it runs; granted where it is legal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Wish {
    /// Restart the profile.
    Restart(String),
    /// Stop the profile.
    Stop(String),
    /// Send its main process a signal.
    Signal(Signal, String),
    /// Drain the supervisor.
    Shutdown(String),
}

/// What the hook files of a profile turned out to be when they were loaded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Hooks {
    /// Those that can be called.
    pub loaded: Vec<Hook>,
    /// Those whose files are no good, with the reason. One that is loaded too is the last good version.
    pub broken: Vec<(Hook, String)>,
    /// The health checks, in the order of the file.
    pub checks: Vec<Schedule>,
    /// How often `on_tick` is called.
    pub tick: Option<Duration>,
}

impl Hooks {
    /// Whether this hook can be called.
    pub fn has(&self, hook: Hook) -> bool {
        self.loaded.contains(&hook)
    }
}

/// When a health check is made, and how it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Schedule {
    /// From the beginning of one check to the beginning of the next.
    pub every: Duration,
    /// How long one may take.
    pub timeout: Duration,
    /// Unhealthy at `bad` failures of the last `of`; with `bad` = `of`, in a row.
    pub bad: u32,
    /// At least `bad`.
    pub of: u32,
    /// How long after becoming ready a failure does not count.
    pub grace: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
            bad: 3,
            of: 3,
            grace: Duration::ZERO,
        }
    }
}
