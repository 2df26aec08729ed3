//! ProcLaunch: the shell around the core. Waits for what happens outside, and does what the core decided.

#![deny(unsafe_code)]

pub mod check;
pub mod cli;
pub mod control;
pub mod fatal;
pub mod files;
pub mod hooks;
pub mod instance;
pub mod keeper;
pub mod killpoint;
pub mod logger;
pub mod logging;
pub mod nofile;
pub mod panics;
pub mod policy_test;
pub mod program;
pub mod role;
pub mod scan;
#[cfg(test)]
mod snapshot;
pub mod store;
pub mod supervisor;
#[expect(unsafe_code, reason = "the one place that talks to the kernel where no safe wrapper exists")]
pub mod sys;
pub mod top;
