//! Output that nobody has read survives when two of ProcLaunch's processes are killed while the third has just begun:
//! it has opened nothing itself yet.

use std::fs;

use nix::sys::signal::Signal;
use proclaunch_tests::processes::Process;
use proclaunch_tests::sandbox::Sandbox;
use proclaunch_tests::view::View;

/// Whether it has a FIFO open by itself.
fn has_opened_a_fifo(process: Process) -> bool {
    process.open_files().iter().any(|file| file.ends_with("/pipe"))
}

fn stands_still(process: Process) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", process.pid)).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:\tT"))
}

/// Kills one of them until the next is caught, and stopped, before it has opened a FIFO.
#[track_caller]
fn catch_young(view: &View, which: impl Fn(&View) -> Option<Process>) -> Process {
    let mut old = view.wait_for("the one before", || which(view));
    for _ in 0..200 {
        old.signal(Signal::SIGKILL);
        let young = view.wait_for("the next one", || which(view).filter(|next| *next != old));
        young.signal(Signal::SIGSTOP);
        view.wait_for("it to stand still", || (stands_still(young) || !young.is_alive()).then_some(()));
        if young.is_alive() && !has_opened_a_fifo(young) {
            return young;
        }
        young.signal(Signal::SIGCONT);
        old = young;
    }
    panic!("it never was slow enough: {}", view.log());
}

/// A service says something and ends while nobody reads; then only a young process of ProcLaunch's is left.
#[track_caller]
fn last_words_survive(which: impl Fn(&View) -> Option<Process>, others: impl Fn(&View) -> Vec<Process>) {
    let sandbox = Sandbox::new();
    sandbox.profile("web", "echo hello; while [ ! -e go ]; do sleep 0.02; done; echo bye");
    let daemon = sandbox.daemonize();
    daemon.wait_for("hello", || (daemon.kept("web") == b"hello\n").then_some(()));
    let logger = daemon.wait_for_parts().logger;
    logger.signal(Signal::SIGSTOP);
    fs::write(daemon.sandbox.profiles().join("web/go"), "").unwrap();
    daemon.wait_for_line("web", "died");
    let young = catch_young(&daemon, which);
    let others = others(&daemon);
    for victim in &others {
        victim.signal(Signal::SIGKILL);
    }
    daemon.wait_for("the others to be gone", || others.iter().all(|other| !other.is_alive()).then_some(()));
    young.signal(Signal::SIGCONT);
    daemon.wait_for("its last words", || (daemon.kept("web") == b"hello\nbye\n").then_some(()));
    daemon.wait_for_parts();
    daemon.end(Signal::SIGHUP);
}

#[test]
fn unread_output_survives_with_a_supervisor_that_has_just_begun() {
    last_words_survive(View::supervisor, |view| {
        let keeper = view.keeper();
        // The keeper first: it would start another logger, and see the end of that one.
        keeper.into_iter().chain(view.logger()).collect()
    });
}

#[test]
fn unread_output_survives_with_a_logger_that_has_just_begun() {
    last_words_survive(View::logger, |view| {
        let supervisor = view.supervisor();
        view.keeper().into_iter().chain(supervisor).collect()
    });
}
