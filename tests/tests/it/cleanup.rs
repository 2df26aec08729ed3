//! The tests' own promise: nothing is left running, not even by a test that fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use nix::sys::signal::Signal;

use proclaunch_tests::processes::{Process, of_directory};
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::wait;

/// Services that do not want to be found: one ignores signals, one has left its session, one its directory.
fn hiding() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.profile("stubborn", "trap '' TERM INT HUP; while :; do sleep 86400; done").set("restart", "");
    sandbox.profile("daemon", "setsid sleep 86400 & echo $! > pid").set("pid_file", "pid").set("restart", "");
    sandbox.profile("away", "cd /; exec env -i sleep 86400");
    sandbox
}

const HIDING: [&str; 3] = ["stubborn", "daemon", "away"];

/// Runs a test that fails, and checks that nothing of it lives afterwards.
#[track_caller]
fn check(test: impl FnOnce(Sandbox) -> (PathBuf, Vec<Process>)) {
    let (path, services) = test(hiding());
    assert!(!path.exists());
    // A process that got SIGKILL takes a moment to die.
    let is_gone = || !services.iter().any(|service| service.is_alive()) && of_directory(&path).is_empty();
    let gone = wait::until(|| is_gone().then_some(()));
    let left: Vec<&Process> = services.iter().filter(|service| service.is_alive()).collect();
    assert!(gone.is_some(), "left: {left:?}");
}

#[test]
fn what_a_failed_test_of_a_supervisor_started_is_gone() {
    check(|sandbox| {
        let path = sandbox.path().to_owned();
        let supervisor = sandbox.start();
        let services = HIDING.map(|name| supervisor.main_process(name)).to_vec();
        let failed = catch_unwind(AssertUnwindSafe(|| {
            let _owned = supervisor;
            std::panic::resume_unwind(Box::new("as a failed assertion does"));
        }));
        assert!(failed.is_err());
        (path, services)
    });
}

#[test]
fn what_a_daemon_started_is_gone() {
    check(|sandbox| {
        let path = sandbox.path().to_owned();
        let daemon = sandbox.daemonize();
        let mut services = HIDING.map(|name| daemon.main_process(name)).to_vec();
        services.push(daemon.process());
        (path, services)
    });
}

#[test]
fn what_a_supervisor_that_left_has_started_is_gone() {
    check(|sandbox| {
        let path = sandbox.path().to_owned();
        let mut supervisor = sandbox.start();
        let services = HIDING.map(|name| supervisor.main_process(name)).to_vec();
        supervisor.end(Signal::SIGTERM);
        // Nobody could find this one now; a test that leaves it ends it itself.
        services[2].signal(Signal::SIGKILL);
        (path, services)
    });
}
