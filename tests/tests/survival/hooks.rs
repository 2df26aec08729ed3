//! The supervisor is killed while a hook runs: its question is asked again, and nothing else is different.

use std::fs;

use nix::sys::signal::Signal;
use proclaunch_tests::sandbox::Sandbox;

use crate::{SLEEP, kill_supervisor, lines_of, see_all};

/// A hook that writes down that it was called, and then takes its time.
const SLOW: &str = "return function() exec{ 'sh', '-c', 'echo called >> calls' }; sleep(2) end";

#[test]
fn scenario_27_while_on_exit_runs() {
    let sandbox = Sandbox::new();
    sandbox
        .profile("web", "echo start >> starts; exec sleep 1000")
        .set("restart", "")
        .set("on_exit.lua", SLOW);
    let daemon = sandbox.daemonize();
    let web = daemon.main_process("web");
    daemon.wait_for("web to start", || (lines_of(&daemon, "web", "starts") == 1).then_some(()));
    web.signal(Signal::SIGKILL);
    daemon.wait_for("the hook", || (lines_of(&daemon, "web", "calls") == 1).then_some(()));
    kill_supervisor(&daemon);
    daemon.wait_for("another web", || (lines_of(&daemon, "web", "starts") == 2).then_some(()));
    see_all(&daemon);
    assert_eq!(lines_of(&daemon, "web", "starts"), 2, "{}", daemon.log());
    assert_eq!(daemon.said("web", "died").len(), 1, "{}", daemon.log());
    assert!((1..=2).contains(&lines_of(&daemon, "web", "calls")), "{}", daemon.log());
    daemon.end(Signal::SIGHUP);
}

#[test]
fn scenario_27_while_on_stop_runs() {
    let sandbox = Sandbox::new();
    let run = "trap 'echo TERM >> signals; exit 0' TERM; echo start >> starts; while :; do sleep 0.05; done";
    sandbox.profile("web", run).set("restart", "").set("on_stop.lua", SLOW);
    let daemon = sandbox.daemonize();
    let web = daemon.main_process("web");
    daemon.wait_for("web to start", || (lines_of(&daemon, "web", "starts") == 1).then_some(()));
    daemon.sandbox.write("web", "env", "COLOUR=green\n");
    daemon.wait_for("the hook", || (lines_of(&daemon, "web", "calls") == 1).then_some(()));
    assert!(web.is_alive());
    kill_supervisor(&daemon);
    daemon.wait_for("another web", || (lines_of(&daemon, "web", "starts") == 2).then_some(()));
    assert!(!web.is_alive());
    assert_eq!(lines_of(&daemon, "web", "signals"), 1, "{}", daemon.log());
    assert_eq!(daemon.said("web", "died").len(), 0, "{}", daemon.log());
    daemon.end(Signal::SIGHUP);
}

#[test]
fn scenario_27_while_health_runs() {
    let sandbox = Sandbox::new();
    let health = "return { every = 0.1, times = 1, timeout = 5, function()\n\
                  exec{ 'sh', '-c', 'echo called >> calls; sleep 1' }\nreturn true end }";
    sandbox.profile("web", "echo start >> starts; exec sleep 1000").set("health.lua", health);
    let daemon = sandbox.daemonize();
    let web = daemon.main_process("web");
    for _ in 0..3 {
        let before = lines_of(&daemon, "web", "calls");
        daemon.wait_for("the check", || (lines_of(&daemon, "web", "calls") > before).then_some(()));
        kill_supervisor(&daemon);
    }
    let before = lines_of(&daemon, "web", "calls");
    daemon.wait_for("the check", || (lines_of(&daemon, "web", "calls") > before).then_some(()));
    assert!(web.is_alive(), "{}", daemon.log());
    assert_eq!(lines_of(&daemon, "web", "starts"), 1, "{}", daemon.log());
    assert_eq!(daemon.said("web", "unhealthy").len(), 0, "{}", daemon.log());
    daemon.end(Signal::SIGHUP);
}

#[test]
fn scenario_27_while_on_start_holds_the_gate() {
    let sandbox = Sandbox::new();
    let gate = "return function()\nexec{ 'sh', '-c', 'echo called >> calls' }\n\
                if file.exists('open') then return true end\nreturn false, 'closed' end";
    sandbox.profile("web", "echo start >> starts; exec sleep 1000").set("on_start.lua", gate);
    let daemon = sandbox.daemonize();
    daemon.wait_for("the hook", || (lines_of(&daemon, "web", "calls") >= 1).then_some(()));
    kill_supervisor(&daemon);
    assert_eq!(lines_of(&daemon, "web", "starts"), 0, "{}", daemon.log());
    fs::write(daemon.sandbox.profiles().join("web/open"), "").unwrap();
    daemon.wait_for("web to start", || (lines_of(&daemon, "web", "starts") >= 1).then_some(()));
    daemon.end(Signal::SIGHUP);
    assert_eq!(lines_of(&daemon, "web", "starts"), 1, "{}", daemon.log());
}

#[test]
fn scenario_44_vars_survive_the_supervisor() {
    let sandbox = Sandbox::new();
    let set = "return function(service) service.vars.word = 'remembered' end";
    let get = "return { every = 0.2, function(service)\n\
               if file.exists('ask') then log.info('it is ' .. tostring(service.vars.word)) end end }";
    sandbox.profile("web", SLEEP).set("on_ready.lua", set).set("on_tick.lua", get);
    let daemon = sandbox.daemonize();
    daemon.main_process("web");
    let record = daemon.sandbox.state().join("records/web.json");
    daemon.wait_for("the record", || fs::read_to_string(&record).ok()?.contains("remembered").then_some(()));
    kill_supervisor(&daemon);
    fs::write(daemon.sandbox.profiles().join("web/ask"), "").unwrap();
    daemon.wait_for_line("web", "on_tick: it is remembered");
    daemon.end(Signal::SIGHUP);
}
