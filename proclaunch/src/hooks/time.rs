//! The time that hooks see: the real one, or the virtual one of a test.
//!
//! Everything that waits does so on tokio's clock. On a paused runtime (`tokio::time::pause`) that clock jumps to the
//! next thing that is due, so that hours pass in milliseconds; this type makes the wall clock follow.
//!
//! **Invariant:** no file of the hooks reads a clock but through here, budgets of CPU excepted, which are real always.

use std::time::Duration;

use tokio::time::Instant;

use crate::sys::clock::{self, LocalTime};

/// How long the machine of a test is up when the test begins: processes can be older than that.
pub(crate) const UP: Duration = Duration::from_secs(10_000_000);

/// Where hooks get the time from.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// From the machine.
    Real,
    /// From a paused runtime.
    Virtual {
        /// The wall clock at `since`, in milliseconds since 1970 UTC.
        wall: i64,
        /// When the test began.
        since: Instant,
    },
}

impl Clock {
    /// The clock of a test that begins now, as its paused runtime counts, and at `wall` milliseconds since 1970 UTC.
    pub fn paused_at(wall: i64) -> Self {
        Self::Virtual { wall, since: Instant::now() }
    }

    /// The wall clock in milliseconds since 1970 UTC.
    pub fn wall(&self) -> i64 {
        match self {
            Self::Real => clock::wall_clock(),
            Self::Virtual { wall, since } => {
                wall.saturating_add(i64::try_from(since.elapsed().as_millis()).unwrap_or(i64::MAX))
            }
        }
    }

    /// A clock that only goes forward.
    pub fn monotonic(&self) -> Duration {
        match self {
            Self::Real => Duration::from_nanos(clock::now().as_nanos()),
            Self::Virtual { since, .. } => UP + since.elapsed(),
        }
    }

    /// What the clocks on the walls of this place show. A test is nowhere: there it is UTC.
    pub fn local(&self) -> Option<LocalTime> {
        let seconds = self.wall().div_euclid(1000);
        match self {
            Self::Real => clock::local_time(seconds),
            Self::Virtual { .. } => clock::utc_time(seconds),
        }
    }

    /// Waits.
    pub async fn wait(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Lets others have their turn. In a test that takes no time: what a script computes would move the clock.
    pub(super) async fn rest(&self, time: Duration) {
        match self {
            Self::Real => tokio::time::sleep(time).await,
            Self::Virtual { .. } => tokio::task::yield_now().await,
        }
    }
}
