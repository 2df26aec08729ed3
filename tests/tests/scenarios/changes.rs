//! The profiles directory changes: only what differs is touched.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use proclaunch_tests::processes::Process;
use proclaunch_tests::sandbox::{Profile, Sandbox};
use proclaunch_tests::supervisor::Supervisor;

use crate::{SLEEP, see_all};

/// Prints the name of each signal that reaches it, and ends by those that end things.
const PRINTS_SIGNALS: &str = "for s in TERM INT QUIT; do trap \"echo got $s; exit 0\" $s; done\n\
                              for s in HUP USR1; do trap \"echo got $s\" $s; done\n\
                              echo ready; while :; do sleep 0.1; done";

/// A profile of a running supervisor.
fn profile(supervisor: &Supervisor, name: &str) -> Profile {
    Profile { dir: supervisor.sandbox.profiles().join(name) }
}

#[track_caller]
fn wait_for_output(supervisor: &Supervisor, profile: &str, text: &str) {
    supervisor.wait_for(&format!("{profile} to print `{text}`"), || {
        supervisor.output(profile).contains(text).then_some(())
    });
}

/// Starts two profiles that are the same, of which the tests change `web`.
fn web_and_other(change: impl Fn(Profile) -> Profile) -> (Supervisor, Process) {
    let sandbox = Sandbox::new();
    change(sandbox.profile("web", PRINTS_SIGNALS));
    sandbox.profile("other", SLEEP);
    let supervisor = sandbox.start();
    supervisor.main_process("web");
    wait_for_output(&supervisor, "web", "ready");
    let other = supervisor.main_process("other");
    (supervisor, other)
}

/// The other profile was not touched.
#[track_caller]
fn is_untouched(supervisor: &Supervisor, profile: &str, process: Process) {
    assert!(process.is_alive());
    assert_eq!(supervisor.pids(profile), [process.pid], "{}", supervisor.log());
}

#[test]
fn scenario_10_a_profile_that_is_added_starts() {
    let (supervisor, other) = web_and_other(|web| web);
    supervisor.sandbox.profile("late", SLEEP);
    supervisor.main_process("late");
    is_untouched(&supervisor, "other", other);
    supervisor.drain();
}

#[test]
fn scenario_10_each_file_that_shapes_the_process_restarts_it() {
    let changes = [
        ("env", "A=1\n"),
        ("umask", "077\n"),
        ("nice", "5\n"),
        ("limits", "nofile 100\n"),
        ("directory", "/tmp\n"),
        ("oneshot", ""),
        ("user", "nobody\n"),
    ];
    let (supervisor, other) = web_and_other(|web| web);
    let restarted = |what: &str, times: usize| {
        supervisor.wait_for(&format!("a restart for {what}"), || supervisor.pids("web").get(times).copied());
    };
    let web = profile(&supervisor, "web");
    for (times, (file, value)) in changes.iter().enumerate() {
        web.clone().set(file, value);
        restarted(file, times + 1);
    }
    for (times, (file, _)) in changes.iter().enumerate() {
        fs::remove_file(web.dir.join(file)).unwrap();
        restarted(&format!("the removal of {file}"), changes.len() + times + 1);
    }
    web.run(SLEEP);
    restarted("run", changes.len() * 2 + 1);
    see_all(&supervisor);
    assert_eq!(supervisor.pids("web").len(), changes.len() * 2 + 2, "{}", supervisor.log());
    is_untouched(&supervisor, "other", other);
    supervisor.drain();
}

#[test]
fn scenario_10_a_changed_process_has_its_new_settings() {
    let run = "echo A=$A umask=$(umask) nice=$(nice) nofile=$(ulimit -n) pwd=$(pwd)\nexec sleep 1000";
    let (supervisor, _) = web_and_other(|web| web);
    supervisor
        .sandbox
        .profile("shown", run)
        .set("env", "A=1")
        .set("umask", "077")
        .set("limits", "nofile 100");
    let nice: i32 = fs::read_to_string("/proc/self/stat")
        .unwrap()
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.split(' ').nth(16)?.parse().ok())
        .unwrap();
    let dir = supervisor.sandbox.profiles().join("shown");
    wait_for_output(
        &supervisor,
        "shown",
        &format!("A=1 umask=0077 nice={nice} nofile=100 pwd={}", dir.display()),
    );
    profile(&supervisor, "shown")
        .set("env", "A=2")
        .set("umask", "027")
        .set("nice", "19")
        .set("directory", "/");
    wait_for_output(&supervisor, "shown", "A=2 umask=0027 nice=19 nofile=100 pwd=/\n");
}

#[test]
fn scenario_10_files_that_shape_the_policy_do_not_touch_the_process() {
    let changes = [
        ("restart", "always"),
        ("backoff", "1 2"),
        ("give_up", "5 60"),
        ("stop_signal", "INT"),
        ("stop_timeout", "3"),
        ("start_timeout", "3"),
        ("kill", "tree"),
        ("reload", "USR1"),
        ("down", ""),
    ];
    let (supervisor, other) = web_and_other(|web| web);
    let web = supervisor.main_process("web");
    for (file, value) in changes {
        profile(&supervisor, "web").set(file, value);
    }
    see_all(&supervisor);
    for (file, _) in changes {
        fs::remove_file(supervisor.sandbox.profiles().join("web").join(file)).unwrap();
    }
    see_all(&supervisor);
    is_untouched(&supervisor, "web", web);
    is_untouched(&supervisor, "other", other);
    assert_eq!(supervisor.output("web"), "ready\n", "no signal has reached it");
    supervisor.drain();
}

#[test]
fn scenario_10_policies_take_force_without_a_restart() {
    let (supervisor, _) = web_and_other(|web| web);
    let web = supervisor.main_process("web");
    profile(&supervisor, "web").set("restart", "").set("backoff", "0.3 0.3").set("stop_signal", "QUIT");
    see_all(&supervisor);
    web.signal(nix::sys::signal::Signal::SIGKILL);
    let died = supervisor.wait_for_line("web", "died");
    // It may have run for more than a second.
    assert!(died.contains("restart "), "{died}");
    supervisor.wait_for("web to come back", || supervisor.pids("web").get(1).copied());
    supervisor.wait_for("the second run to be ready", || {
        (supervisor.output("web").matches("ready").count() == 2).then_some(())
    });
    profile(&supervisor, "web").run(SLEEP);
    wait_for_output(&supervisor, "web", "got QUIT");
    supervisor.drain();
}

#[test]
fn scenario_10_a_touch_changes_nothing() {
    let (supervisor, other) = web_and_other(|web| web.set("env", "A=1").set("restart", ""));
    let web = supervisor.main_process("web");
    let dir = supervisor.sandbox.profiles().join("web");
    for (file, seconds) in [("run", 0), ("env", 5_000_000_000), ("restart", 1_000)] {
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        File::options().append(true).open(dir.join(file)).unwrap().set_modified(time).unwrap();
    }
    see_all(&supervisor);
    // Another inode of the same content.
    profile(&supervisor, "web").run(PRINTS_SIGNALS).set("env", "A=1").set("restart", "");
    see_all(&supervisor);
    fs::write(dir.join("notes.txt"), "nothing that a setting is named as").unwrap();
    see_all(&supervisor);
    is_untouched(&supervisor, "web", web);
    is_untouched(&supervisor, "other", other);
    supervisor.drain();
}

#[test]
fn scenario_10_what_is_removed_is_stopped_by_the_stop_signal_it_had() {
    let (supervisor, other) = web_and_other(|web| web.set("stop_signal", "INT").set("restart", ""));
    let web = supervisor.main_process("web");
    let old = supervisor.sandbox.path().join("old");
    fs::rename(supervisor.sandbox.profiles().join("web"), &old).unwrap();
    supervisor.wait_for_line("web", "disappeared. Stopping and not restarting.");
    supervisor.wait_for_line("web", &format!("stopped (pid {}, exit 0)", web.pid));
    wait_for_output(&supervisor, "web", "got INT");
    // Removed file by file, as rm does.
    fs::remove_dir_all(supervisor.sandbox.profiles().join("other")).unwrap();
    supervisor.wait_for_line("other", "stopped");
    assert!(!other.is_alive());
    // And back.
    fs::rename(&old, supervisor.sandbox.profiles().join("web")).unwrap();
    supervisor.wait_for("web to run again", || supervisor.pids("web").get(1).copied());
    supervisor.drain();
}

#[test]
fn scenario_10_what_is_renamed_stops_and_starts_under_its_new_name() {
    let (supervisor, other) = web_and_other(|web| web.set("restart", ""));
    let profiles = supervisor.sandbox.profiles();
    let old = supervisor.main_process("web");
    fs::rename(profiles.join("web"), profiles.join("site")).unwrap();
    supervisor.main_process("site");
    supervisor.wait_for_line("web", "stopped");
    assert!(!old.is_alive());
    assert_eq!(supervisor.pids("web").len(), 1);
    is_untouched(&supervisor, "other", other);
    supervisor.drain();
}

/// Copies a tree of profiles as a deployment does: new files with the same content.
fn release(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for profile in fs::read_dir(from).unwrap().flatten() {
        let dir = to.join(profile.file_name());
        fs::create_dir(&dir).unwrap();
        for file in fs::read_dir(profile.path()).unwrap().flatten() {
            fs::copy(file.path(), dir.join(file.file_name())).unwrap();
        }
    }
}

/// Points a symlink elsewhere in one step.
fn switch(link: &Path, to: &Path) {
    let new = link.with_extension("new");
    symlink(to, &new).unwrap();
    fs::rename(new, link).unwrap();
}

/// Releases in which `same` stays, `changed` differs, `old` is gone and `new` is new.
fn two_releases(sandbox: &Sandbox, first: &Path, second: &Path) {
    for profile in ["same", "changed", "old"] {
        sandbox.profile(profile, SLEEP).set("env", "A=1").set("restart", "");
    }
    fs::create_dir_all(first.parent().unwrap()).unwrap();
    fs::rename(sandbox.profiles(), first).unwrap();
    release(first, second);
    fs::write(second.join("changed/env"), "A=2").unwrap();
    fs::rename(second.join("old"), second.join("new")).unwrap();
}

#[track_caller]
fn check_the_switch(supervisor: &Supervisor, same: Process) {
    supervisor.wait_for("changed to be restarted", || supervisor.pids("changed").get(1).copied());
    supervisor.main_process("new");
    supervisor.wait_for_line("old", "stopped");
    is_untouched(supervisor, "same", same);
    assert_eq!(supervisor.pids("changed").len(), 2, "{}", supervisor.log());
}

#[test]
fn scenario_10_a_switched_symlink_of_the_profiles_directory_touches_what_differs() {
    let sandbox = Sandbox::new();
    let [first, second] = ["releases/1", "releases/2"].map(|release| sandbox.path().join(release));
    two_releases(&sandbox, &first, &second);
    symlink(&first, sandbox.profiles()).unwrap();
    let supervisor = sandbox.start();
    let same = supervisor.main_process("same");
    for profile in ["changed", "old"] {
        supervisor.main_process(profile);
    }
    switch(&supervisor.sandbox.profiles(), &second);
    check_the_switch(&supervisor, same);
    // The old release is deleted, which is nobody's business.
    fs::remove_dir_all(&first).unwrap();
    see_all(&supervisor);
    is_untouched(&supervisor, "same", same);
    // What runs next comes from the new release.
    let web = supervisor.kill_main_process("same");
    let cwd = fs::read_link(format!("/proc/{}/cwd", web.pid)).unwrap();
    assert_eq!(cwd, fs::canonicalize(second.join("same")).unwrap());
    supervisor.drain();
}

#[test]
fn scenario_10_a_switched_symlink_above_the_profiles_directory_touches_what_differs() {
    let sandbox = Sandbox::new();
    let [first, second] = ["releases/1", "releases/2"].map(|release| sandbox.path().join(release));
    two_releases(&sandbox, &first.join("etc/profiles"), &second.join("etc/profiles"));
    let current = sandbox.path().join("current");
    symlink(&first, &current).unwrap();
    symlink("current/etc/profiles", sandbox.profiles()).unwrap();
    let supervisor = sandbox.start();
    let same = supervisor.main_process("same");
    for profile in ["changed", "old"] {
        supervisor.main_process(profile);
    }
    switch(&current, &second);
    check_the_switch(&supervisor, same);
    supervisor.drain();
}

#[test]
fn scenario_10_a_switched_symlink_of_one_profile_touches_that_one_if_it_differs() {
    let sandbox = Sandbox::new();
    let [first, second, third] = ["r/1", "r/2", "r/3"].map(|release| sandbox.path().join(release));
    sandbox.profile("web", SLEEP).set("env", "A=1");
    release(&sandbox.profiles(), &first);
    release(&sandbox.profiles(), &second);
    release(&sandbox.profiles(), &third);
    fs::write(third.join("web/env"), "A=2").unwrap();
    fs::remove_dir_all(sandbox.profiles().join("web")).unwrap();
    let link = sandbox.profiles().join("web");
    symlink(first.join("web"), &link).unwrap();
    sandbox.profile("other", SLEEP);
    let supervisor = sandbox.start();
    let (web, other) = (supervisor.main_process("web"), supervisor.main_process("other"));
    switch(&link, &second.join("web"));
    see_all(&supervisor);
    is_untouched(&supervisor, "web", web);
    switch(&link, &third.join("web"));
    supervisor.wait_for("web to be restarted", || supervisor.pids("web").get(1).copied());
    is_untouched(&supervisor, "other", other);
    supervisor.drain();
}

#[test]
fn scenario_10_down_holds_what_does_not_run_and_lets_run_what_does() {
    let (supervisor, _) = web_and_other(|web| web);
    let web = supervisor.main_process("web");
    let held = supervisor.sandbox.profiles().join("held");
    supervisor.sandbox.profile("held.new", SLEEP).set("down", "");
    fs::rename(supervisor.sandbox.profiles().join("held.new"), &held).unwrap();
    profile(&supervisor, "web").set("down", "");
    see_all(&supervisor);
    is_untouched(&supervisor, "web", web);
    assert_eq!(supervisor.pids("held"), [0; 0]);
    fs::remove_file(held.join("down")).unwrap();
    supervisor.main_process("held");
    fs::remove_file(supervisor.sandbox.profiles().join("web/down")).unwrap();
    see_all(&supervisor);
    is_untouched(&supervisor, "web", web);
    supervisor.drain();
}

#[test]
fn scenario_10_with_a_reload_file_a_change_is_the_signal() {
    for (content, signal) in [("", "HUP"), ("USR1", "USR1")] {
        let (supervisor, other) = web_and_other(|web| web.set("reload", content));
        let web = supervisor.main_process("web");
        profile(&supervisor, "web").set("env", "A=1");
        supervisor.wait_for_line("web", &format!("reloading (signal {signal} to pid {})", web.pid));
        wait_for_output(&supervisor, "web", &format!("got {signal}"));
        see_all(&supervisor);
        assert_eq!(supervisor.output("web").matches("got").count(), 1, "one change is one signal");
        is_untouched(&supervisor, "web", web);
        is_untouched(&supervisor, "other", other);
        supervisor.drain();
    }
}

#[test]
fn defaults_reach_every_profile_that_has_no_file_of_its_own() {
    let (supervisor, other) = web_and_other(|web| web.set("env", "A=own"));
    let web = supervisor.main_process("web");
    let defaults = supervisor.sandbox.profiles().join(".defaults");
    fs::create_dir(&defaults).unwrap();
    fs::write(defaults.join("env"), "A=default").unwrap();
    supervisor.wait_for("the other to be restarted", || supervisor.pids("other").get(1).copied());
    assert!(!other.is_alive());
    is_untouched(&supervisor, "web", web);
    supervisor.drain();
}
