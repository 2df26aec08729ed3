//! What others are told of a machine: plain data, from which every status line and every metric is made.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::fleet::Standing;
use crate::hook::Hook;
use crate::ids::{ProcId, Ticket};

use super::health::Health;
use super::memory::{Ended, Want};
use super::remembered::Cause;
use super::state::StateName;

/// A machine at one moment. What depends on the time of reading is a [`Moment`] here.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// The public state.
    pub state: StateName,
    /// The private part of the state, one word: `idle`, `backoff`, `asking`, `launching`, `waiting`, ...
    pub phase: &'static str,
    /// The order in force.
    pub want: Want,
    /// How it stands against that.
    pub standing: Standing,
    /// What the checks say.
    pub health: Health,
    /// The main process, while it lives.
    pub process: Option<ProcId>,
    /// The start that it, or what is left of it, belongs to.
    pub ticket: Option<Ticket>,
    /// Since when the process runs.
    pub since: Option<Moment>,
    /// Since when it is ready.
    pub ready_since: Option<Moment>,
    /// Since when it is in its public state, if that is remembered.
    pub state_since: Option<Moment>,
    /// How many starts were tried.
    pub starts: u64,
    /// Unplanned deaths since the last good run.
    pub failures: u32,
    /// How the last process ended.
    pub exit: Option<Ended>,
    /// What the last end or stop came from; and why, in words.
    pub cause: Cause,
    /// The same in words.
    pub reason: String,
    /// Why it is as it is, for people: `died 4 times, exit 1`.
    pub why: String,
    /// What comes by itself, and when.
    pub next: Option<Next>,
    /// Whether the files differ from what runs.
    pub changed: bool,
    /// Why the newest files are not in force, if they are not.
    pub trouble: Option<String>,
    /// Hooks that are not called any more, or were never good, and why.
    pub hooks_off: Vec<(Hook, String)>,
    /// Whether there are health checks in force.
    pub has_checks: bool,
    /// How many decisions were taken.
    pub decided: Decided,
}

/// How many decisions were taken under this supervisor, by who took them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// By orders.
    pub orders: u32,
    /// By setting files.
    pub settings: u32,
    /// By hooks.
    pub hooks: u32,
    /// By nobody else.
    pub defaults: u32,
}

/// What comes by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Next {
    /// In words: `next try`, `SIGKILL`, `start fails`.
    pub what: String,
    /// When.
    pub at: Moment,
}

/// One decision that a machine has taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// When.
    pub at: Moment,
    /// What was decided: `restarts in 0.4 s`, `stops`, `gives up`.
    pub what: String,
    /// Who decided.
    pub by: By,
    /// What the decision was taken on: `exit 1 after 0.2 s, 3 deaths in a row`.
    pub inputs: String,
    /// Why, in words.
    pub reason: String,
}

/// Who took a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// An order.
    Order,
    /// A setting file of this name.
    Setting(String),
    /// A hook.
    Hook(Hook),
    /// Nobody else: what the core does alone.
    Default,
}

/// What one possible next event would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// The event: `exits with 0`, `is told to stop`, `backoff is over`.
    pub event: String,
    /// What would follow, in words.
    pub then: String,
    /// How long until it comes by itself, if it does.
    pub within: Option<Duration>,
}

/// Why a machine is as it is, and what comes next.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// As it is.
    pub status: Status,
    /// The last decisions, oldest first.
    pub decisions: Vec<Decision>,
    /// What each possible next event would do.
    pub outlook: Vec<Outlook>,
}
