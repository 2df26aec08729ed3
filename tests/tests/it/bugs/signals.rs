//! Stopping: what is sent to whom, and what happens during a shutdown.

use nix::sys::signal::Signal;
use nix::unistd::{Pid, getsid};

use super::SLEEP;
use proclaunch_tests::processes::{Process, descendants};
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::supervisor::Supervisor;

/// A `run` that prints `ready`, then the name of each signal that it gets and does not die of.
const TELLS: &str = "trap 'echo got HUP' HUP; trap 'echo got INT; exit' INT; trap 'echo got TERM; exit' TERM
echo ready; while :; do sleep 86400 & wait $!; done";

/// A `run` that prints `ready` and ignores whoever asks it to end.
const STUBBORN: &str = "trap '' TERM INT HUP; echo ready; while :; do sleep 86400; done";

/// Waits until the profile has printed this.
#[track_caller]
fn wait_for_output(supervisor: &Supervisor, profile: &str, text: &str) {
    let look = || supervisor.output(profile).contains(text).then_some(());
    supervisor.wait_for(&format!("{profile} to print `{text}`"), look);
}

#[test]
fn bug_04_a_stop_signal_may_be_named_without_sig() {
    for (name, got) in [("TERM\n", "got TERM"), ("SIGINT\n", "got INT"), ("2", "got INT")] {
        let sandbox = Sandbox::new();
        sandbox.profile("web", TELLS).set("stop_signal", name);
        let mut supervisor = sandbox.start();
        wait_for_output(&supervisor, "web", "ready");
        assert_eq!(supervisor.end(Signal::SIGHUP).code(), Some(111), "{}", supervisor.log());
        assert_eq!(supervisor.output("web"), format!("ready\n{got}\n"), "{name:?}");
    }
}

#[test]
fn bug_04_a_stop_signal_of_kill_kills() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", STUBBORN).set("stop_signal", "SIGKILL\n").set("stop_timeout", "86400");
    let supervisor = sandbox.start();
    wait_for_output(&supervisor, "web", "ready");
    supervisor.drain();
}

#[test]
fn bug_04_a_bad_stop_signal_is_told_and_the_profile_is_not_started() {
    for (bad, why) in [("", "is blank"), ("\n", "is blank"), ("TREM", "says `TREM`")] {
        let sandbox = Sandbox::new();
        let web = sandbox.profile("web", SLEEP).set("stop_signal", bad);
        let supervisor = sandbox.start();
        let said = supervisor.wait_for_line("web", "is not started");
        assert!(said.starts_with(&format!("is not started: `stop_signal` {why}")), "{said}");
        web.set("stop_signal", "TERM");
        supervisor.main_process("web");
        supervisor.drain();
    }
}

#[test]
fn bug_05_a_blank_reload_file_sends_hup() {
    for blank in ["", "\n", " \n\n"] {
        let sandbox = Sandbox::new();
        let web = sandbox.profile("web", TELLS).set("reload", blank);
        let supervisor = sandbox.start();
        wait_for_output(&supervisor, "web", "ready");
        web.set("env", "PORT=81\n");
        wait_for_output(&supervisor, "web", "got HUP");
        let said = supervisor.wait_for_line("web", "reloading");
        assert!(said.starts_with("reloading (signal HUP to pid "), "{said}");
        assert_eq!(supervisor.pids("web").len(), 1);
        supervisor.drain();
    }
}

#[test]
fn bug_06_whoever_ignores_the_stop_signal_is_killed_with_all_its_children() {
    let sandbox = Sandbox::new();
    let children = format!("(trap '' TERM; setsid sleep 86400 &)\nsleep 86400 &\n{STUBBORN}");
    let web = sandbox.profile("web", &children).set("stop_timeout", "0.3");
    let supervisor = sandbox.start();
    wait_for_output(&supervisor, "web", "ready");
    let main = supervisor.main_process("web");
    let tree =
        supervisor.wait_for("its children", || Some(descendants(main.pid)).filter(|tree| tree.len() >= 2));
    std::fs::remove_dir_all(&web.dir).unwrap();
    supervisor.wait_for_line("web", "still running after 0.3s; killing");
    let stopped = supervisor.wait_for_line("web", "stopped");
    assert_eq!(stopped, format!("stopped (pid {}, signal KILL)", main.pid));
    let left: Vec<Process> = tree.into_iter().filter(|process| process.is_alive()).collect();
    assert_eq!(left, [], "{}", supervisor.log());
}

/// As nginx does it: the launcher writes the pid file, then the daemon makes its session, and no environment tells
/// whose it is.
#[test]
fn bug_06_what_a_dead_daemon_leaves_is_killed_though_its_session_came_after_its_pid_file() {
    let sandbox = Sandbox::new();
    let work = "sleep 86400 & exec sleep 86401";
    let daemon =
        format!(r#"sh -c "until [ -e go ]; do sleep 0.05; done; exec setsid env -i sh -c '{work}'""#);
    let web = sandbox.profile("web", &format!("{daemon} & echo $! > pid")).set("pid_file", "pid");
    let supervisor = sandbox.start();
    let main = supervisor.main_process("web");
    std::fs::write(web.dir.join("go"), "").unwrap();
    let pid = Pid::from_raw(main.pid);
    supervisor.wait_for("its session", || (getsid(Some(pid)) == Ok(pid)).then_some(()));
    let workers =
        supervisor.wait_for("its worker", || Some(descendants(main.pid)).filter(|all| !all.is_empty()));
    main.signal(Signal::SIGKILL);
    supervisor.wait_for_line("web", "killing what its main process left behind");
    supervisor
        .wait_for("the worker's end", || (!workers.iter().any(|worker| worker.is_alive())).then_some(()));
}

#[test]
fn bug_11_a_profile_that_is_added_during_a_shutdown_is_not_started() {
    let sandbox = Sandbox::new();
    // Changes are looked at within half a second: the shutdown takes longer.
    sandbox.profile("web", STUBBORN).set("stop_timeout", "2");
    let mut supervisor = sandbox.start();
    wait_for_output(&supervisor, "web", "ready");
    supervisor.process().signal(Signal::SIGHUP);
    supervisor.wait_for_line("web", "stopping");
    supervisor.sandbox.profile("late", SLEEP);
    assert_eq!(supervisor.wait().code(), Some(111), "{}", supervisor.log());
    assert_eq!(supervisor.said("late", ""), [""; 0]);
    assert_eq!(supervisor.said("web", "still running").len(), 1, "{}", supervisor.log());
}

#[test]
fn bug_12_a_profile_that_dies_during_a_shutdown_stays_dead() {
    let sandbox = Sandbox::new();
    for profile in ["web", "db"] {
        sandbox.profile(profile, STUBBORN).set("restart", "").set("stop_timeout", "86400");
    }
    let mut supervisor = sandbox.start();
    wait_for_output(&supervisor, "web", "ready");
    wait_for_output(&supervisor, "db", "ready");
    let (web, db) = (supervisor.main_process("web"), supervisor.main_process("db"));
    supervisor.process().signal(Signal::SIGHUP);
    supervisor.wait_for_line("web", "stopping");
    web.signal(Signal::SIGKILL);
    supervisor.wait_for_line("web", "stopped");
    db.signal(Signal::SIGKILL);
    assert_eq!(supervisor.wait().code(), Some(111), "{}", supervisor.log());
    assert_eq!(supervisor.said("web", "starting").len(), 1, "{}", supervisor.log());
    assert_eq!(supervisor.said("db", "starting").len(), 1, "{}", supervisor.log());
}

#[test]
fn bug_14_a_removed_profile_is_stopped_by_the_stop_signal_that_it_had() {
    let sandbox = Sandbox::new();
    let web = sandbox.profile("web", TELLS).set("stop_signal", "SIGINT\n");
    sandbox.profile("db", SLEEP);
    let supervisor = sandbox.start();
    wait_for_output(&supervisor, "web", "ready");
    supervisor.main_process("db");
    std::fs::remove_dir_all(&web.dir).unwrap();
    supervisor.wait_for_line("web", "stopped");
    assert_eq!(supervisor.output("web"), "ready\ngot INT\n");
    let web: Vec<String> =
        supervisor.messages().into_iter().filter(|line| line.starts_with("web ")).collect();
    let stop = ["web disappeared. Stopping and not restarting.", "web stopping", "web stopped"];
    assert_eq!(web[2..], stop, "{}", supervisor.log());
    supervisor.drain();
}
