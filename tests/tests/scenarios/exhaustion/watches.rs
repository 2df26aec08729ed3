//! The kernel has no more watches: the files are read every second instead.

use std::fs;
use std::process::Command;

use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;

use super::{below, count, sleepers};
use crate::{SLEEP, skipped};

/// A supervisor in a user namespace of its own, where this limit is this small; the machine's own is not touched.
fn start(limit: &str, value: u32) -> Option<Supervisor> {
    let path = format!("/proc/sys/user/{limit}");
    let set = format!("echo {value} > {path} && exec \"$@\"");
    let unshare = ["--user", "--map-root-user", "sh", "-c", &set, "sh"];
    let works = Command::new("unshare").args(unshare).arg("true").output();
    if !works.is_ok_and(|output| output.status.success()) {
        skipped("no user namespace with limits of its own");
        return None;
    }
    let sandbox = Sandbox::new();
    sleepers(&sandbox, (0..10).map(|number| format!("p{number}")));
    Some(sandbox.start_with(|command| below(command, "unshare", &unshare)))
}

fn is_seen_all_the_same(supervisor: Supervisor) {
    for number in 0..10 {
        supervisor.main_process(&format!("p{number}"));
    }
    let said = supervisor.wait_for_line("ProcLaunch", "cannot be told of every change (");
    assert!(said.ends_with("); the profiles are read again each second"), "{said}");
    supervisor.sandbox.profile("late", SLEEP);
    supervisor.main_process("late");
    // Deep in a profile that is not watched.
    for number in 0..10 {
        let dir = supervisor.sandbox.profiles().join(format!("p{number}"));
        fs::write(dir.join("env"), "A=1").unwrap();
    }
    for number in 0..10 {
        let profile = format!("p{number}");
        supervisor
            .wait_for(&format!("{profile} to be restarted"), || supervisor.pids(&profile).get(1).copied());
    }
    fs::remove_dir_all(supervisor.sandbox.profiles().join("late")).unwrap();
    supervisor.wait_for_line("late", "stopped");
    assert_eq!(count(&supervisor, "cannot be told of every change"), 1, "{}", supervisor.log());
    supervisor.drain();
}

#[test]
fn without_watches_the_profiles_are_read_each_second() {
    if let Some(supervisor) = start("max_inotify_watches", 3) {
        is_seen_all_the_same(supervisor);
    }
}

#[test]
fn without_inotify_instances_the_profiles_are_read_each_second() {
    if let Some(supervisor) = start("max_inotify_instances", 0) {
        is_seen_all_the_same(supervisor);
    }
}
