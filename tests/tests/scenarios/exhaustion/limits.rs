//! No more processes, no more descriptors.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::CommandExt as _;

use nix::sys::signal::Signal;
use proclaunch_tests::processes::of_directory;
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;

use super::{below, sleepers};
use crate::is_root;

/// A user that nobody is, with no processes.
const NOBODY_AT_ALL: u32 = 1_999_171;

fn names(count: usize) -> impl Iterator<Item = String> + Clone {
    (0..count).map(|number| format!("p{number:03}"))
}

fn running(supervisor: &Supervisor, names: impl Iterator<Item = String>) -> BTreeSet<String> {
    names.filter(|name| !supervisor.pids(name).is_empty()).collect()
}

#[test]
fn without_processes_a_start_fails_says_so_and_is_made_when_there_is_room() {
    if !is_root() {
        return;
    }
    let sandbox = Sandbox::new();
    let all = names(12);
    sleepers(&sandbox, all.clone());
    let supervisor = sandbox.start_as(NOBODY_AT_ALL, |command| {
        below(command, "prlimit", &["--nproc=8"]);
        command.uid(NOBODY_AT_ALL).gid(NOBODY_AT_ALL);
    });
    // Itself and seven others.
    supervisor.wait_for("what fits to run", || (running(&supervisor, all.clone()).len() == 7).then_some(()));
    let first = running(&supervisor, all.clone());
    let waiting: Vec<String> = all.clone().filter(|name| !first.contains(name)).collect();
    for name in &waiting {
        let said = supervisor.wait_for_line(name, "failed to start");
        let why =
            "failed to start (could not make a process: Resource temporarily unavailable (os error 11), ";
        assert!(said.starts_with(why), "{said}");
    }
    // Who gives up its place, by order of the files, needs no process for that.
    for name in first.iter().take(5) {
        fs::remove_dir_all(supervisor.sandbox.profiles().join(name)).unwrap();
    }
    for name in first.iter().take(5) {
        supervisor.wait_for_line(name, "stopped");
    }
    for name in &waiting {
        supervisor.wait_for(&format!("{name} to run"), || supervisor.pids(name).pop());
    }
    supervisor.drain();
}

#[test]
fn without_descriptors_what_fits_runs_and_everything_can_be_stopped() {
    let sandbox = Sandbox::new();
    let all = names(100);
    sleepers(&sandbox, all.clone());
    let mut supervisor = sandbox.start_with(|command| below(command, "prlimit", &["--nofile=64"]));
    // Each start is made or told to have failed.
    supervisor.wait_for("every start to be tried", || {
        let tried = |name: &String| {
            !supervisor.pids(name).is_empty() || !supervisor.said(name, "failed to start").is_empty()
        };
        all.clone().all(|name| tried(&name)).then_some(())
    });
    let some = running(&supervisor, all.clone());
    assert!(some.len() >= 40, "{} run:\n{}", some.len(), supervisor.log());
    for name in all.clone().filter(|name| !some.contains(name)) {
        let said = supervisor.wait_for_line(&name, "failed to start");
        assert!(said.contains("Too many open files"), "{said}");
    }
    // What dies comes back all the same.
    let last = some.last().unwrap();
    supervisor.main_process(last).signal(Signal::SIGKILL);
    supervisor.wait_for(&format!("{last} to come back"), || supervisor.pids(last).get(1).copied());
    assert!(supervisor.is_running());
    let exit = supervisor.end(Signal::SIGHUP);
    assert_eq!(exit.code(), Some(111), "{}", supervisor.log());
    assert_eq!(of_directory(supervisor.sandbox.path()), BTreeSet::new(), "{}", supervisor.log());
}

#[test]
fn without_descriptors_a_change_is_seen_when_there_is_room_again() {
    let sandbox = Sandbox::new();
    let all = names(100);
    sleepers(&sandbox, all.clone());
    let supervisor = sandbox.start_with(|command| below(command, "prlimit", &["--nofile=64"]));
    supervisor.wait_for("every start to be tried", || {
        let tried = |name: &String| {
            !supervisor.pids(name).is_empty() || !supervisor.said(name, "failed to start").is_empty()
        };
        all.clone().all(|name| tried(&name)).then_some(())
    });
    // While no directory can be opened, as far as it is concerned.
    sleepers(&supervisor.sandbox, ["late".to_owned()]);
    for name in all.clone().take(95) {
        fs::remove_dir_all(supervisor.sandbox.profiles().join(name)).unwrap();
    }
    supervisor.main_process("late");
    for name in all.clone().take(95) {
        supervisor.wait_for_line(&name, "disappeared. Stopping and not restarting.");
    }
    supervisor.drain();
}
