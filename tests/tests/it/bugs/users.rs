//! Services that run as another user: only root can have them.
//!
//! Without root, each of these says SKIPPED on standard error, where no test runner swallows it.

use std::io::Write;

use nix::unistd::geteuid;

use super::SLEEP;
use proclaunch_tests::sandbox::Sandbox;

/// A user that every Linux has.
const USER: &str = "nobody";

fn is_root(test: &str) -> bool {
    let root = geteuid().is_root();
    if !root {
        // Not `eprintln!`: its output is kept from a test that passes.
        let _ = writeln!(std::io::stderr(), "SKIPPED: it needs root: {test}");
    }
    root
}

#[test]
fn bug_19_a_service_of_another_user_can_write_its_output() {
    if !is_root("bug_19") {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.profile("web", "echo I am $(id -un) $USER; exec sleep 86400").set("user", USER);
    let supervisor = sandbox.start();
    let expect = format!("I am {USER} {USER}\n");
    supervisor.wait_for(&expect, || (supervisor.output("web") == expect).then_some(()));
    supervisor.drain();
}

#[test]
fn bug_20_a_service_of_another_user_has_none_of_the_supervisors_groups() {
    if !is_root("bug_20") {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.profile("web", "grep ^Groups: /proc/self/status; id -G; exec sleep 86400").set("user", USER);
    // The supervisor itself is in some groups.
    let supervisor = sandbox.start_under(&["setpriv", "--groups", "4,24,27", "--"]);
    let output = supervisor.wait_for("its groups", || {
        Some(supervisor.output("web")).filter(|output| output.lines().count() == 2)
    });
    let groups: Vec<&str> = output.split_whitespace().collect();
    for group in ["0", "4", "24", "27"] {
        assert!(!groups.contains(&group), "{output}");
    }
    supervisor.drain();
}

#[test]
fn bug_21_an_unknown_user_is_told_and_the_shutdown_does_not_hang() {
    if !is_root("bug_21") {
        return;
    }
    let sandbox = Sandbox::new();
    let web = sandbox.profile("web", SLEEP).set("user", "nobody-here").set("restart", "");
    let supervisor = sandbox.start();
    let failed = supervisor.wait_for_line("web", "failed to start");
    assert!(failed.starts_with("failed to start (could not look the user up `nobody-here`: "), "{failed}");
    web.set("user", USER);
    supervisor.main_process("web");
    supervisor.drain();
}
