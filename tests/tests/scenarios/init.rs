//! As PID 1 of a container: the reaper of everybody's orphans.

use std::process::Command;

use nix::sys::signal::Signal;
use proclaunch_tests::processes::{Process, descendants, zombies_of};
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;

use crate::{SLEEP, is_root};

/// A supervisor that is PID 1 of its own namespace of processes. The pids in its log are those of the namespace.
struct Init {
    supervisor: Supervisor,
}

impl Init {
    fn start(sandbox: Sandbox) -> Self {
        // With unshare, the namespace ends when the test ends.
        let supervisor = sandbox.start_with(|command| {
            let mut unshare = Command::new("unshare");
            unshare.args(["--pid", "--fork", "--mount-proc", "--kill-child", "--"]);
            unshare.arg(command.get_program()).args(command.get_args());
            unshare.current_dir(command.get_current_dir().expect("it has one"));
            *command = unshare;
        });
        supervisor.wait_for_line("ProcLaunch", "started pid 1");
        Self { supervisor }
    }

    /// The supervisor itself as the test sees it: the only child of `unshare`.
    fn process(&self) -> Process {
        let below = descendants(self.supervisor.process().pid);
        let is_it = |process: &&Process| {
            std::fs::read_to_string(format!("/proc/{}/status", process.pid)).is_ok_and(|status| {
                status.lines().any(|line| line.starts_with("NSpid:") && line.ends_with("\t1"))
            })
        };
        *below.iter().find(is_it).expect("the supervisor runs")
    }
}

#[test]
fn scenario_25_as_pid_1_a_thousand_orphans_are_reaped_and_no_end_is_confused() {
    if !is_root() {
        return;
    }
    let sandbox = Sandbox::new();
    // Each `( ... & )` is an orphan as soon as its shell has ended.
    sandbox.profile(
        "orphans",
        &format!("i=0; while [ $i -lt 1000 ]; do (exit 9 & ); i=$((i+1)); done; echo all; {SLEEP}"),
    );
    for code in 0..20 {
        sandbox.profile(&format!("exit{code}"), &format!("sleep 0.{code}; exit {code}"));
    }
    sandbox.profile("crashes", "exit 77").set("restart", "").set("backoff", "0.1 0.1");
    sandbox.profile("web", SLEEP).set("restart", "");
    let init = Init::start(sandbox);
    let supervisor = &init.supervisor;
    supervisor.wait_for("a thousand orphans", || supervisor.output("orphans").contains("all").then_some(()));
    for code in 0..20 {
        let profile = format!("exit{code}");
        let died = supervisor.wait_for_line(&profile, "died");
        assert!(died.contains(&format!(", exit {code}, after ")), "{died}");
        assert_eq!(supervisor.said(&profile, "died").len(), 1);
    }
    supervisor.wait_for("crashes to go on", || supervisor.said("crashes", "died").get(3).cloned());
    let confused: Vec<String> =
        supervisor.said("crashes", "died").into_iter().filter(|died| !died.contains(", exit 77, ")).collect();
    assert_eq!(confused, [""; 0]);
    let pid = init.process().pid;
    // What crashes is a zombie for a moment now and then.
    supervisor.wait_for("no zombie to be left", || (zombies_of(pid) == 0).then_some(()));
    assert_eq!(supervisor.said("web", "died").len(), 0);
    assert_eq!(supervisor.said("orphans", "died").len(), 0);
}

#[test]
fn scenario_25_as_pid_1_term_drains_and_exits_0() {
    if !is_root() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP).set("restart", "");
    sandbox.profile("tree", &format!("(setsid sleep 1000 &)\nsleep 1000 &\n{SLEEP}"));
    let mut init = Init::start(sandbox);
    for profile in ["web", "tree"] {
        init.supervisor.wait_for_line(profile, "running");
    }
    let seen = descendants(init.process().pid);
    init.process().signal(Signal::SIGTERM);
    let exit = init.supervisor.wait();
    let log = init.supervisor.log();
    assert_eq!(exit.code(), Some(0), "{log}");
    assert!(log.contains("ProcLaunch received TERM. Stopping all profiles."), "{log}");
    assert!(log.trim_end().ends_with("ProcLaunch all profiles stopped. Exiting."), "{log}");
    for profile in ["web", "tree"] {
        assert_eq!(init.supervisor.said(profile, "stopped").len(), 1, "{log}");
    }
    assert!(!seen.iter().any(|process| process.is_alive()), "{seen:?}");
}

#[test]
fn scenario_25_orphans_are_reaped_without_being_pid_1() {
    let sandbox = Sandbox::new();
    sandbox.profile(
        "orphans",
        &format!("i=0; while [ $i -lt 1000 ]; do (exit 9 & ); i=$((i+1)); done; echo all; {SLEEP}"),
    );
    let supervisor = sandbox.start();
    supervisor.wait_for("a thousand orphans", || supervisor.output("orphans").contains("all").then_some(()));
    let pid = supervisor.process().pid;
    supervisor.wait_for("no zombie to be left", || (zombies_of(pid) == 0).then_some(()));
    assert_eq!(supervisor.said("orphans", "died").len(), 0, "{}", supervisor.log());
    supervisor.drain();
}
