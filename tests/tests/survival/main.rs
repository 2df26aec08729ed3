//! What ProcLaunch survives, and what survives it: its own processes killed at the worst moment, a reboot, an upgrade.
//!
//! The numbers are those of the list of scenarios.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

use std::fs;
use std::io::{self, Write as _};
use std::time::Duration;

use nix::sys::signal::Signal;
use proclaunch_tests::processes::Process;
use proclaunch_tests::view::View;
use proclaunch_tests::wait;

mod exit_with;
mod hooks;
mod killpoints;
mod output;
mod parts;
mod places;
mod records;
mod stopping;
mod supervisor;
mod upgrade;
mod young;

/// A service that does nothing.
const SLEEP: &str = "exec sleep 1000";

/// How long it may take until what was killed is back and works, on a machine that does other things too.
const BACK: Duration = Duration::from_secs(2);

/// Kills the supervisor, and waits until another one does its work.
#[track_caller]
fn kill_supervisor(view: &View) {
    let old = view.wait_for("a supervisor", || view.supervisor());
    kill_and_see_it_back(view, "the supervisor", &[old]);
    assert_ne!(view.supervisor(), Some(old));
}

/// Kills some of ProcLaunch's processes at once, and waits until a profile that is made after that runs.
#[track_caller]
fn kill_and_see_it_back(view: &View, what: &str, victims: &[Process]) {
    let restarts = view.said("ProcLaunch", "supervisor restarted").len();
    let takeovers = view.said("ProcLaunch", "keeper restarted").len();
    let killed = wait::now();
    for victim in victims {
        victim.signal(Signal::SIGKILL);
    }
    view.wait_for(&format!("{what} to be back"), || {
        let is_new = view.said("ProcLaunch", "supervisor restarted").len() > restarts
            || view.said("ProcLaunch", "keeper restarted").len() > takeovers;
        is_new.then_some(())
    });
    see_all(view);
    let after = killed.elapsed();
    say(&format!("{what} killed: back at work after {} ms", after.as_millis()));
    assert!(after < BACK, "{what} was back after {after:?} only:\n{}", view.log());
}

/// A figure of a test that passes, too.
fn say(text: &str) {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let _ = writeln!(io::stderr(), "{test}: {text}");
}

/// Waits until the supervisor has read every change of files before this call: a profile that comes last runs.
#[track_caller]
fn see_all(view: &View) {
    let names = fs::read_dir(view.sandbox.profiles()).unwrap().flatten();
    let count = names.filter(|entry| entry.file_name().to_string_lossy().starts_with("marker")).count();
    let marker = format!("marker{count}");
    view.sandbox.profile(&marker, SLEEP);
    view.main_process(&marker);
}

/// How many lines a file of a profile has: one for each time that something was done.
fn lines_of(view: &View, profile: &str, file: &str) -> usize {
    let path = view.sandbox.profiles().join(profile).join(file);
    fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

/// The time between the first messages of a profile that begin with these words, in milliseconds.
#[track_caller]
fn between(view: &View, profile: &str, from: &str, to: &str) -> u64 {
    view.wait_for_line(profile, to);
    view.times(profile, to)[0] - view.times(profile, from)[0]
}
