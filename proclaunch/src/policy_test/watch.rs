//! What a test may use for real: a script that computes for ever, or a world that goes nowhere, is cut.
//!
//! **Invariant:** CPU is counted on the thread's own clock, so that a busy machine fails no test.

use std::cell::Cell;
use std::time::Duration;

use mlua::VmState;

use crate::sys::clock::thread_cpu;

/// How much CPU one test may use, unless something else is said.
pub(super) const CPU: Duration = Duration::from_secs(10);

/// How much more, where the script stands in code that cannot be left half-way.
const GRACE: Duration = Duration::from_millis(500);

/// How many steps may be made at one moment.
const STEPS_MAX: u32 = 20_000;

/// What one test has used.
#[derive(Debug)]
pub(super) struct Watch {
    began: Duration,
    budget: Duration,
    is_cut: Cell<bool>,
    moment: Cell<Duration>,
    steps: Cell<u32>,
}

impl Watch {
    /// Begins now.
    pub(super) fn new(budget: Duration) -> Self {
        Self {
            began: thread_cpu(),
            budget,
            is_cut: Cell::new(false),
            moment: Cell::new(Duration::MAX),
            steps: Cell::new(0),
        }
    }

    /// The CPU used so far.
    pub(super) fn used(&self) -> Duration {
        thread_cpu().saturating_sub(self.began)
    }

    /// Whether the script was told to yield for good.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut.get()
    }

    /// Why a test is cut, in words.
    pub(super) fn why(&self) -> String {
        format!("computed for {} s without an end", self.budget.as_secs_f64())
    }

    /// What the interpreter is to do, asked in the middle of a script.
    ///
    /// # Errors
    /// The script cannot be left half-way, and has had its time.
    pub(super) fn interrupt(&self) -> mlua::Result<VmState> {
        let used = self.used();
        if used < self.budget {
            return Ok(VmState::Continue);
        }
        self.is_cut.set(true);
        if used < self.budget + GRACE { Ok(VmState::Yield) } else { Err(mlua::Error::runtime(self.why())) }
    }

    /// Counts a step of the world.
    ///
    /// # Errors
    /// It has gone nowhere for too long.
    pub(super) fn step(&self, now: Duration) -> Result<(), String> {
        if self.moment.replace(now) != now {
            self.steps.set(0);
        }
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > STEPS_MAX {
            return Err(format!("{STEPS_MAX} things have happened at one moment: the world goes nowhere"));
        }
        if self.used() > self.budget {
            return Err(self.why());
        }
        Ok(())
    }
}
