//! The example profiles run by the real binary: real servers, real clients, real crashes.
//!
//! A test of software that is not installed says SKIPPED on standard error, where no test runner swallows it; with
//! `PROCLAUNCH_REQUIRE_REAL=1`, as in `.ci/run`, it fails instead. A test of what the kernel does here and not everywhere
//! says SKIPPED likewise, and never fails for it.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod hooks;
mod nginx;
mod oom;
mod postgres;
mod quickstart;
mod redis;
mod software;
