//! No room on the disk, or no right to write: supervision goes on, and nothing that was said is lost.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use proclaunch_tests::processes::{Process, of_directory};
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;
use proclaunch_tests::wait;

use super::count;
use crate::{SLEEP, is_root};

/// Puts a file there that leaves no room for another byte.
fn fill(disk: &Path) {
    let mut filler = File::create(disk.join("filler")).unwrap();
    let block = [0; 4096];
    while filler.write_all(&block).is_ok() {}
}

/// The process that works in the profile's directory.
fn main_of(supervisor: &Supervisor, profile: &str) -> Option<Process> {
    // The log cannot tell: it is on the disk that is full.
    let dir = supervisor.sandbox.profiles().join(profile);
    let below = proclaunch_tests::processes::descendants(supervisor.process().pid);
    below
        .into_iter()
        .find(|process| fs::read_link(format!("/proc/{}/cwd", process.pid)).is_ok_and(|cwd| cwd == dir))
}

#[test]
fn on_a_full_disk_supervision_goes_on_and_every_line_arrives_when_there_is_room() {
    if !is_root() {
        return;
    }
    let mut sandbox = Sandbox::new();
    let state = sandbox.state();
    sandbox.mount(&state, "size=512k,mode=0755");
    symlink(state.join("the.log"), sandbox.log()).unwrap();
    // A delay of nothing: the crashes are to be many.
    sandbox.profile("web", SLEEP).set("restart", "").set("backoff", "0 0");
    let supervisor = sandbox.start();
    let mut ran = vec![supervisor.main_process("web")];
    fill(&state);
    // Three lines each; what is left of the last page of the log takes some of them.
    for _ in 0..60 {
        let old = *ran.last().unwrap();
        old.signal(Signal::SIGKILL);
        let new = wait::until(|| main_of(&supervisor, "web").filter(|new| *new != old));
        ran.push(new.expect("it comes back on a full disk"));
    }
    // New profiles too, whose records have nowhere to go.
    let late = ["late1", "late2", "late3"];
    for profile in late {
        supervisor.sandbox.profile(profile, SLEEP).set("restart", "");
        wait::until(|| main_of(&supervisor, profile)).expect("it starts on a full disk");
    }
    let before = supervisor.log();
    assert!(before.matches("web running").count() < ran.len(), "the log is full too");

    fs::remove_file(state.join("filler")).unwrap();
    supervisor.wait_for_line("ProcLaunch", "log could not be written for a while (No space left on device");
    supervisor.wait_for_line("ProcLaunch", "records can be written again");
    let delayed = supervisor.said("ProcLaunch", "log could not be written");
    assert!(delayed.len() == 1 && delayed[0].ends_with(" lines late, 0 lost)"), "{delayed:?}");
    let pids: Vec<i32> = ran.iter().map(|process| process.pid).collect();
    assert_eq!(supervisor.pids("web"), pids, "each line, once, in order");
    assert!(supervisor.log().starts_with(&before[..before.rfind('\n').map_or(0, |end| end + 1)]));
    for line in supervisor.log().lines() {
        assert!(line.get(23..25) == Some("Z "), "no line is torn: {line:?}");
    }
    assert_eq!(count(&supervisor, "failed to write record"), 1, "{}", supervisor.log());
    // The records are true again: nothing is started twice.
    let mut supervisor = supervisor;
    assert_eq!(supervisor.end(Signal::SIGTERM).code(), Some(0));
    supervisor.start_again();
    for profile in late.into_iter().chain(["web"]) {
        supervisor.wait_for(&format!("{profile} to be adopted"), || {
            supervisor.said(profile, "running").into_iter().find(|line| line.contains("adopted"))
        });
    }
    supervisor.drain();
}

/// Makes a mounted file system read-only or writable.
fn remount(disk: &Path, how: &str) {
    // It is busy while somebody has a file open for writing.
    let done = wait::until(|| {
        let mut mount = Command::new("mount");
        mount.args(["-o", &format!("remount,{how}")]).arg(disk);
        mount.output().unwrap().status.success().then_some(())
    });
    done.expect("nobody writes for ever");
}

#[test]
fn on_a_disk_that_becomes_read_only_supervision_goes_on() {
    if !is_root() {
        return;
    }
    let mut sandbox = Sandbox::new();
    let state = sandbox.state();
    sandbox.mount(&state, "size=1m,mode=0755");
    // A file that is open for writing would keep the disk writable: neither has the service one, nor the logger.
    let web = sandbox.profile("web", "exec sleep 1000 >/dev/null 2>&1");
    let web = web.set("restart", "").set("backoff", "0.1 0.1");
    let log_run = web.set("log_run", "#!/bin/sh\nexec cat >/dev/null 2>&1\n").dir.join("log_run");
    fs::set_permissions(log_run, Permissions::from_mode(0o755)).unwrap();
    let mut supervisor = sandbox.start();
    let web = supervisor.main_process("web");
    remount(&state, "ro");
    let mut runs = 1;
    let mut crash = |supervisor: &Supervisor| {
        supervisor.main_process("web").signal(Signal::SIGKILL);
        runs += 1;
        supervisor.wait_for("web to come back", || supervisor.pids("web").get(runs - 1).copied());
    };
    for _ in 0..3 {
        crash(&supervisor);
    }
    supervisor.sandbox.profile("late", "exec sleep 1000 >/dev/null 2>&1");
    supervisor.main_process("late");
    assert!(!web.is_alive());
    // The FIFO of web was there before.
    let lost = supervisor.said("ProcLaunch", "cannot keep the output of late (Read-only file system)");
    assert_eq!(lost.len(), 1, "{}", supervisor.log());
    let failed = supervisor.said("ProcLaunch", "failed to write record");
    assert!(failed.len() == 1 && failed[0].contains("Read-only file system"), "{failed:?}");

    remount(&state, "rw");
    supervisor.wait_for_line("ProcLaunch", "records can be written again");
    crash(&supervisor);
    supervisor.wait_for_line("ProcLaunch", "output can be kept again");

    // At the start it is bad setup, and nothing is touched.
    let last = supervisor.main_process("web");
    let logger = supervisor.logger().expect("it keeps the output");
    assert_eq!(supervisor.end(Signal::SIGTERM).code(), Some(0));
    // It stays, and has files open.
    logger.signal(Signal::SIGKILL);
    supervisor.wait_for("its end", || (!logger.is_alive()).then_some(()));
    remount(&state, "ro");
    let refused = supervisor.sandbox.command().arg("--foreground").output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(100), "{said}");
    assert!(said.contains("Read-only file system"), "{said}");
    assert!(last.is_alive());
    remount(&state, "rw");
    supervisor.start_again();
    supervisor.wait_for_line("web", &format!("running pid {} (adopted", last.pid));
    supervisor.drain();
}

#[test]
fn a_log_that_reaches_a_full_device_does_not_stop_anything() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP).set("restart", "");
    let mut supervisor = sandbox.start_with(|command| {
        command.args(["--log-path", "/dev/full"]);
    });
    let web = wait::until(|| main_of(&supervisor, "web")).expect("it starts");
    web.signal(Signal::SIGKILL);
    wait::until(|| main_of(&supervisor, "web").filter(|new| *new != web)).expect("it comes back");
    assert_eq!(supervisor.end(Signal::SIGHUP).code(), Some(111));
    assert_eq!(of_directory(supervisor.sandbox.path()), BTreeSet::new());
}
