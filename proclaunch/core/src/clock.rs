//! Time as a value. The core never reads a clock: every step is told the moment it happens at.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A moment on the monotonic clock: nanoseconds since an origin that only the shell knows.
///
/// **Invariant:** arithmetic saturates; no input makes time overflow or run backwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Moment(u64);

impl Moment {
    /// The moment `nanos` nanoseconds after the origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The moment `duration` later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(nanos(duration)))
    }

    /// The moment `duration` earlier, or the origin.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(duration)))
    }

    /// The last moment that is no later and a multiple of `grid` after the origin.
    #[must_use]
    pub fn on_grid(self, grid: Duration) -> Self {
        let grid = nanos(grid);
        Self(if grid == 0 { self.0 } else { self.0 - self.0 % grid })
    }

    /// How long ago `earlier` was; zero if it is still to come.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
