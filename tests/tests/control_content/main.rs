//! What the reading routes tell, held against the real thing.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod figures;
mod output;

/// A service that does nothing.
const SLEEP: &str = "exec sleep 1000";
