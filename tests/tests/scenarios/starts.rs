//! Starts that fail, and profiles that are not complete yet.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use proclaunch_tests::sandbox::Sandbox;

use crate::{SLEEP, see_all, skipped};

#[test]
fn scenario_11_a_half_written_profile_is_said_once_and_starts_when_it_is_complete() {
    let supervisor = Sandbox::new().start();
    let dir = supervisor.sandbox.profiles().join("web");
    fs::create_dir(&dir).unwrap();
    supervisor.wait_for_line("web", "is not started: has no `run`");
    fs::write(dir.join("restart"), "").unwrap();
    see_all(&supervisor);
    fs::write(dir.join("run"), format!("#!/bin/sh\n{SLEEP}\n")).unwrap();
    supervisor.wait_for_line("web", "is not started: `run` is not executable");
    see_all(&supervisor);
    assert_eq!(supervisor.said("web", "is not started").len(), 2, "{}", supervisor.log());
    assert_eq!(supervisor.said("web", "starting").len(), 0);
    fs::set_permissions(dir.join("run"), Permissions::from_mode(0o755)).unwrap();
    supervisor.main_process("web");
    supervisor.drain();
}

#[test]
fn scenario_16_a_run_that_cannot_be_executed_is_an_error_with_stage_and_reason() {
    let sandbox = Sandbox::new();
    sandbox.profile("good", SLEEP).set("restart", "");
    for (profile, content) in [
        ("interpreter", "#!/no/such/interpreter\n"),
        ("format", "no program at all\n"),
        ("directory", "#!/tmp\n"),
    ] {
        sandbox.profile(profile, "").set("restart", "").set("backoff", "0.2 0.2");
        // In place, so that it stays executable.
        fs::write(sandbox.profiles().join(profile).join("run"), content).unwrap();
    }
    let supervisor = sandbox.start();
    for (profile, reason) in [
        ("interpreter", "it needs the interpreter `/no/such/interpreter`, which is not here"),
        ("format", "it begins without `#!`"),
        ("directory", "Permission denied (os error 13)"),
    ] {
        let words = format!("failed to start (could not execute `run`: {reason}");
        supervisor.wait_for(&format!("three failures of {profile}"), || {
            supervisor.said(profile, &words).get(2).cloned()
        });
    }
    // The supervisor answers meanwhile.
    let good = supervisor.kill_main_process("good");
    supervisor.sandbox.profile("late", SLEEP);
    supervisor.main_process("late");
    // Mended, each starts.
    for profile in ["interpreter", "format", "directory"] {
        supervisor.sandbox.profile(profile, SLEEP);
        supervisor.main_process(profile);
    }
    assert!(good.is_alive());
    supervisor.drain();
}

#[test]
fn scenario_16_a_run_that_is_being_written_is_tried_again() {
    let sandbox = Sandbox::new();
    let profile = sandbox.profile("web", SLEEP).set("restart", "").set("backoff", "0.2 0.2");
    let run = profile.dir.join("run");
    let writer = File::options().append(true).open(&run).unwrap();
    if Command::new(&run).env("PATH", "").output().is_ok() {
        return skipped("this kernel executes what is being written");
    }
    let supervisor = sandbox.start();
    supervisor.wait_for_line(
        "web",
        "failed to start (could not execute `run`: Text file busy (os error 26), restart in 0.",
    );
    drop(writer);
    supervisor.main_process("web");
    supervisor.drain();
}

#[test]
fn scenario_16_each_stage_is_named_with_what_it_failed_on() {
    let sandbox = Sandbox::new();
    let failing = [
        ("user", "user", "no-such-user", "could not look the user up `no-such-user`: unknown user"),
        ("group", "user", "0:no-such-group", "could not look the user up `0`: unknown group"),
        (
            "directory",
            "directory",
            "/no/such",
            "could not change the directory `/no/such`: No such file or directory",
        ),
        (
            "limits",
            "limits",
            "core 0\nnofile 9000000000",
            "could not set the limits: `nofile 9000000000`, where `fs.nr_open` is ",
        ),
    ];
    for (profile, file, value, _) in failing {
        sandbox.profile(profile, SLEEP).set(file, value).set("restart", "").set("backoff", "0.2 0.2");
    }
    let supervisor = sandbox.start();
    for (profile, file, _, reason) in failing {
        let said = supervisor.wait_for_line(profile, "failed to start");
        assert!(said.starts_with(&format!("failed to start ({reason}")), "{said}");
        fs::remove_file(supervisor.sandbox.profiles().join(profile).join(file)).unwrap();
        supervisor.main_process(profile);
    }
    supervisor.drain();
}
