//! ProcLaunch: the shell around the core. Waits for what happens outside, and does what the core decided.

pub mod cli;
pub mod fatal;
pub mod files;
pub mod instance;
pub mod keeper;
pub mod logging;
pub mod store;
pub mod sys;
