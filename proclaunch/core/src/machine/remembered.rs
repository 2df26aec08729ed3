//! What is written down of a machine, so that a later supervisor goes on as if nothing had been.
//!
//! Moments are those of the kernel's monotonic clock: they stay comparable within a boot, and a record does not
//! outlive its boot. What the files say is not written down: it is read again, and compared by its digest.
//!
//! **Invariant:** any value of these types can be recalled; none makes a machine panic, or start a process twice.

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::exit::Exit;
use crate::hook::Hook;
use crate::ids::{ProcId, Ticket};
use crate::process::Scope;
use crate::profile::{Kill, Policy, StopStep, Variable};
use crate::signal::Signal;

use super::health::{Counted, Health};
use super::history::Transition;
use super::imprint::Imprint;
use super::memory::{Ended, Rest, Want};
use super::state::Then;
use super::status::Decision;

/// The longest text that is written down, in bytes: a reason is for people.
pub(super) const TEXT_MAX: usize = 512;

/// How many bytes the variables of an `on_start` may have to be written down; of more, it is asked again.
pub(super) const VARIABLES_MAX: usize = 8 * 1024;

/// How many of the deaths that `give_up` counts are written down: the newest.
pub(super) const DEATHS_MAX: usize = 1024;

/// What is written down of a machine, for a supervisor that comes later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The want, if an order put it in force.
    #[serde(default)]
    pub order: Option<Want>,
    /// Its directory was gone, and it was being stopped for that.
    #[serde(default)]
    pub is_gone: bool,
    /// The next start asks no `on_start`, by order.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
    /// Where it was in its life.
    #[serde(default)]
    pub phase: Phase,
    /// The shape that the files last gave.
    #[serde(default)]
    pub shape: Option<Imprint>,
    /// What happened to it.
    #[serde(default)]
    pub past: Past,
    /// What was known of its hooks.
    #[serde(default)]
    pub hooks: Option<HooksThen>,
    /// How it was to be stopped, if not in the standard way: its directory may be gone by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<StopThen>,
    /// Signals that were decided on together with the phase: sent, unless the supervisor was killed in that moment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owed: Vec<(Scope, Signal)>,
}

/// The settings of a stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopThen {
    /// `stop_signal` and `stop_timeout`.
    pub steps: Box<[StopStep]>,
    /// `kill`.
    pub kill: Kill,
}

impl StopThen {
    /// Those of a policy, if they are not the standard ones.
    pub(super) fn of(policy: &Policy) -> Option<Self> {
        let Policy { stop, kill, .. } = policy;
        let standard = Policy::default();
        let is_standard = *stop == standard.stop && *kill == standard.kill;
        (!is_standard).then(|| Self { steps: stop.clone(), kill: *kill })
    }

    /// The standard policy but for these.
    pub(super) fn into_policy(self) -> Policy {
        let standard = Policy::default();
        let stop = if self.steps.is_empty() { standard.stop.clone() } else { self.steps };
        Policy { stop, kill: self.kill, ..standard }
    }
}

/// Where a profile was in its life.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It begins as its files say.
    #[default]
    Fresh,
    /// Its `down` file holds it.
    Down,
    /// It was stopped by order.
    Ordered,
    /// It could not be started: its settings or its `on_start` are bad.
    Held,
    /// It has ended, and is not to be started again by itself.
    Rest(Rest),
    /// It was about to be started.
    Due,
    /// It is to be started at a moment.
    Backoff {
        /// When.
        until: Moment,
    },
    /// `should_restart` was asked.
    Deciding {
        /// What follows without an answer.
        then: Then,
    },
    /// It waits for `on_start`.
    Gate {
        /// How often it was told to wait.
        tries: u32,
        /// When to ask again; `None`: it was asked.
        again: Option<Moment>,
        /// The reason that was said last.
        said: String,
    },
    /// The keeper was asked for a process, or was about to be asked.
    Launching {
        /// The start.
        start: Start,
        /// When the keeper should have answered.
        until: Moment,
        /// What `on_start` has added to the environment; `None` if that is too much to be written down.
        variables: Option<Vec<Variable>>,
        /// `on_start` was not asked, by order.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_forced: bool,
    },
    /// `run` was started, and its daemon is awaited.
    Daemonizing {
        /// The start.
        start: Start,
        /// `run` itself, while it lives.
        launcher: Option<ProcId>,
        /// When the daemon should be there.
        until: Moment,
    },
    /// The process lives, and `ready` has not said yes.
    Readying {
        /// The start.
        start: Start,
        /// The process.
        id: ProcId,
        /// When it should be ready.
        until: Moment,
    },
    /// The process runs.
    Running {
        /// The start.
        start: Start,
        /// The process.
        id: ProcId,
        /// What was asked of its hooks.
        attention: Option<AttentionThen>,
    },
    /// What lives of a start was being ended.
    Stopping {
        /// The start.
        start: Start,
        /// The main process, while it lived.
        main: Option<ProcId>,
        /// How the main process ended.
        exit: Option<(ProcId, Exit)>,
        /// Whether it was told to stop.
        asked: bool,
        /// What follows.
        then: Then,
        /// Whether `should_restart` was asked.
        deciding: bool,
        /// How far it was.
        step: Step,
    },
}

/// One start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Which.
    pub ticket: Ticket,
    /// When the process began to run, or was asked for; unknown to a record of version 1.
    pub since: Option<Moment>,
    /// The shape that it was made with.
    pub shape: Option<Imprint>,
    /// Whether it was to write a pid file.
    pub daemonizes: bool,
}

/// What hooks were asked of a process that runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttentionThen {
    /// Since when it was ready.
    pub ready: Moment,
    /// What the checks said.
    pub health: Health,
    /// A decision was taken on what was counted, and it was to let it run on.
    pub forgiven: bool,
    /// What each check has counted.
    pub checks: Vec<Counted>,
    /// Whether `on_change` was asked.
    pub is_changing: bool,
    /// Whether `should_restart` was asked because it is unhealthy.
    pub is_judged: bool,
}

/// How far a stop was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The keeper had not said whether there is a process.
    Unborn {
        /// When it should have.
        until: Moment,
    },
    /// Before the first signal.
    Farewell {
        /// Who gets it.
        scope: Scope,
        /// When it is sent.
        until: Moment,
        /// Whether `on_stop` was asked, and had not answered.
        asked: bool,
    },
    /// The signals are being sent.
    Signalled {
        /// Who gets them.
        scope: Scope,
        /// Which of the sequence was sent last.
        step: u32,
        /// When the first was sent.
        since: Moment,
        /// When the next is due.
        until: Moment,
    },
    /// SIGKILL was sent.
    Killing {
        /// Whether to everything, and not to the main process alone.
        whole_tree: bool,
        /// When it was first sent.
        since: Moment,
        /// Whether it was said that it does not work.
        said: bool,
    },
}

/// What happened to a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// How many starts were tried.
    pub starts: u64,
    /// Unplanned deaths since the last good run.
    pub failures: u32,
    /// The unplanned deaths that `give_up` still counts, oldest first.
    pub deaths: Vec<Moment>,
    /// The last ends of the main process, oldest first.
    pub exits: Vec<Ended>,
    /// Whether the last of them is that of the last start.
    pub has_ended: bool,
    /// The last changes of the public state, oldest first.
    pub history: Vec<Transition>,
    /// When the main process ended unasked, oldest first.
    pub unasked: Vec<Moment>,
    /// What the last end or stop came from.
    pub cause: Cause,
    /// Why, in words.
    pub reason: String,
    /// The last decisions, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
}

/// What an end or a stop came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is its own word")]
pub enum Cause {
    #[default]
    None,
    Died,
    Unhealthy,
    Changed,
    Order,
}

impl Cause {
    /// The word that hooks are told.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Died => "died",
            Self::Unhealthy => "unhealthy",
            Self::Changed => "changed",
            Self::Order => "order",
        }
    }
}

/// What was known of hooks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HooksThen {
    /// Which files were in force: of others, nothing of this is true.
    pub files: Option<Imprint>,
    /// Hooks that failed: how often in a row, and why they are switched off, if they are.
    pub strikes: Vec<(Hook, u32, Option<String>)>,
}

impl Phase {
    /// The start that something may live of.
    pub const fn start(&self) -> Option<Start> {
        match self {
            Self::Fresh
            | Self::Down
            | Self::Ordered
            | Self::Held
            | Self::Rest(_)
            | Self::Due
            | Self::Backoff { .. }
            | Self::Deciding { .. }
            | Self::Gate { .. } => None,
            Self::Launching { start, .. }
            | Self::Daemonizing { start, .. }
            | Self::Readying { start, .. }
            | Self::Running { start, .. }
            | Self::Stopping { start, .. } => Some(*start),
        }
    }

    /// The main process, or a daemon's launcher, that was alive.
    pub const fn main(&self) -> Option<ProcId> {
        match self {
            Self::Readying { id, .. } | Self::Running { id, .. } => Some(*id),
            Self::Daemonizing { launcher, .. } => *launcher,
            Self::Stopping { main, .. } => *main,
            Self::Fresh
            | Self::Down
            | Self::Ordered
            | Self::Held
            | Self::Rest(_)
            | Self::Due
            | Self::Backoff { .. }
            | Self::Deciding { .. }
            | Self::Gate { .. }
            | Self::Launching { .. } => None,
        }
    }

    /// Whether the process was named already that the start began with.
    pub(super) const fn knows_process(&self) -> bool {
        match self {
            Self::Daemonizing { .. } | Self::Readying { .. } | Self::Running { .. } => true,
            Self::Stopping { main, exit, .. } => main.is_some() || exit.is_some(),
            Self::Fresh
            | Self::Down
            | Self::Ordered
            | Self::Held
            | Self::Rest(_)
            | Self::Due
            | Self::Backoff { .. }
            | Self::Deciding { .. }
            | Self::Gate { .. }
            | Self::Launching { .. } => false,
        }
    }
}
