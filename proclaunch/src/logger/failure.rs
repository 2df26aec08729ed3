//! Why the output of a profile cannot be kept.

use std::fmt;

use nix::errno::Errno;

/// What failed, and how. The output waits meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// What was tried, as what completes "failed to ...".
    pub(super) doing: &'static str,
    /// Why it failed.
    pub(super) errno: Errno,
}

impl Failure {
    /// For `map_err`: names what was tried.
    pub(super) fn of(doing: &'static str) -> impl Fn(Errno) -> Self {
        move |errno| Self { doing, errno }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.errno.desc())
    }
}
