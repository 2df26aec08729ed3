//! The verbs against the real supervisor: an operator's day, and the supervisor killed in the middle of it.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;
use proclaunch::control::api::Profiles;
use proclaunch_tests::daemon::Daemon;
use proclaunch_tests::sandbox::{Sandbox, binary};
use proclaunch_tests::wait;

use crate::fake::printed;

/// A service that says when it is there and does not end by itself.
const SERVICE: &str = "echo up; exec sleep 1000";

pub(crate) fn command(state: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.arg("--state").arg(state).args(words).stdin(Stdio::null());
    command
}

/// What a verb prints and says, after it ended with this exit code.
#[track_caller]
pub(crate) fn verb(daemon: &Daemon, words: &[&str], code: i32) -> (String, String) {
    printed(&command(&daemon.sandbox.state(), words).output().unwrap(), code)
}

#[expect(clippy::disallowed_methods, reason = "a program of the test has no keeper above it")]
fn spawn(daemon: &Daemon, words: &[&str]) -> Child {
    command(&daemon.sandbox.state(), words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until a profile is in this state.
#[track_caller]
pub(crate) fn wait_for_state(daemon: &Daemon, name: &str, state: &str) {
    let found = wait::until(|| {
        let output = command(&daemon.sandbox.state(), &["status", "--json", name]).output().unwrap();
        let profiles: Profiles = serde_json::from_slice(&output.stdout).ok()?;
        (profiles.profiles.first()?.state == state).then_some(())
    });
    found.unwrap_or_else(|| panic!("{name} is {state} at last:\n{}", daemon.log()));
}

#[test]
fn an_operators_day() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SERVICE).set("health.lua", "return { every = 1, function() return true end }");
    sandbox.profile("once", "exit 0").set("oneshot", "");
    sandbox.profile("cron", SERVICE).set("down", "");
    sandbox.profile("broken", "exit 3");
    let daemon = sandbox.daemonize();
    wait_for_state(&daemon, "web", "running");
    wait_for_state(&daemon, "broken", "stopped");

    assert_eq!(verb(&daemon, &["list"], 0).0, "broken\ncron\nonce\nweb\n");
    verb(&daemon, &["status"], 0);
    verb(&daemon, &["status", "web", "cron"], 0);
    verb(&daemon, &["status", "broken"], 3);
    let (out, _) = verb(&daemon, &["start", "cron"], 0);
    assert!(out.starts_with("cron running pid "), "{out}");
    assert_eq!(verb(&daemon, &["stop", "c*"], 0).0, "cron stopped (signal TERM)\n");
    verb(&daemon, &["status", "web"], 0);
    verb(&daemon, &["restart", "web"], 0);
    verb(&daemon, &["signal", "CONT", "web"], 0);
    // It ran. Whether it has ended before the answer is made is a race, and both answers are true.
    let output = command(&daemon.sandbox.state(), &["start", "broken"]).output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    match output.status.code() {
        Some(0) => assert!(out.starts_with("broken running pid "), "{out}{err}"),
        _ => assert!(err.contains("start failed: it has ended again: exit 3"), "{out}{err}"),
    }

    let (out, _) = verb(&daemon, &["explain", "web"], 0);
    assert!(out.starts_with("web is running for ") && out.contains("What would come of what"), "{out}");
    let (out, _) = verb(&daemon, &["history", "web"], 0);
    assert!(out.contains("starting -> running") && out.contains("signal TERM after"), "{out}");
    assert_eq!(verb(&daemon, &["logs", "web"], 0).0, "up\nup\n");
    assert_eq!(verb(&daemon, &["logs", "web", "cron", "-n", "1"], 0).0, "cron | up\nweb  | up\n");
    let (out, _) = verb(&daemon, &["events", "--profile", "web"], 0);
    assert!(out.contains(" web starting -> running pid "), "{out}");
    assert!(!out.contains(" cron "), "{out}");
    let (out, _) = verb(&daemon, &["run-hook", "web", "health"], 0);
    assert!(out.starts_with("web health answered "), "{out}");
    verb(&daemon, &["run-hook", "web", "on_tick"], 1);

    // At once: it is looked for.
    daemon.sandbox.profile("new", SERVICE);
    verb(&daemon, &["start", "new"], 0);
    verb(&daemon, &["new", "made"], 0);
    verb(&daemon, &["status", "made"], 0);
    verb(&daemon, &["rescan"], 0);
    assert!(verb(&daemon, &["status", "--self"], 0).0.contains("\nsupervisor "));
    let (out, _) = verb(&daemon, &["upgrade"], 0);
    assert!(out.starts_with("upgraded from "), "{out}");
    verb(&daemon, &["status", "web", "new"], 0);
    assert_eq!(verb(&daemon, &["shutdown"], 0).0, "all profiles are stopped, ProcLaunch has ended\n");
    let (_, err) = verb(&daemon, &["status"], 111);
    assert!(err.contains("no supervisor runs with state directory"), "{err}");
}

#[test]
fn an_upgrade_that_is_refused_says_why() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SERVICE);
    let daemon = sandbox.daemonize_own(&[]);
    wait_for_state(&daemon, "web", "running");
    let (program, new) = (daemon.sandbox.own_program(), daemon.sandbox.path().join("new"));
    fs::write(&new, "#!/bin/sh\necho 'no such luck' >&2\nexit 1\n").unwrap();
    fs::set_permissions(&new, Permissions::from_mode(0o755)).unwrap();
    fs::rename(new, program).unwrap();
    for _ in 0..2 {
        let (out, err) = verb(&daemon, &["upgrade"], 1);
        assert_eq!(out, "");
        assert!(err.starts_with("proclaunch: the old program stays: "), "{err}");
        assert!(err.contains("no such luck (exit 1)"), "{err}");
    }
    verb(&daemon, &["shutdown"], 0);
}

#[test]
fn a_supervisor_that_is_stopped_is_named() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SERVICE);
    let daemon = sandbox.daemonize();
    wait_for_state(&daemon, "web", "running");
    let supervisor = daemon.supervisor().unwrap();
    supervisor.signal(Signal::SIGSTOP);
    let pid = supervisor.pid;
    let (_, err) = verb(&daemon, &["status"], 111);
    let is_stopped =
        format!("the supervisor, pid {pid}, is stopped (`kill -CONT {pid}` has it go on), and did");
    assert!(err.contains(&is_stopped), "{err}");
    supervisor.signal(Signal::SIGCONT);
    verb(&daemon, &["shutdown"], 0);
}

#[test]
fn a_stop_is_waited_for_while_the_supervisor_is_killed() {
    let sandbox = Sandbox::new();
    sandbox.profile("slow", "trap '' TERM; echo up; while :; do sleep 0.1; done").set("stop_timeout", "3");
    let daemon = sandbox.daemonize();
    wait::until(|| daemon.output("slow").contains("up").then_some(())).expect("it runs");
    let stop = spawn(&daemon, &["stop", "slow"]);
    wait_for_state(&daemon, "slow", "stopping");
    daemon.supervisor().unwrap().signal(Signal::SIGKILL);
    let (out, _) = printed(&stop.wait_with_output().unwrap(), 0);
    assert_eq!(out, "slow stopped (signal KILL)\n");
    verb(&daemon, &["shutdown"], 0);
}

#[test]
fn what_is_followed_goes_on_after_the_supervisor_is_killed() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SERVICE);
    let daemon = sandbox.daemonize();
    wait::until(|| daemon.output("web").contains("up").then_some(())).expect("it runs");
    let mut events = spawn(&daemon, &["events", "-f", "--profile", "web"]);
    let mut logs = spawn(&daemon, &["logs", "-f", "web"]);
    let mut told = BufReader::new(events.stdout.take().unwrap()).lines();
    let mut said = BufReader::new(logs.stdout.take().unwrap()).lines();
    let mut told_of = |what: &str| told.find(|line| line.as_ref().unwrap().contains(what)).unwrap().unwrap();
    told_of("starting -> running");
    assert_eq!(said.next().unwrap().unwrap(), "up");
    daemon.supervisor().unwrap().signal(Signal::SIGKILL);
    // This one is answered by the next supervisor.
    verb(&daemon, &["restart", "web"], 0);
    told_of("starting -> running");
    // It may have been written while nobody was connected.
    assert_eq!(said.next().unwrap().unwrap(), "up");
    for mut child in [events, logs] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    verb(&daemon, &["shutdown"], 0);
}

#[test]
fn each_line_is_followed_once_and_in_order_over_rotations_and_deaths_of_the_supervisor() {
    let writes = "n=0\nwhile [ $n -lt 3000 ]; do n=$((n + 1)); echo line $n; \
                  [ $((n % 20)) = 0 ] && sleep 0.02; done\nexec sleep 1000";
    let sandbox = Sandbox::new();
    sandbox.profile("web", writes).set("log", "4K 100");
    let daemon = sandbox.daemonize();
    daemon.main_process("web");
    let mut logs = spawn(&daemon, &["logs", "-f", "web", "-n", "100000"]);
    let lines = BufReader::new(logs.stdout.take().unwrap()).lines();
    let mut killed = None;
    for (number, line) in (1..=3000).zip(lines) {
        assert_eq!(line.unwrap(), format!("line {number}"));
        if number % 400 == 200 {
            let next = || daemon.supervisor().filter(|supervisor| Some(supervisor.pid) != killed);
            let supervisor = wait::closely(next).expect("there is a next supervisor");
            supervisor.signal(Signal::SIGKILL);
            killed = Some(supervisor.pid);
        }
    }
    assert!(daemon.output_files("web").len() > 5, "the files were rotated");
    logs.kill().unwrap();
    let output = logs.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "nothing was missing");
    // Who does not follow is given the same.
    let (out, _) = verb(&daemon, &["logs", "web", "-n", "2500"], 0);
    assert!(out.starts_with("line 501\n") && out.ends_with("line 3000\n"), "{out}");
    verb(&daemon, &["shutdown"], 0);
}

#[test]
fn a_rolling_restart_stops_where_one_does_not_come_back() {
    let health = "return { every = 0.2, function() return true end }";
    let sandbox = Sandbox::new();
    for name in ["web-1", "web-2", "web-3"] {
        sandbox.profile(name, SERVICE).set("health.lua", health);
    }
    let daemon = sandbox.daemonize();
    let (out, _) = verb(&daemon, &["restart", "--rolling", "web-*"], 0);
    assert_eq!(out.lines().count(), 3, "{out}");
    // Its files stay as they are for those that run: policy takes force at once, and what fails is seen after the start.
    daemon.sandbox.profile("web-2", SERVICE).set("health.lua", health.replace("true", "false"));
    verb(&daemon, &["rescan"], 0);
    let (out, err) = verb(&daemon, &["restart", "--rolling", "web-*"], 1);
    assert!(out.starts_with("web-1 running pid ") && out.lines().count() == 1, "{out}");
    assert!(err.ends_with("done: web-1; failed: web-2; not touched: web-3\n"), "{err}");
    verb(&daemon, &["shutdown"], 0);
}
