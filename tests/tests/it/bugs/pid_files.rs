//! Pid files that lie, and the supervisor's own.

use std::fs::{self, File, FileTimes};
use std::time::UNIX_EPOCH;

use nix::sys::signal::Signal;

use super::DAEMON;
use proclaunch_tests::processes::Stranger;
use proclaunch_tests::sandbox::{Profile, Sandbox};

fn daemon_in(sandbox: &Sandbox, pid: &str) -> Profile {
    sandbox.profile("web", DAEMON).set("pid_file", "pid").set("pid", pid)
}

#[test]
fn bug_07_a_pid_file_of_zero_names_nobody() {
    for pid in ["0\n", "-1\n", "1\n", "rubbish\n", "", "99999999999\n"] {
        let sandbox = Sandbox::new();
        let web = daemon_in(&sandbox, pid);
        let supervisor = sandbox.start();
        let main = supervisor.main_process("web");
        assert_eq!(supervisor.said("web", "running").len(), 1, "{pid:?}: {}", supervisor.log());
        assert_eq!(fs::read_to_string(web.dir.join("pid")).unwrap(), format!("{}\n", main.pid));
        supervisor.drain();
    }
}

#[test]
fn bug_08_a_recycled_pid_is_neither_adopted_nor_killed() {
    let victim = Stranger::new();
    let sandbox = Sandbox::new();
    let web = daemon_in(&sandbox, &victim.process().pid.to_string());
    // Written long before the process of that pid began: by an earlier one.
    let long_ago = FileTimes::new().set_modified(UNIX_EPOCH);
    File::open(web.dir.join("pid")).unwrap().set_times(long_ago).unwrap();
    let supervisor = sandbox.start();
    assert_ne!(supervisor.main_process("web"), victim.process());
    supervisor.drain();
    victim.process();
}

#[test]
fn bug_08_a_zombie_is_not_running() {
    let stranger = Stranger::new();
    let zombie = stranger.make_zombie();
    let sandbox = Sandbox::new();
    daemon_in(&sandbox, &zombie.to_string());
    let supervisor = sandbox.start();
    supervisor.main_process("web");
    assert!(!supervisor.pids("web").contains(&zombie), "{}", supervisor.log());
    supervisor.drain();
}

#[test]
fn bug_09_a_stale_pid_file_of_the_supervisor_does_not_keep_it_from_starting() {
    let somebody = Stranger::new();
    let sandbox = Sandbox::new();
    sandbox.profile("web", super::SLEEP);
    fs::create_dir(sandbox.state()).unwrap();
    fs::write(sandbox.state().join("proclaunch.pid"), somebody.process().pid.to_string()).unwrap();
    let supervisor = sandbox.start();
    supervisor.main_process("web");
    assert_eq!(supervisor.sandbox.instance(), Some(supervisor.process()));
    supervisor.drain();
    somebody.process();
}

#[test]
fn bug_31_one_in_the_foreground_is_an_instance_like_any_other() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", super::SLEEP);
    let mut supervisor = sandbox.start();
    let web = supervisor.main_process("web");
    assert_eq!(supervisor.sandbox.instance(), Some(supervisor.process()));
    for option in ["--foreground", "--debug"] {
        let second = supervisor.sandbox.command().arg(option).output().unwrap();
        assert_eq!(second.status.code(), Some(0), "{second:?}");
        assert!(second.stderr.is_empty(), "{second:?}");
    }
    assert_eq!(supervisor.pids("web"), [web.pid]);
    assert_eq!(supervisor.end(Signal::SIGTERM).code(), Some(0), "{}", supervisor.log());
    assert!(!supervisor.sandbox.state().join("proclaunch.pid").exists());
    assert!(web.is_alive());
}
