//! The pure core of ProcLaunch: it decides, and does nothing else.
//!
//! **Invariant:** no file system, environment, thread, network or clock; no `Result` for what goes wrong outside.
//! A step takes the time and one input, and gives back a list of effects.

#![forbid(unsafe_code)]
// Every event is matched in every state by name: a new one must be thought about everywhere.
#![cfg_attr(not(test), warn(clippy::wildcard_enum_match_arm))]

pub mod clock;
pub mod exit;
pub mod fleet;
pub mod ids;
pub mod log;
pub mod machine;
pub mod process;
pub mod profile;
pub mod signal;
#[cfg(test)]
pub(crate) mod testing;
pub mod world;
