//! Processes of ProcLaunch that die at the very points where it would hurt: everything is there once, and goes on.
//!
//! The program is built with points at which it kills itself when a test asks for it by a file of the point's name.

use std::fs;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use proclaunch_tests::daemon::Daemon;
use proclaunch_tests::parts::helpers;
use proclaunch_tests::processes::of_directory;
use proclaunch_tests::sandbox::{Sandbox, killpoints_binary};
use proclaunch_tests::wait;

use crate::{SLEEP, lines_of, see_all};

struct Points {
    daemon: Daemon,
    dir: PathBuf,
    ledgers: PathBuf,
}

impl Points {
    /// ProcLaunch with a service `web` that keeps a ledger of its lives, and with what `make` adds.
    fn new(make: impl FnOnce(&Sandbox)) -> Self {
        let sandbox = Sandbox::new();
        let (dir, ledgers) = (sandbox.path().join("points"), sandbox.path().join("ledgers"));
        fs::create_dir(&dir).unwrap();
        fs::create_dir(&ledgers).unwrap();
        let service = env!("CARGO_BIN_EXE_chaos-service");
        let web = sandbox.profile("web", &format!("exec {service} {} web rate=200", ledgers.display()));
        web.set("restart", "").set("backoff", "0.2 1").set("log", "4K 500");
        sandbox.profile("steady", &format!("echo start >> starts; {SLEEP}")).set("restart", "");
        make(&sandbox);
        let daemon = sandbox.daemonize_as(killpoints_binary(), |command| {
            command.env("PROCLAUNCH_KILLPOINTS", &dir);
        });
        let points = Self { daemon, dir, ledgers };
        points.daemon.main_process("steady");
        points.wait_for_life(1);
        points
    }

    fn ledger(&self) -> String {
        fs::read_to_string(self.ledgers.join("web.ledger")).unwrap_or_default()
    }

    fn lives(&self) -> usize {
        self.ledger().matches("start ").count()
    }

    #[track_caller]
    fn wait_for_life(&self, number: usize) {
        self.daemon.wait_for("a life of web", || (self.lives() >= number).then_some(()));
    }

    fn kill_web(&self) {
        self.daemon.main_process("web").signal(Signal::SIGKILL);
    }

    /// Has the point kill whoever passes it next.
    fn arm(&self, point: &str) {
        fs::write(self.dir.join(point), "").unwrap();
    }

    /// Waits until somebody has died of it.
    #[track_caller]
    fn wait_for_death(&self, point: &str) {
        self.daemon
            .wait_for(&format!("a death at `{point}`"), || (!self.dir.join(point).exists()).then_some(()));
    }

    /// After it: one of each, no service twice, none lost, and what happens is acted on.
    #[track_caller]
    fn all_is_well(self, lives: usize) {
        let daemon = &self.daemon;
        daemon.wait_for_parts();
        see_all(daemon);
        self.wait_for_life(lives);
        daemon.wait_for("one of each", || (helpers(&daemon.sandbox.state()).len() == 2).then_some(()));
        assert_eq!(self.lives(), lives, "{}{}", self.ledger(), daemon.log());
        assert_eq!(lines_of(daemon, "steady", "starts"), 1, "{}", daemon.log());
        self.kill_web();
        self.wait_for_life(lives + 1);
        assert!(!self.ledger().contains("OVERLAP"), "{}{}", self.ledger(), daemon.log());
        daemon.end(Signal::SIGHUP);
        daemon.wait_for("all to be gone", || of_directory(daemon.sandbox.path()).is_empty().then_some(()));
        assert!(
            daemon.log().trim_end().ends_with("ProcLaunch all profiles stopped. Exiting."),
            "{}",
            daemon.log()
        );
    }
}

/// Dies at a point that the restart of `web` passes.
#[track_caller]
fn at_a_restart(point: &str) {
    let points = Points::new(|_| ());
    points.arm(point);
    points.kill_web();
    points.wait_for_death(point);
    points.all_is_well(2);
}

#[test]
fn the_keeper_before_it_spawns() {
    at_a_restart("before-spawn");
}

#[test]
fn the_keeper_after_it_has_spawned() {
    at_a_restart("after-spawn");
}

/// Ends when it is asked to, and writes down that it was.
const POLITE: &str =
    "trap 'echo TERM >> signals; exit' TERM; echo start >> starts; while :; do sleep 0.05; done";

#[test]
fn the_supervisor_after_it_has_recorded_a_stop_signal() {
    let points = Points::new(|sandbox| {
        sandbox.profile("polite", POLITE).set("restart", "").set("stop_timeout", "600");
    });
    let daemon = &points.daemon;
    daemon.wait_for("polite to listen", || (lines_of(daemon, "polite", "starts") == 1).then_some(()));
    points.arm("stop-recorded");
    daemon.sandbox.write("polite", "env", "COLOUR=green\n");
    points.wait_for_death("stop-recorded");
    daemon.wait_for("its next start", || (lines_of(daemon, "polite", "starts") == 2).then_some(()));
    assert_eq!(lines_of(daemon, "polite", "signals"), 1, "{}", daemon.log());
    points.all_is_well(1);
}

#[test]
fn the_supervisor_after_a_spawn_that_is_not_recorded() {
    at_a_restart("after-spawn-before-record");
}

#[test]
fn the_keeper_while_its_child_has_not_executed_run() {
    at_a_restart("child-before-exec");
}

#[test]
fn the_supervisor_after_a_record_was_written() {
    at_a_restart("record-written");
}

#[test]
fn the_supervisor_in_a_backoff() {
    let points = Points::new(|sandbox| {
        let crashes = sandbox.profile("crashes", "echo start >> starts; exit 3");
        crashes.set("restart", "").set("backoff", "2 2").set("down", "");
    });
    points.arm("backoff");
    fs::remove_file(points.daemon.sandbox.profiles().join("crashes/down")).unwrap();
    points.wait_for_death("backoff");
    let again = || points.daemon.times("crashes", "starting").get(1).copied();
    let next = points.daemon.wait_for("the next try", again) - points.daemon.times("crashes", "died")[0];
    assert!((1_700..4_500).contains(&next), "after {next} ms: {}", points.daemon.log());
    points.all_is_well(1);
}

#[test]
fn the_supervisor_while_on_exit_is_asked() {
    let points = Points::new(|sandbox| {
        sandbox.write("web", "on_exit.lua", "return function() end\n");
    });
    points.arm("on-exit");
    points.kill_web();
    points.wait_for_death("on-exit");
    points.all_is_well(2);
}

#[test]
fn the_supervisor_as_it_begins_to_stop() {
    let points = Points::new(|_| ());
    points.arm("stopping");
    points.daemon.sandbox.write("web", "env", "COLOUR=green\n");
    points.wait_for_death("stopping");
    points.all_is_well(2);
}

#[test]
fn the_supervisor_between_term_and_kill() {
    let points = Points::new(|sandbox| {
        let deaf = "trap 'echo TERM >> signals' TERM; echo start >> starts; while :; do sleep 0.05; done";
        sandbox.profile("deaf", deaf).set("restart", "").set("stop_timeout", "1");
    });
    points.daemon.wait_for("deaf", || (lines_of(&points.daemon, "deaf", "starts") == 1).then_some(()));
    points.arm("between-term-and-kill");
    points.daemon.sandbox.write("deaf", "env", "COLOUR=green\n");
    points.wait_for_death("between-term-and-kill");
    points.daemon.wait_for("another one", || (lines_of(&points.daemon, "deaf", "starts") == 2).then_some(()));
    assert_eq!(lines_of(&points.daemon, "deaf", "signals"), 1, "{}", points.daemon.log());
    points.all_is_well(1);
}

#[test]
fn the_supervisor_as_it_reads_the_profiles() {
    let points = Points::new(|_| ());
    points.arm("rescan");
    points.daemon.sandbox.profile("new", SLEEP);
    points.wait_for_death("rescan");
    points.daemon.main_process("new");
    points.all_is_well(1);
}

#[test]
fn the_logger_as_it_rotates() {
    let points = Points::new(|_| ());
    for _ in 0..3 {
        points.arm("rotation");
        points.wait_for_death("rotation");
    }
    points.daemon.wait_for_parts();
    let kept = points.daemon.kept("web").len();
    points.daemon.wait_for("more lines", || (points.daemon.kept("web").len() > kept + 10_000).then_some(()));
    let text = String::from_utf8(points.daemon.kept("web")).unwrap();
    for (number, line) in text.lines().enumerate() {
        assert!(
            line.starts_with(&format!("web 1 {number} ")),
            "line {number}: {line}\n{}",
            points.daemon.log()
        );
    }
    points.all_is_well(1);
}

#[test]
fn the_keeper_in_the_middle_of_an_upgrade() {
    let points = Points::new(|_| ());
    points.arm("upgrade");
    points.daemon.wait_for_parts().keeper.signal(Signal::SIGUSR2);
    points.wait_for_death("upgrade");
    points.all_is_well(1);
}

#[test]
fn a_bug_on_the_control_thread_ends_that_alone_and_another_one_answers() {
    let points = Points::new(|_| ());
    let (daemon, control) = (&points.daemon, points.daemon.control());
    let supervisor = daemon.supervisor().unwrap();
    assert_eq!(control.get("/livez").body, "ok\n");
    let following = control.send("GET", "/v1/events?follow=true", &[]);
    points.arm("control-panic");
    assert_eq!(control.try_get("/livez"), None, "whoever asked is told by the end of the connection");
    let died = wait::now();
    assert!(following.try_all().is_some(), "and whoever follows");
    wait::closely(|| control.try_get("/livez")).expect("another one answers");
    println!("answered {:?} later", died.elapsed());
    daemon.wait_for_line("ProcLaunch", "replaces the control thread (a bug has ended it: `made for a test`");
    assert_eq!(control.order("web", "restart").result, "done");
    assert_eq!(daemon.supervisor(), Some(supervisor), "the supervisor goes on");
    points.all_is_well(2);
}

#[test]
fn the_supervisor_when_all_is_stopped_and_forgotten_and_the_keeper_does_not_know_yet() {
    let points = Points::new(|_| ());
    let keeper = points.daemon.keeper().unwrap();
    points.arm("drained");
    points.daemon.end(Signal::SIGHUP);
    points.wait_for_death("drained");
    assert!(!keeper.is_alive());
    let daemon = &points.daemon;
    daemon.wait_for("all to be gone", || of_directory(daemon.sandbox.path()).is_empty().then_some(()));
    assert_eq!((points.lives(), lines_of(daemon, "steady", "starts")), (1, 1), "{}", daemon.log());
    // The drain is over: it does not stand in the way of the next start.
    let mut points = points;
    points.daemon.start_again();
    points.wait_for_life(2);
    points.daemon.end(Signal::SIGHUP);
}
