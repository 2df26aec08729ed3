//! What can happen to a profile, and what its machine can want done.

use std::sync::Arc;
use std::time::Duration;

use crate::exit::Exit;
use crate::hook::{Happening, Hook, Hooks, Outcome as HookOutcome, Question, QuestionId, Wish};
use crate::ids::{ProcId, Ticket};
use crate::log::Said;
use crate::process::{Scope, SpawnError, Stage};
use crate::profile::{Fingerprint, Profile, Variable};
use crate::signal::Signal;

use super::found::Recalled;
use super::memory::{Ended, Want};
use super::remembered::Remembered;

/// Into a machine.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The first event: what an earlier supervisor remembered of this profile, if there was one.
    Begin(Option<Box<Recalled>>),
    /// The profile's files are good, and this is what they say.
    Settings(Arc<Profile>),
    /// The profile's files are bad, for this reason.
    BadSettings(Box<str>),
    /// The profile's directory is gone.
    Removed,
    /// The supervisor drains.
    Drain,
    /// An operator wants something.
    Order(Order),
    /// A process was started.
    Spawned {
        /// Which start.
        ticket: Ticket,
        /// The process.
        id: ProcId,
    },
    /// A process could not be started.
    SpawnFailed {
        /// Which start.
        ticket: Ticket,
        /// How far it got.
        stage: Stage,
        /// Why no further.
        error: SpawnError,
    },
    /// The pid file was looked at.
    PidFile(Look),
    /// A main process ended.
    Exited {
        /// Which start.
        ticket: Ticket,
        /// The process.
        id: ProcId,
        /// How it ended.
        exit: Exit,
        /// What still lives of the start.
        remains: Vec<ProcId>,
    },
    /// Nothing of a start lives any more.
    Gone {
        /// Which start.
        ticket: Ticket,
    },
    /// The hook files of this digest were loaded, and this is what they are.
    HooksLoaded(Fingerprint, Arc<Hooks>),
    /// A question to a hook was answered, or will not be.
    Decided {
        /// Which question.
        id: QuestionId,
        /// Which hook.
        hook: Hook,
        /// What became of it.
        outcome: HookOutcome,
    },
    /// A hook wants something done.
    Wished {
        /// Which hook.
        hook: Hook,
        /// What it wants.
        wish: Wish,
    },
    /// The deadline has passed.
    Timeout,
}

/// What an operator can want of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// Be up.
    Start {
        /// Without asking `on_start`, also if that is broken or switched off.
        force: bool,
    },
    /// Be down.
    Stop,
    /// Stop, then start.
    Restart,
    /// Send the reload signal.
    Reload,
    /// Send this signal.
    Signal(Signal),
}

impl Order {
    /// The want that the order puts in force, if it does.
    pub const fn want(self) -> Option<Want> {
        match self {
            Self::Start { .. } | Self::Restart => Some(Want::Up),
            Self::Stop => Some(Want::Down),
            Self::Reload | Self::Signal(_) => None,
        }
    }
}

/// What a look at a pid file found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// There is no such file.
    Absent,
    /// There is one, but it names nothing that lives, for this reason: it is left from an earlier life.
    Stale(String),
    /// There is one, but it is not believed, for this reason.
    Rejected(String),
    /// It names a live process.
    Names {
        /// The process.
        id: ProcId,
        /// How long it has been up.
        up: Duration,
    },
}

/// Out of a machine.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Start a process; answered by `Spawned` or `SpawnFailed`.
    Spawn {
        /// Which start.
        ticket: Ticket,
        /// By these settings.
        profile: Arc<Profile>,
        /// With these variables besides.
        variables: Vec<Variable>,
    },
    /// Take a live process over; its end is reported as `Exited`.
    Adopt {
        /// Which start it belongs to.
        ticket: Ticket,
        /// The process.
        id: ProcId,
    },
    /// Send a signal; no answer.
    Signal {
        /// To what lives of this start.
        ticket: Ticket,
        /// To whom of it.
        scope: Scope,
        /// What to send.
        signal: Signal,
    },
    /// SIGKILL everything of a start until nothing is left; answered by `Gone`.
    KillTree {
        /// Which start.
        ticket: Ticket,
    },
    /// Say `Gone` when nothing of a start is left.
    Watch {
        /// Which start.
        ticket: Ticket,
    },
    /// Forget a start.
    Release {
        /// Which start.
        ticket: Ticket,
    },
    /// Look at the pid file; answered by `PidFile`.
    LookAtPidFile(Arc<Profile>),
    /// Remove the pid file, which names nothing that lives.
    RemovePidFile(Arc<Profile>),
    /// Load the hook files; answered by `HooksLoaded`.
    LoadHooks(Arc<Profile>),
    /// Ask a hook; answered by `Decided`, or not at all.
    Consult(Box<Question>),
    /// A question is of no interest any more.
    Lapse(QuestionId),
    /// Write the record.
    Remember(Box<Remembered>),
    /// Write a line.
    Log(Said),
    /// Tell others what has happened.
    Happened(Box<Happened>),
}

/// What has happened to a profile, for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// What.
    pub what: Happening,
    /// The main process, while it lives.
    pub id: Option<ProcId>,
    /// How the main process ended, if that is what happened.
    pub exit: Option<Ended>,
}
