//! What a machine knows in every state: its settings, what is wanted of it, what happened to it.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::exit::Exit;
use crate::hook::EXITS_COUNTED;
use crate::ids::ProcId;
use crate::profile::{Policy, Profile};

use super::consult::KnownHooks;
use super::decisions::DECISIONS_KEPT;
use super::event::Order;
use super::history::{Ring, Transition};
use super::imprint::Imprint;
use super::remembered::Cause;
use super::status::{Decided, Decision};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The shape that the files last gave, under this supervisor or an earlier one.
    pub(super) shape: Option<Imprint>,
    /// Why the newest files are not in force.
    pub(super) trouble: Option<Box<str>>,
    /// What a record has told of the policy, for want of settings.
    pub(super) policy_then: Option<Box<Policy>>,
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
    /// Whether the last of `exits` is that of the last start.
    pub(super) has_ended: bool,
    /// The end that was in this step.
    pub(super) fresh_end: Option<Ended>,
    /// What tells the record from what it should say.
    pub(super) written: u64,
    pub(super) known_hooks: KnownHooks,
    /// What the last end or stop came from; and why, in words.
    pub(super) cause: Cause,
    pub(super) reason: String,
    /// Why the state changes next, in words; empty once it has.
    pub(super) turn: Cow<'static, str>,
    /// What a hook said that has just had the profile stopped.
    pub(super) told_by: Option<String>,
    /// The next start asks no `on_start`.
    pub(super) force: bool,
    pub(super) decisions: Ring<Decision, DECISIONS_KEPT>,
    /// How many there were, under this supervisor.
    pub(super) decided: Decided,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self {
            profile: None,
            shape: None,
            trouble: None,
            policy_then: None,
            want: Want::Up,
            ordered: false,
            failures: 0,
            deaths: Vec::new(),
            starts: 0,
            history: Ring::new(),
            exits: Ring::new(),
            unasked: Ring::new(),
            has_ended: false,
            fresh_end: None,
            written: 0,
            known_hooks: KnownHooks::default(),
            cause: Cause::None,
            reason: String::new(),
            turn: Cow::Borrowed(""),
            told_by: None,
            force: false,
            decisions: Ring::new(),
            decided: Decided::default(),
        }
    }

    /// The policy in force: the last good one, or the standard one where there never was a good one.
    pub(super) fn policy(&self) -> &Policy {
        static STANDARD: LazyLock<Policy> = LazyLock::new(Policy::default);
        let of_record = || self.policy_then.as_deref().unwrap_or(&STANDARD);
        self.profile.as_ref().map_or_else(of_record, |profile| &profile.policy)
    }

    pub(super) fn is_oneshot(&self) -> bool {
        self.profile.as_ref().is_some_and(|profile| profile.shape.oneshot)
    }

    pub(super) fn accept(&mut self, now: Moment, profile: Arc<Profile>) {
        let is_down = profile.policy.down;
        if self.profile.as_ref().is_some_and(|old| old.policy.down != is_down) {
            self.note_down(now, is_down);
        }
        self.shape = Some(Imprint::of(&profile.shape));
        self.profile = Some(profile);
        self.trouble = None;
    }

    /// Whether the process would be another one by these settings than by those that the files last gave; `None` if
    /// they never gave any.
    pub(super) fn differs(&self, new: &Profile) -> Option<bool> {
        self.shape.map(|shape| shape != Imprint::of(&new.shape))
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
        self.has_ended = true;
        self.fresh_end = Some(ended);
        self.exits.push(ended);
    }

    /// Notes what a stop or an end comes from.
    pub(super) fn because(&mut self, cause: Cause, reason: String) {
        self.cause = cause;
        self.reason = reason;
    }

    pub(super) fn forgive(&mut self) {
        self.failures = 0;
        self.deaths.clear();
    }

    /// An order to start or to restart is in force.
    pub(super) fn obey_start(&mut self, order: Order) {
        self.obey(Want::Up);
        self.force = order == Order::Start { force: true };
        self.for_reason(if order == Order::Restart { "told to restart" } else { "told to start" });
    }

    /// The supervisor drains. That is nobody's order, so the next supervisor starts afresh.
    pub(super) const fn drain(&mut self) {
        self.force = false;
        if !matches!(self.want, Want::Gone) {
            self.want = Want::Down;
            self.ordered = false;
        }
    }
}
