//! ProcLaunch: the shell around the core. Waits for what happens outside, and does what the core decided.

pub mod keeper;
pub mod scan;
