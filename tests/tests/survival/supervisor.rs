//! The supervisor is killed: services are not touched, and everything goes on where it was.

use std::fs;

use nix::sys::signal::Signal;
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::wait;

use crate::{SLEEP, between, kill_supervisor, lines_of, see_all};

/// Says in a file that it was started.
const COUNTED: &str = "echo start >> starts\n";

#[test]
fn scenario_27_idle_everything_is_as_it_was() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", &format!("{COUNTED}{SLEEP}")).set("restart", "");
    let daemon = "setsid sh -c 'echo $$ > pid; exec sleep 1000' </dev/null >/dev/null 2>&1 &\nexit 0";
    sandbox.profile("db", &format!("{COUNTED}{daemon}")).set("restart", "").set("pid_file", "pid");
    sandbox.profile("done", &format!("{COUNTED}exit 0")).set("oneshot", "");
    sandbox.profile("dead", &format!("{COUNTED}exit 3"));
    sandbox.profile("held", &format!("{COUNTED}{SLEEP}")).set("down", "");
    let daemon = sandbox.daemonize();
    let services = ["web", "db"].map(|name| daemon.main_process(name));
    daemon.wait_for_line("done", "finished");
    daemon.wait_for_line("dead", "died");
    let started = wait::now();
    for _ in 0..3 {
        kill_supervisor(&daemon);
    }
    assert!(services.iter().all(|service| service.is_alive()), "{}", daemon.log());
    for (name, starts) in [("web", 1), ("db", 1), ("done", 1), ("dead", 1), ("held", 0)] {
        assert_eq!(lines_of(&daemon, name, "starts"), starts, "{name}: {}", daemon.log());
    }
    assert_eq!(daemon.said("ProcLaunch", "started").len(), 1, "{}", daemon.log());
    // The run goes on: its end is judged by its whole length, and told exactly.
    wait::until(|| (started.elapsed().as_secs() >= 2).then_some(())).unwrap();
    services[0].signal(Signal::SIGKILL);
    let died = daemon.wait_for_line("web", "died");
    assert!(died.contains(", signal KILL, after ") && died.ends_with(", restart at once)"), "{died}");
    let after: f64 = died.split("after ").nth(1).unwrap().split_once("s,").unwrap().0.parse().unwrap();
    assert!(after >= 2.0, "{died}");
    daemon.end(Signal::SIGHUP);
}

#[test]
fn scenario_27_what_ends_while_no_supervisor_lives_is_told_exactly_and_once() {
    let sandbox = Sandbox::new();
    let names: Vec<String> = (1..=8).map(|code| format!("code{code}")).collect();
    for (name, code) in names.iter().zip(1..) {
        let run = format!("{COUNTED}while [ ! -e ../go ]; do sleep 0.02; done; exit {code}");
        sandbox.profile(name, &run);
    }
    let daemon = sandbox.daemonize();
    let services: Vec<_> = names.iter().map(|name| daemon.main_process(name)).collect();
    let supervisor = daemon.supervisor().unwrap();
    // Stopped, it takes nothing; killed, it never will.
    supervisor.signal(Signal::SIGSTOP);
    fs::write(daemon.sandbox.profiles().join("go"), "").unwrap();
    daemon.wait_for("all to end", || services.iter().all(|service| !service.is_alive()).then_some(()));
    supervisor.signal(Signal::SIGKILL);
    for (name, code) in names.iter().zip(1..) {
        let died = daemon.wait_for_line(name, "died");
        assert!(died.contains(&format!(", exit {code}, ")), "{died}");
    }
    see_all(&daemon);
    for name in &names {
        assert_eq!(daemon.said(name, "died").len(), 1, "{}", daemon.log());
        assert_eq!(lines_of(&daemon, name, "starts"), 1, "{}", daemon.log());
    }
    daemon.end(Signal::SIGHUP);
}

#[test]
fn scenario_27_while_a_slow_one_gets_ready() {
    let sandbox = Sandbox::new();
    let ready = "return function() return file.exists('serves') end";
    sandbox.profile("web", &format!("{COUNTED}{SLEEP}")).set("restart", "").set("ready.lua", ready);
    let daemon = sandbox.daemonize();
    daemon.wait_for("web to start", || (lines_of(&daemon, "web", "starts") == 1).then_some(()));
    kill_supervisor(&daemon);
    assert_eq!(daemon.pids("web"), [0; 0], "{}", daemon.log());
    fs::write(daemon.sandbox.profiles().join("web/serves"), "").unwrap();
    daemon.main_process("web");
    assert_eq!(daemon.pids("web").len(), 1, "{}", daemon.log());
    assert_eq!(lines_of(&daemon, "web", "starts"), 1, "{}", daemon.log());
    daemon.end(Signal::SIGHUP);
}

#[test]
fn scenario_27_while_a_daemon_has_not_written_its_pid_file() {
    let sandbox = Sandbox::new();
    let late = "setsid sh -c 'while [ ! -e go ]; do sleep 0.02; done; echo $$ > pid; exec sleep 1000' \
                </dev/null >/dev/null 2>&1 &\nexit 0";
    sandbox.profile("db", &format!("{COUNTED}{late}")).set("restart", "").set("pid_file", "pid");
    let daemon = sandbox.daemonize();
    daemon.wait_for("db to start", || (lines_of(&daemon, "db", "starts") == 1).then_some(()));
    kill_supervisor(&daemon);
    fs::write(daemon.sandbox.profiles().join("db/go"), "").unwrap();
    daemon.main_process("db");
    assert_eq!(lines_of(&daemon, "db", "starts"), 1, "{}", daemon.log());
    daemon.end(Signal::SIGHUP);
}

#[test]
fn scenario_27_a_start_times_out_when_it_would_have() {
    let sandbox = Sandbox::new();
    let run = format!("{COUNTED}setsid sleep 1000 </dev/null >/dev/null 2>&1 &\nexit 0");
    sandbox.profile("db", &run).set("pid_file", "pid").set("start_timeout", "3");
    let daemon = sandbox.daemonize();
    daemon.wait_for("db to start", || (lines_of(&daemon, "db", "starts") == 1).then_some(()));
    kill_supervisor(&daemon);
    let waited = between(&daemon, "db", "starting", "failed to start");
    assert!((2_900..5_500).contains(&waited), "after {waited} ms: {}", daemon.log());
    assert_eq!(lines_of(&daemon, "db", "starts"), 1, "{}", daemon.log());
    daemon.end(Signal::SIGHUP);
}

#[test]
fn scenario_27_in_backoff_the_next_try_comes_when_it_would_have() {
    let sandbox = Sandbox::new();
    let web = sandbox.profile("web", &format!("{COUNTED}exit 3")).set("restart", "");
    web.set("backoff", "3 3");
    let daemon = sandbox.daemonize();
    daemon.wait_for_line("web", "died");
    kill_supervisor(&daemon);
    let second = || daemon.times("web", "starting").get(1).copied();
    let next = daemon.wait_for("the next try", second) - daemon.times("web", "died")[0];
    assert!((2_600..5_500).contains(&next), "after {next} ms: {}", daemon.log());
    daemon.wait_for("two starts", || (lines_of(&daemon, "web", "starts") == 2).then_some(()));
    daemon.end(Signal::SIGHUP);
}

#[test]
fn scenario_27_backoff_and_the_window_of_give_up_go_on() {
    let sandbox = Sandbox::new();
    let web = sandbox.profile("web", &format!("{COUNTED}exit 3")).set("restart", "");
    web.set("backoff", "0.7 60").set("give_up", "3 60");
    let daemon = sandbox.daemonize();
    for deaths in 1..3 {
        daemon.wait_for("a death", || (daemon.said("web", "died").len() == deaths).then_some(()));
        kill_supervisor(&daemon);
    }
    daemon.wait_for_line("web", "gave up");
    assert_eq!(lines_of(&daemon, "web", "starts"), 3, "{}", daemon.log());
    let died = daemon.said("web", "died");
    // Doubled, give or take a tenth: 1.26 to 1.54 s, of which the log shows whole tenths.
    let doubled = ["1.2s", "1.3s", "1.4s", "1.5s"].map(|delay| format!("restart in {delay})"));
    assert!(doubled.iter().any(|end| died[1].ends_with(end)), "{died:?}");
    kill_supervisor(&daemon);
    assert_eq!(lines_of(&daemon, "web", "starts"), 3, "given up it stays: {}", daemon.log());
    daemon.end(Signal::SIGHUP);
}

#[test]
fn scenario_27_a_change_of_files_that_nobody_saw_is_seen() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", &format!("{COUNTED}{SLEEP}")).set("restart", "");
    sandbox.profile("gone", SLEEP).set("restart", "");
    let daemon = sandbox.daemonize();
    let (web, gone) = (daemon.main_process("web"), daemon.main_process("gone"));
    let supervisor = daemon.supervisor().unwrap();
    supervisor.signal(Signal::SIGSTOP);
    daemon.sandbox.write("web", "env", "COLOUR=green\n");
    fs::rename(daemon.sandbox.profiles().join("gone"), daemon.sandbox.path().join("gone")).unwrap();
    daemon.sandbox.profile("new", SLEEP);
    supervisor.signal(Signal::SIGKILL);
    daemon.main_process("new");
    daemon.wait_for_line("gone", "disappeared. Stopping and not restarting.");
    daemon.wait_for_line("gone", "stopped");
    daemon.wait_for("another web", || daemon.pids("web").get(1).copied());
    assert!(!web.is_alive() && !gone.is_alive(), "{}", daemon.log());
    daemon.wait_for("what it writes down", || (lines_of(&daemon, "web", "starts") == 2).then_some(()));
    daemon.end(Signal::SIGHUP);
}
