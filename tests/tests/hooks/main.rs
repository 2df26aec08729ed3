//! Hooks in the real supervisor: real scripts, real processes.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod exec;

/// A service that does nothing.
const SLEEP: &str = "exec sleep 1000";
