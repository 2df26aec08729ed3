//! The limit on open descriptors: ProcLaunch's processes take as many as they may, and what they start does not.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// The limit that this process was started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstLimit {
    /// What was in force.
    pub soft: u64,
    /// How far it may be raised.
    pub hard: u64,
}

impl FirstLimit {
    /// Raises the limit as far as it goes. None if there was nothing to raise, or it may not be.
    pub fn raise() -> Option<Self> {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
        if soft >= hard || setrlimit(Resource::RLIMIT_NOFILE, hard, hard).is_err() {
            return None;
        }
        Some(Self { soft, hard })
    }

    /// Does something with the first limit in force: what comes in this process's place is not to take the raised one
    /// for the one that it was given.
    pub fn in_force<T>(first: Option<Self>, action: impl FnOnce() -> T) -> T {
        let Some(Self { soft, hard }) = first else { return action() };
        // Both were in force before.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, soft, hard);
        let result = action();
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
        result
    }
}
