//! Pid files of daemons: late, never, lying.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use nix::sys::signal::Signal;
use proclaunch_tests::processes::of_directory;
use proclaunch_tests::sandbox::{Profile, Sandbox};

/// A `run` that leaves a daemon behind, which does this with its pid file `pid`, `$$` being its own pid.
fn daemon(writes: &str) -> String {
    // The daemon works in the profile's directory, where the harness finds it.
    format!("setsid sh -c '{writes}; exec sleep 1000' </dev/null >/dev/null 2>&1 &\nexit 0")
}

fn daemonizes(sandbox: &Sandbox, name: &str, writes: &str) -> Profile {
    sandbox.profile(name, &daemon(writes)).set("pid_file", "pid")
}

#[test]
fn scenario_17_a_pid_file_that_comes_late_is_waited_for() {
    let sandbox = Sandbox::new();
    daemonizes(&sandbox, "web", "sleep 3; echo $$ > pid");
    let supervisor = sandbox.start();
    let web = supervisor.main_process("web");
    assert_eq!(fs::read_to_string(format!("/proc/{}/comm", web.pid)).unwrap(), "sleep\n");
    assert_eq!(supervisor.said("web", "failed to start").len(), 0, "{}", supervisor.log());
    supervisor.drain();
}

#[test]
fn scenario_17_a_daemon_that_dies_comes_back() {
    let sandbox = Sandbox::new();
    daemonizes(&sandbox, "web", "echo $$ > pid").set("restart", "");
    let supervisor = sandbox.start();
    let first = supervisor.main_process("web");
    first.signal(Signal::SIGKILL);
    supervisor.wait_for("web to come back", || supervisor.pids("web").get(1).copied());
    let died = supervisor.said("web", "died");
    assert!(died[0].starts_with(&format!("died (pid {}, signal KILL, after ", first.pid)), "{died:?}");
    supervisor.drain();
}

#[test]
fn scenario_17_what_never_names_a_live_process_of_its_own_fails_the_start() {
    // Each file is bad from the first moment on: one that is good for a while is believed.
    let cases = [
        ("never", "true", "there is no pid file"),
        ("empty", ": > pid", "is empty"),
        ("garbage", "echo garbage > pid", "does not hold a number"),
        ("negative", "echo -1 > pid", "does not hold a number"),
        ("nought", "echo 0 > pid", "holds a number that is no pid"),
        ("long", "head -c 100000 /dev/zero > pid", "is too long for a pid file"),
        ("dead", "sh -c \"echo \\$\\$ > new\"; mv new pid", "which is not alive"),
        ("init", "echo 1 > pid", "names pid 1, which is never a service"),
        ("symlink", "echo $$ > real; ln -s real pid", "is a symbolic link"),
        ("open", "umask 0; echo $$ > pid", "is writable by others"),
        ("directory", "mkdir pid", "is not a regular file"),
        ("fifo", "mkfifo pid", "is not a regular file"),
    ];
    let sandbox = Sandbox::new();
    for (profile, writes, _) in cases {
        daemonizes(&sandbox, profile, writes).set("start_timeout", "4");
    }
    let supervisor = sandbox.start();
    for (profile, _, why) in cases {
        let said = supervisor.wait_for_line(profile, "failed to start");
        let good = said.starts_with("failed to start (not ready after ") && said.contains(why);
        assert!(good, "{profile}: {said}");
        // Also one that had not come to writing anything.
        let dir = supervisor.sandbox.profiles().join(profile);
        supervisor.wait_for(&format!("everything of {profile} to be gone"), || {
            of_directory(&dir).is_empty().then_some(())
        });
        assert_eq!(supervisor.pids(profile), [0; 0], "{}", supervisor.log());
    }
}

#[test]
fn scenario_17_the_supervisor_is_not_a_service() {
    let sandbox = Sandbox::new();
    let state = sandbox.state();
    daemonizes(&sandbox, "web", &format!("cp {}/proclaunch.pid pid", state.display()))
        .set("start_timeout", "2");
    let supervisor = sandbox.start();
    let said = supervisor.wait_for_line("web", "failed to start");
    assert!(said.contains("names ProcLaunch itself"), "{said}");
}

#[test]
fn scenario_17_what_lies_there_before_the_start_is_judged() {
    let sandbox = Sandbox::new();
    let stale = |name: &str, content: &str| {
        daemonizes(&sandbox, name, "[ -e pid ] || echo $$ > pid").set("pid", content);
    };
    // A pid that no process can have.
    stale("dead", "4194304\n");
    stale("garbage", "garbage\n");
    stale("empty", "");
    let rejected =
        |name: &str| daemonizes(&sandbox, name, "rm -f pid; echo $$ > pid").set("pid", "1\n").dir.join("pid");
    rejected("init");
    let open = rejected("open");
    fs::set_permissions(open, Permissions::from_mode(0o666)).unwrap();
    let link = rejected("link");
    fs::rename(&link, link.with_extension("real")).unwrap();
    symlink(link.with_extension("real"), link).unwrap();

    let supervisor = sandbox.start_with(|command| {
        command.arg("--debug");
    });
    for profile in ["dead", "garbage", "empty"] {
        supervisor.main_process(profile);
        assert_eq!(supervisor.said(profile, "removing dead pid file").len(), 1, "{}", supervisor.log());
    }
    for (profile, why) in [
        ("init", "names pid 1, which is never a service"),
        ("open", "is writable by others"),
        ("link", "is a symbolic link"),
    ] {
        supervisor.main_process(profile);
        let said = supervisor.wait_for_line(profile, "pid file is not believed");
        assert!(said.contains(why), "{said}");
    }
    supervisor.drain();
}

#[test]
fn scenario_17_a_daemon_that_runs_already_is_adopted() {
    let sandbox = Sandbox::new();
    let web = daemonizes(&sandbox, "web", "echo $$ > pid").set("restart", "");
    // By hand, as an operator may have started it.
    let started = std::process::Command::new(web.dir.join("run")).current_dir(&web.dir).status().unwrap();
    assert!(started.success());
    let pid: i32 =
        proclaunch_tests::wait::until(|| fs::read_to_string(web.dir.join("pid")).ok()?.trim().parse().ok())
            .unwrap();
    let supervisor = sandbox.start();
    supervisor.wait_for_line("web", &format!("running pid {pid} (adopted, up "));
    assert_eq!(supervisor.said("web", "starting").len(), 0, "{}", supervisor.log());
    supervisor.kill_main_process("web");
    supervisor.drain();
}

#[test]
fn a_launcher_that_fails_is_told_by_its_exit() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", "exit 7").set("pid_file", "pid");
    let supervisor = sandbox.start();
    let said = supervisor.wait_for_line("web", "failed to start");
    assert_eq!(said, "failed to start (`run` ended with exit 7, not restarted)");
}
