//! No more processes, no more descriptors.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::CommandExt as _;

use nix::sys::signal::Signal;
use proclaunch_tests::processes::{Process, of_directory};
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;

use super::{below, sleepers};
use crate::{is_root, see_all};

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
        below(command, "prlimit", &["--nproc=11"]);
        command.uid(NOBODY_AT_ALL).gid(NOBODY_AT_ALL);
    });
    // Beside the threads of its own processes.
    let is_tried = |name: &String| {
        !supervisor.pids(name).is_empty() || !supervisor.said(name, "failed to start").is_empty()
    };
    supervisor.wait_for("every start to be tried", || all.clone().all(|name| is_tried(&name)).then_some(()));
    let first = running(&supervisor, all.clone());
    assert!((5..=9).contains(&first.len()), "{first:?}: {}", supervisor.log());
    let waiting: Vec<String> = all.clone().filter(|name| !first.contains(name)).collect();
    for name in &waiting {
        let said = supervisor.wait_for_line(name, "failed to start");
        let why =
            "failed to start (could not make a process: Resource temporarily unavailable (os error 11), ";
        assert!(said.starts_with(why), "{said}");
    }
    // Who gives up its place, by order of the files, needs no process for that.
    for name in first.iter().take(all.clone().count() - first.len()) {
        fs::remove_dir_all(supervisor.sandbox.profiles().join(name)).unwrap();
    }
    for name in first.iter().take(all.clone().count() - first.len()) {
        supervisor.wait_for_line(name, "stopped");
    }
    for name in &waiting {
        supervisor.wait_for(&format!("{name} to run"), || supervisor.pids(name).pop());
    }
    supervisor.drain();
}

/// As few descriptors as leave none over for a pidfd each.
const FEW: [&str; 1] = ["--nofile=64"];

fn a_hundred_with_few_descriptors() -> Supervisor {
    let sandbox = Sandbox::new();
    sleepers(&sandbox, names(100));
    let supervisor = sandbox.start_with(|command| below(command, "prlimit", &FEW));
    for name in names(100) {
        supervisor.main_process(&name);
    }
    supervisor
}

#[test]
fn with_few_descriptors_all_run_and_come_back_and_can_be_stopped() {
    let mut supervisor = a_hundred_with_few_descriptors();
    for name in ["p000", "p099"] {
        supervisor.kill_main_process(name);
    }
    assert!(!supervisor.log().contains("Too many open files"), "{}", supervisor.log());
    let exit = supervisor.end(Signal::SIGHUP);
    assert_eq!(exit.code(), Some(111), "{}", supervisor.log());
    assert_eq!(of_directory(supervisor.sandbox.path()), BTreeSet::new(), "{}", supervisor.log());
}

#[test]
fn with_few_descriptors_changes_are_seen() {
    let supervisor = a_hundred_with_few_descriptors();
    sleepers(&supervisor.sandbox, ["late".to_owned()]);
    supervisor.main_process("late");
    for name in names(95) {
        fs::remove_dir_all(supervisor.sandbox.profiles().join(name)).unwrap();
    }
    for name in names(95) {
        supervisor.wait_for_line(&name, "stopped");
    }
    supervisor.drain();
}

#[test]
fn with_few_descriptors_what_was_left_running_is_neither_lost_nor_doubled() {
    let sandbox = Sandbox::new();
    sleepers(&sandbox, names(100));
    let mut supervisor = sandbox.start();
    let processes: Vec<Process> = names(100).map(|name| supervisor.main_process(&name)).collect();
    assert_eq!(supervisor.end(Signal::SIGTERM).code(), Some(0));
    supervisor.start_again_with(|command| below(command, "prlimit", &FEW));
    for (name, process) in names(100).zip(&processes) {
        let adopted = format!("running pid {} (adopted, up ", process.pid);
        supervisor.wait_for_line(&name, &adopted);
    }
    see_all(&supervisor);
    for (name, process) in names(100).zip(&processes) {
        assert!(process.is_alive());
        assert_eq!(supervisor.pids(&name), [process.pid; 2], "{}", supervisor.log());
    }
    // Nor are their ends overlooked.
    for process in [processes[0], processes[99]] {
        process.signal(Signal::SIGKILL);
    }
    for name in ["p000", "p099"] {
        supervisor.wait_for(&format!("{name} to come back"), || supervisor.pids(name).get(2).copied());
    }
    supervisor.drain();
}
