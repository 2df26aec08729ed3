//! What a machine knows in every state: its settings, what is wanted of it, what happened to it.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::exit::Exit;
use crate::hook::EXITS_COUNTED;
use crate::ids::{ProcId, Ticket};
use crate::profile::{Policy, Profile};

use super::consult::Known;
use super::history::{Ring, Transition};

/// The order in force, kept apart from the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// Run.
    Up,
    /// Do not run.
    Down,
    /// Stop, and be forgotten.
    Gone,
}

/// What is written down of a machine, for a supervisor that comes later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Remembered {
    /// The want, if an order put it in force.
    #[serde(default)]
    pub order: Option<Want>,
    /// The process that runs.
    #[serde(default)]
    pub process: Option<Main>,
    /// It has ended, and is not to be started again by itself.
    #[serde(default)]
    pub rest: Option<Rest>,
}

/// The main process of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Main {
    /// Which start.
    pub ticket: Ticket,
    /// The process.
    pub id: ProcId,
}

/// Why a profile that may run is not started again by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// A oneshot that did its work.
    Done,
    /// It ended, and its `restart` file does not have it started again.
    Dead,
    /// It ended too often.
    GaveUp,
}

/// One end of one main process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Moment,
    /// Which process.
    pub id: ProcId,
    /// How.
    pub exit: Exit,
    /// How long it ran.
    pub after: Duration,
    /// Whether it was told to end.
    pub requested: bool,
}

/// What is valid in every state.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    /// The last good settings.
    pub(super) profile: Option<Arc<Profile>>,
    /// Why the newest files are not in force.
    pub(super) trouble: Option<Box<str>>,
    pub(super) want: Want,
    /// Whether `want` was put in force by an order, so that it outlives this supervisor.
    pub(super) ordered: bool,
    /// Unplanned deaths since the last good run.
    pub(super) failures: u32,
    /// The unplanned deaths that `give_up` still counts, oldest first.
    pub(super) deaths: Vec<Moment>,
    pub(super) starts: u64,
    pub(super) history: Ring<Transition, 16>,
    pub(super) exits: Ring<Ended, 8>,
    /// When the main process ended unasked, as far back as hooks can count.
    pub(super) unasked: Ring<Moment, EXITS_COUNTED>,
    /// What the record says.
    pub(super) written: Remembered,
    pub(super) known_hooks: Box<Known>,
    /// What the last end or stop came from: `died`, `unhealthy`, `changed`, `order`; and why, in words.
    pub(super) cause: &'static str,
    pub(super) reason: String,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            profile: None,
            trouble: None,
            want: Want::Up,
            ordered: false,
            failures: 0,
            deaths: Vec::new(),
            starts: 0,
            history: Ring::new(),
            exits: Ring::new(),
            unasked: Ring::new(),
            written: Remembered::default(),
            known_hooks: Box::default(),
            cause: "",
            reason: String::new(),
        }
    }

    /// The policy in force: the last good one, or the standard one where there never was a good one.
    pub(super) fn policy(&self) -> &Policy {
        static STANDARD: LazyLock<Policy> = LazyLock::new(Policy::default);
        self.profile.as_ref().map_or(&*STANDARD, |profile| &profile.policy)
    }

    pub(super) fn is_oneshot(&self) -> bool {
        self.profile.as_ref().is_some_and(|profile| profile.shape.oneshot)
    }

    pub(super) fn accept(&mut self, profile: Arc<Profile>) {
        self.profile = Some(profile);
        self.trouble = None;
    }

    /// Puts an order in force. Orders never count as failures, and what counted before them is forgotten.
    pub(super) fn obey(&mut self, want: Want) {
        self.want = want;
        self.ordered = true;
        self.forgive();
    }

    /// A main process ended.
    pub(super) fn ended(&mut self, ended: Ended) {
        if !ended.requested {
            self.unasked.push(ended.at);
        }
        self.exits.push(ended);
    }

    /// Notes what a stop or an end comes from.
    pub(super) fn because(&mut self, cause: &'static str, reason: String) {
        self.cause = cause;
        self.reason = reason;
    }

    pub(super) fn forgive(&mut self) {
        self.failures = 0;
        self.deaths.clear();
    }

    /// The supervisor drains. That is nobody's order, so the next supervisor starts afresh.
    pub(super) const fn drain(&mut self) {
        if !matches!(self.want, Want::Gone) {
            self.want = Want::Down;
            self.ordered = false;
        }
    }
}
