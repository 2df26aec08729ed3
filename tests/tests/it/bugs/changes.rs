//! Profiles that change, come and go while the supervisor runs.

use std::fs::{self, File, FileTimes};
use std::os::unix::fs::symlink;

use nix::sys::signal::Signal;

use super::{DAEMON, SLEEP};
use proclaunch_tests::processes::of_directory;
use proclaunch_tests::sandbox::Sandbox;

#[test]
fn bug_13_a_changed_profile_without_restart_is_started_again() {
    let sandbox = Sandbox::new();
    let web = sandbox.profile("web", SLEEP);
    let supervisor = sandbox.start();
    let old = supervisor.main_process("web");
    web.run("echo changed; exec sleep 86400");
    supervisor.wait_for("web to start again", || supervisor.pids("web").get(1).copied());
    supervisor.wait_for("the new run", || supervisor.output("web").contains("changed").then_some(()));
    assert!(!old.is_alive());
    supervisor.drain();
}

#[test]
fn bug_15_a_new_pid_file_is_watched_at_its_new_path() {
    let sandbox = Sandbox::new();
    let web = sandbox.profile("web", "sleep 86400 & echo $! > $(cat pid_file)").set("pid_file", "old.pid");
    let supervisor = sandbox.start();
    supervisor.main_process("web");
    let web = web.set("pid_file", "new.pid");
    supervisor.wait_for("web to start again", || supervisor.pids("web").get(1).copied());
    let new = supervisor.main_process("web");
    let written = fs::read_to_string(web.dir.join("new.pid")).unwrap();
    assert_eq!(written.trim_end(), new.pid.to_string());
    assert!(!web.dir.join("old.pid").exists());
    new.signal(Signal::SIGKILL);
    supervisor.wait_for_line("web", "died");
    assert_eq!(supervisor.said("web", "failed"), [""; 0]);
}

#[test]
fn bug_16_a_profile_that_is_removed_while_it_starts_leaves_nothing_running() {
    let sandbox = Sandbox::new();
    let web = sandbox.profile("web", "echo ready; sleep 86400 & wait").set("pid_file", "pid");
    let supervisor = sandbox.start();
    supervisor.wait_for("run", || supervisor.output("web").contains("ready").then_some(()));
    assert_eq!(supervisor.pids("web"), [0; 0], "it is still starting");
    fs::remove_dir_all(&web.dir).unwrap();
    supervisor.wait_for_line("web", "disappeared.");
    supervisor.wait_for_line("web", "stopped");
    assert!(of_directory(&supervisor.sandbox.path().join("profiles")).is_empty(), "{}", supervisor.log());
    assert_eq!(supervisor.sandbox.instance(), Some(supervisor.process()));
}

#[test]
fn bug_28_files_that_are_added_later_are_changes() {
    let sandbox = Sandbox::new();
    let web = sandbox.profile("web", SLEEP);
    let db =
        sandbox.profile("db", "trap 'echo got HUP' HUP; echo ready; while :; do sleep 86400 & wait $!; done");
    let supervisor = sandbox.start();
    let first = supervisor.main_process("web");
    supervisor.wait_for("db", || supervisor.output("db").contains("ready").then_some(()));
    // One file after the other: what is seen of `db` was seen of `web` before.
    web.set("restart", "");
    let db = db.set("reload", "");
    db.set("env", "PORT=81\n");
    supervisor.wait_for("db to be reloaded", || supervisor.output("db").contains("got HUP").then_some(()));
    first.signal(Signal::SIGKILL);
    supervisor.wait_for("web to start again", || supervisor.pids("web").get(1).copied());
    assert_eq!(supervisor.pids("db").len(), 1, "{}", supervisor.log());
    supervisor.drain();
}

#[test]
fn bug_28_an_edit_of_the_same_size_within_a_second_is_seen_and_a_touch_is_none() {
    let sandbox = Sandbox::new();
    let web = sandbox.profile("web", "echo one; exec sleep 86400");
    let supervisor = sandbox.start();
    let run = web.dir.join("run");
    let modified = fs::metadata(&run).unwrap().modified().unwrap();
    let set_time = |time| File::open(&run).unwrap().set_times(FileTimes::new().set_modified(time)).unwrap();
    for (count, text) in ["two", "six", "ten"].into_iter().enumerate() {
        supervisor.wait_for("web", || supervisor.pids("web").get(count).copied());
        fs::write(&run, format!("#!/bin/sh\necho {text}; exec sleep 86400\n")).unwrap();
        set_time(modified);
        supervisor.wait_for("the edit", || supervisor.output("web").contains(text).then_some(()));
    }
    set_time(std::time::UNIX_EPOCH);
    // What was touched first has been looked at when this runs.
    supervisor.sandbox.profile("db", SLEEP);
    supervisor.main_process("db");
    assert_eq!(supervisor.pids("web").len(), 4, "{}", supervisor.log());
    supervisor.drain();
}

#[test]
fn bug_30_a_switch_of_the_profiles_symlink_is_seen_and_touches_only_what_differs() {
    let sandbox = Sandbox::new();
    sandbox.profile("same", SLEEP);
    sandbox.profile("changed", SLEEP);
    sandbox.profile("gone", SLEEP);
    let (link, one, two) = (sandbox.profiles(), sandbox.path().join("one"), sandbox.path().join("two"));
    fs::rename(&link, &one).unwrap();
    symlink(&one, &link).unwrap();
    let supervisor = sandbox.start();
    let same = supervisor.main_process("same");
    supervisor.main_process("changed");
    supervisor.main_process("gone");

    // The next release is built beside, and the switch is one rename.
    let next = Sandbox::new();
    next.profile("same", SLEEP);
    next.profile("changed", "exec sleep 99999");
    next.profile("new", SLEEP);
    fs::rename(next.profiles(), &two).unwrap();
    let new_link = supervisor.sandbox.path().join("new-link");
    symlink(&two, &new_link).unwrap();
    fs::rename(&new_link, &link).unwrap();

    supervisor.wait_for("the changed one", || supervisor.pids("changed").get(1).copied());
    supervisor.main_process("new");
    supervisor.wait_for_line("gone", "stopped");
    assert!(same.is_alive());
    assert_eq!(supervisor.pids("same"), [same.pid], "{}", supervisor.log());
    supervisor.drain();
}

#[test]
fn bug_34_neither_the_log_nor_any_other_file_is_a_profile() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SLEEP);
    fs::write(sandbox.profiles().join("run"), "#!/bin/sh\n").unwrap();
    let daemon = sandbox.daemonize();
    daemon.main_process("web");
    daemon.sandbox.profile("db", DAEMON).set("pid_file", "pid");
    daemon.main_process("db");
    let tags = daemon.messages().into_iter().filter_map(|line| Some(line.split_once(' ')?.0.to_owned()));
    let tags: std::collections::BTreeSet<String> = tags.collect();
    assert_eq!(tags.into_iter().collect::<Vec<_>>(), ["ProcLaunch", "db", "web"], "{}", daemon.log());
}
