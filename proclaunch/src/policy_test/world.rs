//! What a test's script, its hooks and its driver have in common.
//!
//! **Invariant:** nothing here waits, and nothing is borrowed across a wait.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use super::facts::Facts;
use super::processes::Processes;
use super::script::Script;
use super::timeline::Timeline;
use super::watch::Watch;
use crate::hooks::time::UP;
use crate::hooks::{Clock, Fleet, Snapshot};

/// The wall clock at the beginning of every test: 2026-01-05 00:00:00 UTC, a Monday, in milliseconds since 1970.
pub(super) const MONDAY: i64 = 1_767_571_200_000;

/// The world of one test.
#[derive(Debug)]
pub(super) struct World {
    pub(super) clock: Clock,
    /// The directory of the profile.
    pub(super) dir: PathBuf,
    pub(super) watch: Rc<Watch>,
    pub(super) timeline: RefCell<Timeline>,
    pub(super) facts: RefCell<Facts>,
    pub(super) script: RefCell<Script>,
    pub(super) processes: RefCell<Processes>,
    /// What hooks are told of all profiles.
    pub(super) fleet: Fleet,
    /// The other profiles, as the script has them.
    pub(super) others: RefCell<Snapshot>,
    /// What is wrong with a function of the script: it fails the test, not the hook.
    pub(super) fault: RefCell<Option<String>>,
}

impl World {
    /// A world that begins now, as the paused runtime counts.
    pub(super) fn new(dir: PathBuf, watch: Rc<Watch>) -> Rc<Self> {
        Rc::new(Self {
            clock: Clock::paused_at(MONDAY),
            dir,
            watch,
            timeline: RefCell::default(),
            facts: RefCell::default(),
            script: RefCell::default(),
            processes: RefCell::default(),
            fleet: Fleet::default(),
            others: RefCell::default(),
            fault: RefCell::default(),
        })
    }

    /// Time since the beginning.
    pub(super) fn now(&self) -> Duration {
        self.clock.monotonic().saturating_sub(UP)
    }

    /// Notes something in the time line.
    pub(super) fn note(&self, kind: &'static str, text: String) {
        self.timeline.borrow_mut().push(self.now(), kind, text);
    }

    /// Notes what is wrong with a function of the script.
    pub(super) fn blame(&self, why: &str) {
        self.fault.borrow_mut().get_or_insert_with(|| why.to_owned());
    }
}
