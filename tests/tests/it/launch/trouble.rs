//! What must not end a supervisor.

use std::fs;
use std::process::Command;

use nix::sys::signal::Signal;

use proclaunch_tests::processes::descendants;
use proclaunch_tests::sandbox::Sandbox;

const SLEEP: &str = "exec sleep 86400";

#[test]
fn a_limit_on_the_size_of_files_is_an_error_and_not_the_end() {
    let sandbox = Sandbox::new();
    let web = sandbox.profile("web", SLEEP);
    // Nothing more fits into the log.
    fs::write(sandbox.log(), "x".repeat(4096)).unwrap();
    let mut supervisor = sandbox.start_under(&["prlimit", "--fsize=4096:unlimited", "--"]);
    let pid = supervisor.wait_for("all of its processes", || supervisor.parts()).keeper.pid;
    web.set("env", "PORT=81\n");
    // The limit of all of ProcLaunch's processes.
    for pid in descendants(pid).into_iter().map(|process| process.pid).chain([pid]) {
        let raised = Command::new("prlimit").args(["--pid", &pid.to_string(), "--fsize=unlimited"]).status();
        assert!(raised.unwrap().success());
    }
    supervisor
        .wait_for("the lines that were kept", || supervisor.log().contains("web running pid ").then_some(()));
    let late = |log: String| log.contains(" ProcLaunch log could not be written for a while (");
    supervisor.wait_for("what is said of it", || late(supervisor.log()).then_some(()));
    assert_eq!(supervisor.end(Signal::SIGHUP).code(), Some(111));
}

#[test]
fn a_closed_standard_error_is_not_the_end_and_services_ignore_no_signals() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", "echo $$; exec sleep 86400");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut supervisor = sandbox.start_to(writer);
    let pid = supervisor.wait_for("web", || supervisor.output("web").trim().parse::<i32>().ok());
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    for signals in ["SigIgn", "SigBlk"] {
        let line = format!("{signals}:\t{:016x}\n", 0);
        assert!(status.contains(&line), "{status}");
    }
    assert_eq!(supervisor.end(Signal::SIGHUP).code(), Some(111));
}
