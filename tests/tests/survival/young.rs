//! Output that nobody has read survives when two of ProcLaunch's processes are killed while the third has just begun:
//! it has opened nothing itself yet.

use std::fs;

use nix::sys::signal::Signal;
use proclaunch_tests::processes::Process;
use proclaunch_tests::sandbox::{Sandbox, killpoints_binary};
use proclaunch_tests::view::View;

fn stands_still(process: Process) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", process.pid)).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:\tT"))
}

/// A service says something and ends while nobody reads. The one who `begins` is killed, and the next of it stands
/// still at its very beginning while the `others` are killed.
#[track_caller]
fn last_words_survive(
    begins: (&str, fn(&View) -> Option<Process>),
    others: [fn(&View) -> Option<Process>; 2],
) {
    let (point, which) = begins;
    let sandbox = Sandbox::new();
    let points = sandbox.path().join("points");
    fs::create_dir(&points).unwrap();
    sandbox.profile("web", "echo hello; while [ ! -e go ]; do sleep 0.02; done; echo bye");
    let daemon = sandbox.daemonize_as(killpoints_binary(), |command| {
        command.env("PROCLAUNCH_KILLPOINTS", &points);
    });
    daemon.wait_for("hello", || (daemon.kept("web") == b"hello\n").then_some(()));
    let old = daemon.wait_for_parts();
    old.logger.signal(Signal::SIGSTOP);
    fs::write(daemon.sandbox.profiles().join("web/go"), "").unwrap();
    daemon.wait_for_line("web", "died");
    fs::write(points.join(point), "").unwrap();
    let before = which(&daemon).unwrap();
    before.signal(Signal::SIGKILL);
    let young = daemon.wait_for("the next one", || which(&daemon).filter(|next| *next != before));
    daemon.wait_for("it to stand still", || stands_still(young).then_some(()));
    let others = others.map(|other| other(&daemon).unwrap());
    for victim in others {
        victim.signal(Signal::SIGKILL);
    }
    daemon.wait_for("the others to be gone", || others.iter().all(|other| !other.is_alive()).then_some(()));
    assert_eq!(daemon.kept("web"), b"hello\n", "nobody has read the rest");
    young.signal(Signal::SIGCONT);
    daemon.wait_for("its last words", || (daemon.kept("web") == b"hello\nbye\n").then_some(()));
    daemon.wait_for_parts();
    daemon.end(Signal::SIGHUP);
}

// The keeper first each time: it would start another of the second one.

#[test]
fn unread_output_survives_with_a_supervisor_that_has_just_begun() {
    last_words_survive(("supervisor-begins", View::supervisor), [View::keeper, View::logger]);
}

#[test]
fn unread_output_survives_with_a_logger_that_has_just_begun() {
    last_words_survive(("logger-begins", View::logger), [View::keeper, View::supervisor]);
}
