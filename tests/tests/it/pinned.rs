//! The sequences of log lines that the tests of the original compare, line for line: once with services that
//! daemonize themselves, as there, and once with services in the foreground.

use nix::sys::signal::Signal;

use proclaunch_tests::sandbox::{Profile, Sandbox};

/// A profile, named as the original's tests name theirs, with a `run` that executes this command.
fn service(sandbox: &Sandbox, command: &str, daemonizes: bool) -> Profile {
    if daemonizes {
        sandbox.profile("foo", &format!("{command} & echo $! > pid")).set("pid_file", "pid")
    } else {
        sandbox.profile("foo", &format!("exec {command}"))
    }
}

#[track_caller]
fn t_02_a_service_that_died_is_started_again(daemonizes: bool) {
    let sandbox = Sandbox::new();
    service(&sandbox, "sleep 86400", daemonizes).set("restart", "");
    let mut supervisor = sandbox.start();
    supervisor.main_process("foo").signal(Signal::SIGTERM);
    supervisor.wait_for("a new one", || supervisor.pids("foo").get(1).copied());
    assert_eq!(supervisor.end(Signal::SIGHUP).code(), Some(111));
    let expect = [
        "ProcLaunch started pid N",
        "foo starting",
        "foo running pid N",
        "foo died",
        "foo starting",
        "foo running pid N",
        "ProcLaunch received HUP. Stopping all profiles.",
        "foo stopping",
        "foo stopped",
        "ProcLaunch all profiles stopped. Exiting.",
    ];
    assert_eq!(supervisor.messages(), expect);
}

#[track_caller]
fn t_04_a_second_hup_exits_at_once(daemonizes: bool) {
    let sandbox = Sandbox::new();
    let stubborn = r#"sh -c "trap '' TERM; echo ready; exec sleep 86400""#;
    service(&sandbox, stubborn, daemonizes).set("stop_timeout", "86400");
    let mut supervisor = sandbox.start();
    let service = supervisor.main_process("foo");
    supervisor.wait_for("foo", || supervisor.output("foo").contains("ready").then_some(()));
    supervisor.process().signal(Signal::SIGHUP);
    supervisor.wait_for_line("foo", "stopping");
    assert_eq!(supervisor.end(Signal::SIGHUP).code(), Some(111));
    let expect = [
        "ProcLaunch started pid N",
        "foo starting",
        "foo running pid N",
        "ProcLaunch received HUP. Stopping all profiles.",
        "foo stopping",
        "ProcLaunch received HUP again. Exiting immediately.",
    ];
    assert_eq!(supervisor.messages(), expect);
    assert!(service.is_alive(), "it lives on");
}

#[track_caller]
fn t_05_the_log_is_where_it_is_wanted(daemonizes: bool) {
    let sandbox = Sandbox::new();
    service(&sandbox, "sleep 86400", daemonizes).set("restart", "");
    let log = sandbox.path().join("proclaunch.log");
    let daemon = sandbox.daemonize_to(log);
    daemon.main_process("foo");
    daemon.end(Signal::SIGHUP);
    let expect = [
        "ProcLaunch started pid N",
        "foo starting",
        "foo running pid N",
        "ProcLaunch received HUP. Stopping all profiles.",
        "foo stopping",
        "foo stopped",
        "ProcLaunch all profiles stopped. Exiting.",
    ];
    assert_eq!(daemon.messages(), expect);
    assert!(!daemon.sandbox.profiles().join("error.log").exists());
}

#[test]
fn t_02_with_a_daemon() {
    t_02_a_service_that_died_is_started_again(true);
}

#[test]
fn t_02_in_the_foreground() {
    t_02_a_service_that_died_is_started_again(false);
}

#[test]
fn t_04_with_a_daemon() {
    t_04_a_second_hup_exits_at_once(true);
}

#[test]
fn t_04_in_the_foreground() {
    t_04_a_second_hup_exits_at_once(false);
}

#[test]
fn t_05_with_a_daemon() {
    t_05_the_log_is_where_it_is_wanted(true);
}

#[test]
fn t_05_in_the_foreground() {
    t_05_the_log_is_where_it_is_wanted(false);
}
