//! The real binary from outside: what it says, what it does to processes and files, how it ends.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod bugs;
mod cleanup;
mod coverage;
mod idle;
mod launch;
mod pinned;
