//! What a supervisor must survive, from outside: the real program, real processes, real files.
//!
//! The numbers are those of the list of scenarios. Orders need the control socket: what needs them is tested on the
//! fleet in the core. N of M samples (20) are a matter of health checks, which need hooks.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

use std::io::Write as _;

use nix::unistd::geteuid;
use proclaunch_tests::supervisor::Supervisor;

mod changes;
mod ends;
mod exhaustion;
mod init;
mod leaving;
mod pid_files;
mod starts;
mod stops;
mod values;

/// A service that does nothing.
const SLEEP: &str = "exec sleep 1000";

/// Says aloud why a test has nothing to show here; a failure where nothing may be missing.
fn skipped(why: &str) {
    assert_ne!(std::env::var("PROCLAUNCH_REQUIRE_REAL").as_deref(), Ok("1"), "{why}");
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    // Not `eprintln!`, which the test runner keeps to itself while a test passes.
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}: {test}");
}

/// Whether the test may do what only root may. If not, that is said aloud.
#[must_use]
fn is_root() -> bool {
    if !geteuid().is_root() {
        skipped("only root can do this");
    }
    geteuid().is_root()
}

/// Waits until the supervisor has read every change of files before this call: a profile that comes last runs.
#[track_caller]
fn see_all(supervisor: &Supervisor) {
    let markers = supervisor.sandbox.profiles().read_dir().unwrap().flatten();
    let count = markers.filter(|entry| entry.file_name().to_string_lossy().starts_with("marker")).count();
    let marker = format!("marker{count}");
    supervisor.sandbox.profile(&marker, SLEEP);
    supervisor.main_process(&marker);
}

/// Waits until a file of a profile holds a pid.
#[track_caller]
fn pid_in(supervisor: &Supervisor, profile: &str, file: &str) -> i32 {
    let path = supervisor.sandbox.profiles().join(profile).join(file);
    supervisor.wait_for(&format!("a pid in {profile}/{file}"), || {
        std::fs::read_to_string(&path).ok()?.trim().parse().ok()
    })
}

/// When the messages about a profile that begin with these words were written, in milliseconds from the first line.
fn times(supervisor: &Supervisor, profile: &str, words: &str) -> Vec<u64> {
    supervisor.times(profile, words)
}
