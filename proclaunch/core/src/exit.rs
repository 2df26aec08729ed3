//! How a process ended.

use serde::{Deserialize, Serialize};

use crate::signal::Signal;

/// How a process ended.
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
    /// The kernel ended it for want of memory, by SIGKILL: `wait(2)` tells the signal, the kernel's log the reason.
    OutOfMemory,
    /// It is gone, and nobody who knows how has told us: it was not our child.
    Unknown,
}

impl Exit {
    /// Whether the process said that it succeeded.
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Code(0))
    }

    /// The signal that ended it, if one did.
    pub const fn signal(self) -> Option<Signal> {
        match self {
            Self::Signal { signal, .. } => Some(signal),
            Self::OutOfMemory => Some(Signal::KILL),
            Self::Code(_) | Self::Unknown => None,
        }
    }
}
