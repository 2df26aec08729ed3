//! `--exit-with NAME`: the end of one profile is the end of everything, with its exit code.

use std::process::Command;

use nix::sys::signal::Signal;
use nix::unistd::geteuid;
use proclaunch_tests::processes::of_directory;
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;

use crate::{SLEEP, kill_supervisor, say};

fn with_job(run: &str, change: impl FnOnce(&mut Command)) -> Supervisor {
    let sandbox = Sandbox::new();
    sandbox.profile("job", run);
    sandbox.profile("web", SLEEP).set("restart", "");
    let supervisor = sandbox.start_with(|command| {
        command.args(["--exit-with", "job"]);
        change(command);
    });
    supervisor.main_process("web");
    supervisor
}

#[track_caller]
fn ends_with(mut supervisor: Supervisor, code: i32) {
    let exit = supervisor.wait();
    let log = supervisor.log();
    assert_eq!(exit.code(), Some(code), "{log}");
    assert!(log.contains(" ProcLaunch exits with job ("), "{log}");
    assert_eq!(supervisor.said("web", "stopped").len(), 1, "{log}");
    assert!(of_directory(supervisor.sandbox.path()).is_empty(), "{log}");
}

#[test]
fn its_exit_code_is_ours() {
    for code in [0, 7] {
        ends_with(with_job(&format!("sleep 0.3; exit {code}"), |_| ()), code);
    }
}

#[test]
fn a_signal_is_128_and_its_number() {
    let supervisor = with_job(SLEEP, |_| ());
    supervisor.main_process("job").signal(Signal::SIGTERM);
    ends_with(supervisor, 128 + 15);
}

#[test]
fn one_that_is_started_again_is_no_end() {
    let sandbox = Sandbox::new();
    let run = "[ -e second ] && exec sleep 1000; touch second; exit 3";
    sandbox.profile("job", run).set("restart", "");
    let mut supervisor = sandbox.start_with(|command| {
        command.args(["--exit-with", "job"]);
    });
    supervisor.wait_for("the second start", || supervisor.pids("job").get(1).copied());
    assert!(supervisor.is_running());
    supervisor.drain();
}

#[test]
fn it_holds_after_the_supervisor_was_killed() {
    let run = "while [ ! -e ../go ]; do sleep 0.02; done; exit 9";
    let supervisor = with_job(run, |_| ());
    supervisor.main_process("job");
    kill_supervisor(&supervisor);
    std::fs::write(supervisor.sandbox.profiles().join("go"), "").unwrap();
    ends_with(supervisor, 9);
}

#[test]
fn as_pid_1_too() {
    if !geteuid().is_root() {
        return say("SKIPPED: only root can do this");
    }
    let supervisor = with_job("sleep 0.3; exit 5", |command| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--pid", "--fork", "--mount-proc", "--kill-child", "--"]);
        unshare.arg(command.get_program()).args(command.get_args());
        unshare.current_dir(command.get_current_dir().expect("it has one"));
        *command = unshare;
    });
    ends_with(supervisor, 5);
}
