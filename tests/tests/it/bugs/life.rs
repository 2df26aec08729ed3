//! Starting, dying, starting again.

use std::os::unix::fs::symlink;

use nix::sys::signal::Signal;

use super::{DAEMON, SLEEP};
use proclaunch_tests::processes::{Process, descendants};
use proclaunch_tests::sandbox::Sandbox;

#[test]
fn bug_01_a_directory_without_run_is_skipped_with_one_warning() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.profiles().join("logs")).unwrap();
    sandbox.profile("web", SLEEP);
    let supervisor = sandbox.start();
    supervisor.main_process("web");
    // Every change has the directories read again.
    supervisor.sandbox.profile("db", SLEEP);
    supervisor.main_process("db");
    assert_eq!(supervisor.said("logs", ""), ["is not started: has no `run`"]);
    supervisor.drain();
}

#[test]
fn bug_02_a_run_that_fails_before_its_pid_file_is_a_failed_start_and_an_edit_is_seen() {
    let sandbox = Sandbox::new();
    let web = sandbox.profile("web", "exit 7").set("pid_file", "pid\n").set("restart", "");
    let supervisor = sandbox.start();
    let failed = supervisor.wait_for_line("web", "failed to start");
    assert!(failed.starts_with("failed to start (`run` ended with exit 7, restart in "), "{failed}");
    web.run(DAEMON);
    supervisor.main_process("web");
    supervisor.drain();
}

#[test]
fn bug_02_a_failing_run_does_not_hold_a_shutdown_up() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", "exit 7").set("pid_file", "pid").set("restart", "");
    let mut supervisor = sandbox.start();
    supervisor.wait_for_line("web", "failed to start");
    assert_eq!(supervisor.end(Signal::SIGHUP).code(), Some(111), "{}", supervisor.log());
}

#[test]
fn bug_03_a_daemon_that_dies_at_once_is_started_again() {
    let sandbox = Sandbox::new();
    let run = "if [ -e tried ]; then sleep 86400 & else touch tried; true & fi; echo $! > pid";
    sandbox.profile("web", run).set("pid_file", "pid").set("restart", "");
    let supervisor = sandbox.start();
    supervisor.main_process("web");
    assert_eq!(supervisor.said("web", "starting").len(), 2, "{}", supervisor.log());
    supervisor.drain();
}

#[test]
fn bug_22_a_run_that_cannot_be_executed_makes_no_second_supervisor() {
    let sandbox = Sandbox::new();
    let web = sandbox.profile("web", SLEEP).set("restart", "");
    let run = web.dir.join("run");
    std::fs::write(&run, "#!/no/such/interpreter\n").unwrap();
    sandbox.profile("db", SLEEP);
    let supervisor = sandbox.start();
    let failed = supervisor.wait_for_line("web", "failed to start");
    let expect = "failed to start (could not execute `run`: it needs the interpreter `/no/such/interpreter`, which is not \
                  here, restart in ";
    assert!(failed.starts_with(expect), "{failed}");
    supervisor.wait_for("another try", || supervisor.said("web", "failed to start").get(1).cloned());
    let db = supervisor.main_process("db");
    let is_service = |process: &Process| !process.command_line().starts_with("proclaunch: ");
    let services: Vec<_> = descendants(supervisor.process().pid).into_iter().filter(is_service).collect();
    assert_eq!(services, [db]);
    assert_eq!(supervisor.said("ProcLaunch", "started").len(), 1);
    supervisor.drain();
}

#[test]
fn bug_26_a_crash_loop_slows_down_and_tells_the_causes_of_death() {
    let sandbox = Sandbox::new();
    sandbox.profile("code", "exit 3").set("restart", "").set("backoff", "0.2 60");
    sandbox.profile("signal", "kill -SEGV $$").set("restart", "").set("backoff", "0.2 60");
    let mut supervisor = sandbox.start();
    for (profile, cause) in [("code", "exit 3, "), ("signal", "signal SEGV, ")] {
        let deaths = supervisor.wait_for("four deaths", || {
            Some(supervisor.said(profile, "died")).filter(|deaths| deaths.len() >= 4)
        });
        assert!(deaths.iter().all(|death| death.contains(cause)), "{deaths:?}");
        // 0.2, 0.4, 0.8, 1.6, each with its jitter and cut to a tenth.
        let delays: Vec<f64> = deaths.iter().take(4).filter_map(|death| delay(death)).collect();
        assert_eq!(delays.len(), 4, "{deaths:?}");
        assert!(delays.is_sorted() && delays[3] > 4.0 * delays[0], "{deaths:?}");
    }
    // Nothing lives while both wait for their next start, or something does: either way it ends.
    assert_eq!(supervisor.end(Signal::SIGHUP).code(), Some(111));
}

/// The seconds of `..., restart in 0.8s)`.
fn delay(death: &str) -> Option<f64> {
    death.split_once("restart in ")?.1.strip_suffix("s)")?.parse().ok()
}

#[test]
fn bug_33_profiles_start_in_the_order_of_their_names() {
    let sandbox = Sandbox::new();
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for name in names.iter().rev() {
        sandbox.profile(name, SLEEP);
    }
    // A symlink to a directory is a profile like any other.
    let elsewhere = sandbox.path().join("elsewhere");
    std::fs::rename(sandbox.profiles().join("d"), &elsewhere).unwrap();
    symlink(&elsewhere, sandbox.profiles().join("d")).unwrap();
    let supervisor = sandbox.start();
    supervisor.main_process("h");
    let starting = supervisor.messages().into_iter().filter(|message| message.ends_with(" starting"));
    let order: Vec<String> = starting.map(|message| message.replace(" starting", "")).collect();
    assert_eq!(order, names);
    supervisor.drain();
}
