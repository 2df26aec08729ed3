//! One supervisor after another, and two at once.

use std::fs;
use std::process::Command;

use nix::sys::signal::Signal;

use proclaunch_tests::processes::{Process, of_directory};
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::wait;

const SLEEP: &str = "exec sleep 86400";

/// Services of both kinds, by name.
const SERVICES: [&str; 3] = ["web", "db", "cache"];

fn make_services(sandbox: &Sandbox) {
    sandbox.profile("web", SLEEP).set("restart", "");
    sandbox.profile("db", SLEEP);
    sandbox.profile("cache", "sleep 86400 & echo $! > pid").set("pid_file", "pid").set("restart", "");
}

#[test]
fn after_term_the_next_start_adopts_what_runs() {
    let sandbox = Sandbox::new();
    make_services(&sandbox);
    let mut daemon = sandbox.daemonize();
    let services = SERVICES.map(|name| daemon.main_process(name));
    daemon.end(Signal::SIGTERM);
    assert!(!daemon.sandbox.state().join("proclaunch.pid").exists());
    assert!(daemon.log().trim_end().ends_with("ProcLaunch exiting"), "{}", daemon.log());
    assert!(services.iter().all(|service| service.is_alive()));
    daemon.start_again();
    for (name, service) in SERVICES.into_iter().zip(services) {
        let expect = format!("running pid {} (adopted, up ", service.pid);
        daemon.wait_for_line(name, &expect);
        assert!(service.is_alive());
        assert_eq!(daemon.said(name, "starting").len(), 1, "{}", daemon.log());
    }
    daemon.end(Signal::SIGHUP);
    assert!(of_directory(daemon.sandbox.path()).is_empty(), "{}", daemon.log());
}

#[test]
fn in_the_foreground_term_and_int_exit_0() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let sandbox = Sandbox::new();
        sandbox.profile("web", SLEEP);
        let mut supervisor = sandbox.start();
        let web = supervisor.main_process("web");
        assert_eq!(supervisor.end(signal).code(), Some(0), "{}", supervisor.log());
        supervisor.start_again();
        supervisor.wait_for_line("web", &format!("running pid {} (adopted, up ", web.pid));
        assert_eq!(supervisor.end(Signal::SIGHUP).code(), Some(111), "{}", supervisor.log());
        assert!(!web.is_alive());
    }
}

#[test]
fn after_kill_9_of_all_there_is_the_next_start_adopts_what_lives_and_doubles_nothing() {
    let sandbox = Sandbox::new();
    make_services(&sandbox);
    let mut daemon = sandbox.daemonize();
    let [web, db, cache] = SERVICES.map(|name| daemon.main_process(name));
    daemon.kill_all_parts();
    // The pid file is left, and one that died meanwhile.
    assert!(daemon.sandbox.state().join("proclaunch.pid").exists());
    web.signal(Signal::SIGKILL);
    daemon.start_again();
    let new = daemon.wait_for("another web", || daemon.pids("web").get(1).copied());
    assert_ne!(new, web.pid);
    daemon.wait_for_line("db", &format!("running pid {} (adopted, up ", db.pid));
    daemon.wait_for_line("cache", &format!("running pid {} (adopted, up ", cache.pid));
    let running = of_directory(&daemon.sandbox.profiles());
    let is_ours = |process: &Process| process.command_line().contains("proclaunch");
    let sleeping: Vec<Process> = running.into_iter().filter(|process| !is_ours(process)).collect();
    assert_eq!(sleeping.len(), SERVICES.len(), "{sleeping:?}: {}", daemon.log());
    daemon.end(Signal::SIGHUP);
    assert!(of_directory(daemon.sandbox.path()).is_empty(), "{}", daemon.log());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "two launchers at once")]
fn bug_10_of_two_starts_at_once_exactly_one_runs() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    for round in 1..=20 {
        let mut launchers: Vec<_> = [sandbox.command(), sandbox.command()]
            .map(|mut command: Command| command.spawn().unwrap())
            .into();
        for launcher in &mut launchers {
            assert_eq!(launcher.wait().unwrap().code(), Some(0));
        }
        let daemon = sandbox.instance().expect("one runs");
        daemon.signal(Signal::SIGHUP);
        wait::until(|| (!daemon.is_alive()).then_some(())).expect("it ends");
        let log = fs::read_to_string(sandbox.profiles().join("error.log")).unwrap();
        assert_eq!(log.matches(" ProcLaunch started pid ").count(), round, "{log}");
        let left = of_directory(sandbox.path());
        assert!(left.is_empty(), "{left:?}: {log}");
    }
}
