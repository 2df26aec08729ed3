//! What the tests from outside share: a sandbox, the real supervisor in it, the process table, waiting.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

pub mod control;
pub mod daemon;
pub mod parts;
pub mod processes;
pub mod promtool;
pub mod rng;
pub mod sandbox;
pub mod schema;
pub mod snapshot;
pub mod supervisor;
pub mod view;
pub mod wait;
