//! Bugs of the original that its rewrite must not have, by their numbers: what happens instead, seen from outside.
//!
//! Those that are decided before the supervisor is up are in `launch.rs`, and some are better shown by a unit test.

mod changes;
mod life;
mod pid_files;
mod setup;
mod signals;
mod users;

/// A `run` that keeps running, and ends when it is told to.
const SLEEP: &str = "exec sleep 86400";

/// A `run` that daemonizes itself and writes its pid.
const DAEMON: &str = "sleep 86400 & echo $! > pid";
