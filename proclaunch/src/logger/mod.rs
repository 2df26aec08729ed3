//! The logger: reads a FIFO for each profile and keeps what comes in files that are rotated.
//!
//! It is a process of its own, which the keeper starts and starts again. Nothing that it knows is worth keeping: the
//! output is in the FIFOs and in the files and nowhere else, so that it may be killed between any two system calls.
//! What it is to do it is told by the supervisor ([`protocol`]); the supervisor's end of that is [`Link`].
//!
//! **Invariant:** one thread, and one wait.

pub mod fifo;
pub mod protocol;

mod control;
mod current;
mod failure;
mod killpoint;
mod lines;
mod link;
mod obey;
mod peek;
mod profile;
mod progress;
mod raw;
mod rotation;
mod run;
mod serve;
mod spool;
mod stamp;
mod wide;

pub(crate) use current::{CURRENT, LINE_MAX};
pub(crate) use fifo::LOG;
pub use link::Link;
pub use run::{Config, run};
pub use serve::serve;

#[cfg(test)]
mod tests;

/// Rotates the files of a log, for tests of those who read them.
#[cfg(test)]
pub(crate) fn rotate(dir: &std::fs::File, keep: u32) {
    rotation::rotate(dir, keep).expect("the directory is there");
}
