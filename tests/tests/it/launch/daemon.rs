//! What the daemon is made of, and where it logs.

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;
use nix::unistd::{Pid, getsid};

use proclaunch_tests::sandbox::Sandbox;

const SLEEP: &str = "exec sleep 86400";

fn link(pid: i32, name: &str) -> String {
    let link = fs::read_link(format!("/proc/{pid}/{name}")).unwrap();
    link.into_os_string().into_string().unwrap()
}

/// The launcher's output is read to its end before anything else here happens: nobody else holds it.
#[test]
fn bug_17_a_daemon_leaves_terminal_directory_and_output_of_its_launcher() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    let daemon = sandbox.daemonize();
    let pid = daemon.process().pid;
    let session = getsid(Some(Pid::from_raw(pid))).unwrap();
    assert_ne!(session, getsid(None).unwrap());
    assert_ne!(session.as_raw(), pid, "no leader of a session: it can never get a terminal");
    assert_eq!(link(pid, "cwd"), "/");
    for fd in ["fd/0", "fd/1", "fd/2"] {
        assert_eq!(link(pid, fd), "/dev/null");
    }
    daemon.wait_for_line("ProcLaunch", &format!("started pid {pid}"));
    let web = daemon.main_process("web");
    assert_ne!(getsid(Some(Pid::from_raw(web.pid))).unwrap(), session);
}

#[test]
fn in_the_foreground_there_is_no_log_file_unless_told() {
    let sandbox = Sandbox::new();
    let supervisor = sandbox.start();
    supervisor.wait_for_line("ProcLaunch", "started pid");
    assert!(!supervisor.sandbox.profiles().join("error.log").exists());
    drop(supervisor);

    let sandbox = Sandbox::new();
    let given = sandbox.path().join("given.log");
    let supervisor = sandbox.start_with(|command| {
        // Relative: to where it was started.
        command.args(["--log-path", "given.log"]);
    });
    let read = || fs::read_to_string(&given).ok().filter(|text| text.contains(" started pid "));
    supervisor.wait_for("its first line", read);
    assert_eq!(supervisor.log(), "");
}

#[test]
fn bug_29_usr1_reopens_a_log_that_was_renamed() {
    let sandbox = Sandbox::new();
    let log = sandbox.path().join("own.log");
    let rotated = sandbox.path().join("own.log.1");
    let daemon = sandbox.daemonize_to(log.clone());
    daemon.wait_for_line("ProcLaunch", "started pid");
    fs::rename(&log, &rotated).unwrap();
    daemon.sandbox.profile("web", SLEEP);
    let has =
        |path: &Path, text: &str| fs::read_to_string(path).unwrap_or_default().contains(text).then_some(());
    daemon.wait_for("a line in the renamed file", || has(&rotated, "web running pid "));
    assert!(!log.exists());
    daemon.process().signal(Signal::SIGUSR1);
    daemon.wait_for("a line in the new file", || has(&log, "ProcLaunch reopened the log"));
    daemon.end(Signal::SIGHUP);
    assert!(has(&log, "ProcLaunch all profiles stopped. Exiting.").is_some());
    assert!(has(&rotated, "stopped").is_none());
}
