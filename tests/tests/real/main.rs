//! The example profiles run by the real binary: real servers, real clients, real crashes.
//!
//! A test of software that is not installed says SKIPPED on standard error, where no test runner swallows it; with
//! `PROCLAUNCH_REQUIRE_REAL=1`, as in `.ci/run`, it fails instead.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod hooks;
mod nginx;
mod postgres;
mod quickstart;
mod redis;
mod software;
