//! How a process ended.

use serde::{Deserialize, Serialize};

use crate::signal::Signal;

/// How a process ended, as `wait(2)` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Exit {
    /// It called `exit` with this code, 0 to 255.
    Code(u8),
    /// A signal ended it.
    Signal {
        /// The signal.
        signal: Signal,
        /// Whether a core was dumped.
        core: bool,
    },
    /// It is gone, and nobody who knows how has told us: it was not our child.
    Unknown,
}

impl Exit {
    /// Whether the process said that it succeeded.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Code(0))
    }
}
