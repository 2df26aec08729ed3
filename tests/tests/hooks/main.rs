//! Hooks in the real supervisor: real scripts, real processes.

mod decisions;
mod everyone;
mod exec;
mod kept;
mod lives;

/// A service that does nothing.
const SLEEP: &str = "exec sleep 1000";
