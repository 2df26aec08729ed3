//! What a supervisor runs out of: processes, descriptors, disk, watches, the profiles directory itself.
//!
//! The promise is the same each time: it stays up, says so once, goes on with what it can, and recovers by itself.

use std::process::Command;

use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;

mod directory;
mod disk;
mod limits;
mod watches;

/// Has a command run below another one, which is given in front of it: `prlimit --nofile=64`.
fn below(command: &mut Command, program: &str, arguments: &[&str]) {
    let mut outer = Command::new(program);
    outer.args(arguments).arg(command.get_program()).args(command.get_args());
    if let Some(dir) = command.get_current_dir() {
        outer.current_dir(dir);
    }
    *command = outer;
}

/// How often a line was written.
fn count(supervisor: &Supervisor, words: &str) -> usize {
    supervisor.said("ProcLaunch", words).len()
}

/// Profiles that sleep, by these names, with this `restart` and a backoff that does not make the test long.
fn sleepers(sandbox: &Sandbox, names: impl IntoIterator<Item = String>) {
    for name in names {
        sandbox.profile(&name, crate::SLEEP).set("restart", "").set("backoff", "0.2 0.5");
    }
}
