//! ProcLaunch: the shell around the core. Waits for what happens outside, and does what the core decided.

#![deny(unsafe_code)]

pub mod keeper;
#[expect(unsafe_code, reason = "the one place that talks to the kernel where no safe wrapper exists")]
pub mod sys;
