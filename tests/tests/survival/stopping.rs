//! The supervisor is killed while something stops: it is stopped all the same, no sooner and no later.

use std::fs;

use nix::sys::signal::Signal;
use proclaunch_tests::daemon::Daemon;
use proclaunch_tests::processes::of_directory;
use proclaunch_tests::sandbox::Sandbox;

use crate::{between, kill_supervisor, lines_of};

/// Writes each signal down, and does not end. The shell's `trap` runs as soon as `wait` or a short sleep is over.
const DEAF: &str = "for s in USR1 INT TERM; do trap \"echo $s >> signals\" $s; done\n\
                    echo start >> starts; while :; do sleep 0.05; done";

fn remove(daemon: &Daemon, profile: &str) {
    let away = daemon.sandbox.path().join(profile);
    fs::rename(daemon.sandbox.profiles().join(profile), &away).unwrap();
}

/// What it has written down, wherever its directory is.
fn signals(daemon: &Daemon, profile: &str) -> String {
    let (here, away) = (daemon.sandbox.profiles().join(profile), daemon.sandbox.path().join(profile));
    let text = fs::read_to_string(here.join("signals")).or_else(|_| fs::read_to_string(away.join("signals")));
    text.unwrap_or_default().replace('\n', " ")
}

#[test]
fn scenario_27_between_term_and_kill_the_kill_comes_when_it_would_have() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", DEAF).set("restart", "").set("stop_timeout", "3");
    let daemon = sandbox.daemonize();
    let web = daemon.main_process("web");
    daemon.wait_for("web to be deaf", || (lines_of(&daemon, "web", "starts") == 1).then_some(()));
    remove(&daemon, "web");
    daemon.wait_for("TERM", || (signals(&daemon, "web") == "TERM ").then_some(()));
    assert!(web.is_alive());
    kill_supervisor(&daemon);
    let waited = between(&daemon, "web", "stopping", "still running");
    assert!((2_900..5_500).contains(&waited), "after {waited} ms: {}", daemon.log());
    daemon.wait_for_line("web", "stopped");
    assert!(!web.is_alive());
    assert_eq!(signals(&daemon, "web"), "TERM ", "not sent again: {}", daemon.log());
    assert_eq!(daemon.said("web", "starting").len(), 1);
    daemon.end(Signal::SIGHUP);
}

/// Stops a service that takes three signals, with the supervisor killed after each.
#[track_caller]
fn goes_through_all_steps(stop: impl FnOnce(&Daemon)) {
    let sandbox = Sandbox::new();
    let web = sandbox.profile("web", DEAF).set("restart", "");
    web.set("stop_signal", "USR1 1.5 INT 1.5 TERM 1.5 KILL");
    let daemon = sandbox.daemonize();
    let web = daemon.main_process("web");
    daemon.wait_for("web to be deaf", || (lines_of(&daemon, "web", "starts") == 1).then_some(()));
    stop(&daemon);
    for so_far in ["USR1 ", "USR1 INT ", "USR1 INT TERM "] {
        daemon.wait_for(so_far, || (signals(&daemon, "web") == so_far).then_some(()));
        kill_supervisor(&daemon);
    }
    daemon.wait_for_line("web", "stopped");
    assert!(!web.is_alive());
    assert_eq!(signals(&daemon, "web"), "USR1 INT TERM ", "{}", daemon.log());
    daemon.end(Signal::SIGHUP);
}

#[test]
fn scenario_27_a_sequence_of_stop_signals_goes_on_at_its_step() {
    goes_through_all_steps(|daemon| daemon.sandbox.write("web", "env", "COLOUR=green\n"));
}

#[test]
fn scenario_27_a_sequence_of_stop_signals_goes_on_at_its_step_though_the_directory_is_gone() {
    goes_through_all_steps(|daemon| remove(daemon, "web"));
}

#[test]
fn scenario_27_what_follows_a_stop_follows() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", DEAF).set("restart", "").set("stop_timeout", "2");
    let daemon = sandbox.daemonize();
    let first = daemon.main_process("web");
    daemon.wait_for("web to be deaf", || (lines_of(&daemon, "web", "starts") == 1).then_some(()));
    // A change: it is stopped and started again.
    daemon.sandbox.write("web", "env", "COLOUR=green\n");
    daemon.wait_for("TERM", || (signals(&daemon, "web") == "TERM ").then_some(()));
    kill_supervisor(&daemon);
    daemon.wait_for("another web", || daemon.pids("web").iter().any(|pid| *pid != first.pid).then_some(()));
    assert!(!first.is_alive());
    daemon.wait_for("its start", || (lines_of(&daemon, "web", "starts") == 2).then_some(()));
    daemon.end(Signal::SIGHUP);
}

#[test]
fn scenario_27_a_drain_goes_on() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", DEAF).set("restart", "").set("stop_timeout", "2");
    sandbox.profile("db", "exec sleep 1000").set("restart", "");
    let daemon = sandbox.daemonize();
    daemon.main_process("db");
    let web = daemon.main_process("web");
    daemon.wait_for("web to be deaf", || (lines_of(&daemon, "web", "starts") == 1).then_some(()));
    let (keeper, supervisor) = (daemon.keeper().unwrap(), daemon.supervisor().unwrap());
    keeper.signal(Signal::SIGHUP);
    daemon.wait_for_line("db", "stopped");
    supervisor.signal(Signal::SIGKILL);
    daemon.wait_for("the end", || (!keeper.is_alive()).then_some(()));
    let log = daemon.log();
    assert!(log.trim_end().ends_with("ProcLaunch all profiles stopped. Exiting."), "{log}");
    assert!(!web.is_alive(), "{log}");
    assert_eq!(daemon.said("db", "starting").len(), 1, "{log}");
    assert!(of_directory(daemon.sandbox.path()).is_empty(), "{log}");
}
