//! Stops: by which signals, of whom, for how long.

use std::collections::BTreeMap;
use std::fs;

use nix::sys::signal::Signal;
use proclaunch_tests::processes::{Process, of_directory};
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;

use crate::{SLEEP, pid_in};

/// Takes a profile away, and waits until it is stopped.
#[track_caller]
fn remove(supervisor: &Supervisor, profile: &str) -> String {
    let gone = supervisor.sandbox.path().join(format!("{profile}.gone"));
    fs::rename(supervisor.sandbox.profiles().join(profile), gone).unwrap();
    supervisor.wait_for_line(profile, "stopped")
}

#[test]
fn scenario_21_who_ignores_term_is_killed_at_the_stop_timeout() {
    let sandbox = Sandbox::new();
    sandbox
        .profile("web", "trap '' TERM; echo $$ > ready; while :; do sleep 0.1; done")
        .set("stop_timeout", "1");
    let supervisor = sandbox.start();
    let pid = pid_in(&supervisor, "web", "ready");
    assert_eq!(remove(&supervisor, "web"), format!("stopped (pid {pid}, signal KILL)"));
    let killed = supervisor.said("web", "still running after ");
    assert!(killed.len() == 1 && killed[0].ends_with("s; killing"), "{killed:?}");
    let [asked, killed, stopped] = ["stopping", "still running after ", "stopped"]
        .map(|words| crate::times(&supervisor, "web", words)[0]);
    // Lines bear the time at which they are written, a moment after that of the decision.
    assert!(killed - asked >= 990 && stopped >= killed, "{}", supervisor.log());
    assert_eq!(of_directory(supervisor.sandbox.path()).len(), 0);
}

#[test]
fn scenario_21_a_sequence_is_sent_step_by_step() {
    let sandbox = Sandbox::new();
    let run =
        "for s in QUIT TERM; do trap \"echo got $s\" $s; done; echo $$ > ready; while :; do sleep 0.1; done";
    sandbox.profile("web", run).set("stop_signal", "QUIT 1 TERM 1");
    let supervisor = sandbox.start();
    let pid = pid_in(&supervisor, "web", "ready");
    assert_eq!(remove(&supervisor, "web"), format!("stopped (pid {pid}, signal KILL)"));
    assert_eq!(supervisor.output("web"), "got QUIT\ngot TERM\n");
    let steps = supervisor.said("web", "still running ");
    assert_eq!(steps.len(), 2, "{steps:?}");
    assert!(steps[0].ends_with("after the stop signal; sending TERM"), "{steps:?}");
    assert!(steps[1].starts_with("still running after ") && steps[1].ends_with("; killing"), "{steps:?}");
}

#[test]
fn scenario_21_a_sequence_ends_with_the_step_that_works() {
    let sandbox = Sandbox::new();
    let run = "trap 'echo got QUIT' QUIT; trap 'echo got INT; exit 4' INT; echo $$ > ready; while :; do sleep 0.1; done";
    sandbox.profile("web", run).set("stop_signal", "QUIT 0.5 INT 60 TERM 60");
    let supervisor = sandbox.start();
    let pid = pid_in(&supervisor, "web", "ready");
    assert_eq!(remove(&supervisor, "web"), format!("stopped (pid {pid}, exit 4)"));
    assert_eq!(supervisor.output("web"), "got QUIT\ngot INT\n");
}

#[test]
fn a_process_that_is_stopped_by_sigstop_is_woken_for_its_end() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP).set("stop_timeout", "100");
    let supervisor = sandbox.start();
    supervisor.main_process("web").signal(Signal::SIGSTOP);
    assert!(remove(&supervisor, "web").ends_with("signal TERM)"));
}

/// Three processes that say who got TERM: the main one, a child in its group, and one that has left session, group
/// and parent.
///
/// In Perl, which is one process each: a shell's own child takes the group's signal too, and now and then the shell with
/// it, before its trap has said a word.
fn three() -> String {
    let says = |who: &str| {
        format!(
            "perl -e '$| = 1; $SIG{{TERM}} = sub {{ print \"{who} TERM\\n\"; exit 0 }}; \
             open(F, \">\", \"{who}.new\"); print F \"$$\\n\"; close(F); rename(\"{who}.new\", \"{who}.pid\"); \
             sleep(1000) while 1'"
        )
    };
    let (main, child, escaped) = (says("main"), says("child"), says("escaped"));
    format!("(setsid {escaped} &)\n{child} &\nexec {main}")
}

#[test]
fn scenario_22_each_way_to_kill_reaches_whom_it_promises() {
    // Who gets TERM, and whether the rest is gone afterwards.
    let modes = [
        ("mixed", &["main"][..], true),
        ("group", &["main", "child"], true),
        ("tree", &["main", "child", "escaped"], true),
        ("process", &["main"], false),
    ];
    let sandbox = Sandbox::new();
    for (mode, ..) in modes {
        sandbox.profile(mode, &three()).set("kill", mode).set("stop_timeout", "5");
    }
    let supervisor = sandbox.start();
    let process = |mode, who: &'static str| {
        let pid = pid_in(&supervisor, mode, &format!("{who}.pid"));
        (who, Process::of(pid).unwrap_or_else(|| panic!("{who} of {mode} lives")))
    };
    let three: BTreeMap<&str, BTreeMap<&str, Process>> = modes
        .iter()
        .map(|(mode, ..)| (*mode, ["main", "child", "escaped"].map(|who| process(mode, who)).into()))
        .collect();
    for (mode, got_term, all_gone) in modes {
        let of = &three[mode];
        let stopped = remove(&supervisor, mode);
        assert_eq!(stopped, format!("stopped (pid {}, exit 0)", of["main"].pid), "{mode}");
        for (who, process) in of {
            let said = supervisor.output(mode).contains(&format!("{who} TERM"));
            assert_eq!(said, got_term.contains(who), "{mode}: {who}\n{}", supervisor.output(mode));
            assert_eq!(
                process.is_alive(),
                !all_gone && *who != "main",
                "{mode}: {who}\n{}",
                supervisor.log()
            );
        }
    }
    let left = supervisor.said("process", "leaves processes behind, as its `kill` file says (");
    for who in ["child", "escaped"] {
        let pid = format!("pid {}", three["process"][who].pid);
        assert!(left[0].contains(&pid), "{left:?} names {pid}");
    }
}

#[test]
fn scenario_22_what_escapes_is_gone_too_when_the_main_process_dies() {
    let sandbox = Sandbox::new();
    let says = "echo $$ > escaped.pid; exec sleep 1000";
    sandbox.profile("web", &format!("(setsid sh -c '{says}' &)\nsleep 1000 &\n{SLEEP}")).set("restart", "");
    let supervisor = sandbox.start();
    let escaped = Process::of(pid_in(&supervisor, "web", "escaped.pid")).unwrap();
    supervisor.main_process("web").signal(Signal::SIGKILL);
    supervisor.wait_for("web to come back", || supervisor.pids("web").get(1).copied());
    assert!(!escaped.is_alive(), "nothing is started beside what an earlier start has left");
    let killing = supervisor.wait_for_line("web", "killing what its main process left behind (");
    assert!(killing.contains(&format!("pid {}", escaped.pid)), "{killing}");
    supervisor.drain();
}

#[test]
fn scenario_23_hup_stops_all_and_exits_111() {
    let sandbox = Sandbox::new();
    for profile in ["a", "b", "c"] {
        sandbox.profile(profile, SLEEP).set("restart", "");
    }
    sandbox.profile("held", SLEEP).set("down", "");
    sandbox.profile("crashes", "exit 1").set("restart", "");
    let supervisor = sandbox.start();
    for profile in ["a", "b", "c"] {
        supervisor.main_process(profile);
    }
    supervisor.drain();
}

#[test]
fn scenario_23_a_second_hup_exits_at_once_and_who_resists_lives_on() {
    let sandbox = Sandbox::new();
    sandbox
        .profile("web", "trap '' TERM; echo $$ > ready; while :; do sleep 0.1; done")
        .set("stop_timeout", "1000");
    sandbox.profile("easy", SLEEP);
    let mut supervisor = sandbox.start();
    let web = Process::of(pid_in(&supervisor, "web", "ready")).unwrap();
    supervisor.main_process("easy");
    supervisor.process().signal(Signal::SIGHUP);
    supervisor.wait_for_line("easy", "stopped");
    supervisor.wait_for_line("web", "stopping");
    assert!(supervisor.is_running());
    assert_eq!(supervisor.end(Signal::SIGHUP).code(), Some(111));
    let log = supervisor.log();
    assert!(log.trim_end().ends_with("ProcLaunch received HUP again. Exiting immediately."), "{log}");
    assert!(web.is_alive());
    // It is not lost: the next supervisor knows it.
    supervisor.start_again();
    supervisor.wait_for_line("web", &format!("running pid {} (adopted, up ", web.pid));
}

#[test]
fn term_during_a_drain_exits_at_once() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let sandbox = Sandbox::new();
        sandbox.profile("web", "trap '' TERM; echo $$ > ready; while :; do sleep 0.1; done");
        let mut supervisor = sandbox.start();
        pid_in(&supervisor, "web", "ready");
        supervisor.process().signal(Signal::SIGHUP);
        supervisor.wait_for_line("web", "stopping");
        assert_eq!(supervisor.end(signal).code(), Some(111), "{}", supervisor.log());
    }
}
