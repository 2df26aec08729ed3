//! `scale`, and the setting `instances` that it writes: one directory, several profiles.

use std::collections::BTreeMap;
use std::fs;

use nix::sys::signal::Signal;
use proclaunch_tests::daemon::Daemon;
use proclaunch_tests::processes::Process;
use proclaunch_tests::sandbox::Sandbox;

use crate::live::{verb, wait_for_state};

/// A service that says which it is, where it is, and stays.
const SERVICE: &str = "echo \"$PROCLAUNCH_PROFILE $INSTANCE $(basename \"$PWD\")\"; exec sleep 1000";

/// The profiles that run, and their processes.
fn running(daemon: &Daemon) -> BTreeMap<String, i32> {
    let (out, _) = verb(daemon, &["status", "--json"], 0);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    let profiles = value["profiles"].as_array().unwrap().iter();
    let of = |profile: &serde_json::Value| {
        let pid = i32::try_from(profile["pid"].as_i64()?).unwrap();
        Some((profile["name"].as_str().unwrap().to_owned(), pid))
    };
    profiles.filter_map(of).collect()
}

fn names(running: &BTreeMap<String, i32>) -> Vec<&str> {
    running.keys().map(String::as_str).collect()
}

fn read(daemon: &Daemon, file: &str) -> String {
    fs::read_to_string(daemon.sandbox.profiles().join("web").join(file)).unwrap()
}

/// What an instance has written first.
#[track_caller]
fn written(daemon: &Daemon, name: &str) -> String {
    daemon.wait_for(&format!("output of {name}"), || {
        let output = daemon.output(name);
        output.contains('\n').then_some(output)
    })
}

#[test]
fn a_directory_runs_several_times_and_a_change_touches_only_the_difference() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SERVICE).set("instances", "3\n");
    let mut daemon = sandbox.daemonize();
    for number in 1..=3 {
        let name = format!("web@{number}");
        wait_for_state(&daemon, &name, "running");
        assert_eq!(written(&daemon, &name), format!("{name} {number} web\n"));
    }
    let three = running(&daemon);
    assert_eq!(names(&three), ["web@1", "web@2", "web@3"]);

    let (out, _) = verb(&daemon, &["scale", "web", "5"], 0);
    assert_eq!(out.lines().count(), 5, "{out}");
    assert!(out.starts_with(&format!("web@1 running pid {}\n", three["web@1"])), "{out}");
    assert_eq!(read(&daemon, "instances"), "5\n");
    let five = running(&daemon);
    assert_eq!(names(&five), ["web@1", "web@2", "web@3", "web@4", "web@5"]);
    assert!(three.iter().all(|(name, pid)| five[name] == *pid), "{three:?} {five:?}");

    // Neither the death of the supervisor nor that of everything makes a difference.
    let parts = daemon.wait_for_parts();
    parts.supervisor.signal(Signal::SIGKILL);
    daemon.wait_for_line("ProcLaunch", "supervisor restarted");
    verb(&daemon, &["scale", "web", "5"], 0);
    assert_eq!(running(&daemon), five);
    daemon.kill_all_parts();
    daemon.start_again();
    verb(&daemon, &["scale", "web", "5"], 0);
    assert_eq!(running(&daemon), five);

    let (out, _) = verb(&daemon, &["restart", "--rolling", "web@[45]"], 0);
    assert!(out.contains("web@4") && out.contains("web@5"), "{out}");
    let again = running(&daemon);
    assert_eq!((again["web@3"], again.len()), (five["web@3"], 5));
    assert_ne!(again["web@4"], five["web@4"]);

    assert_eq!(verb(&daemon, &["scale", "web", "1"], 0).0, format!("web@1 running pid {}\n", five["web@1"]));
    assert_eq!(running(&daemon), BTreeMap::from([("web@1".to_owned(), five["web@1"])]));
    assert_eq!(daemon.said("web@5", "disappeared").len(), 1);
    assert!(daemon.pids("web@1").iter().all(|pid| *pid == five["web@1"]), "{}", daemon.log());
    assert!(Process::of(five["web@2"]).is_none_or(|process| !process.is_alive()));

    let (out, _) = verb(&daemon, &["scale", "web", "0"], 0);
    assert_eq!((out.as_str(), running(&daemon).len()), ("web none runs\n", 0));
    verb(&daemon, &["shutdown"], 0);
}

#[test]
fn a_bad_number_changes_nothing_and_the_file_makes_and_unmakes_instances() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SERVICE).set("restart", "");
    let daemon = sandbox.daemonize();
    wait_for_state(&daemon, "web", "running");
    let (out, _) = verb(&daemon, &["scale", "web", "2"], 0);
    assert!(out.starts_with("web@1 running pid ") && out.contains("\nweb@2 running pid "), "{out}");
    let two = running(&daemon);
    assert_eq!(names(&two), ["web@1", "web@2"]);

    daemon.sandbox.write("web", "instances", "several\n");
    verb(&daemon, &["rescan"], 0);
    let said = daemon.said("web@1", "keeps its last good settings");
    assert!(said[0].contains("`instances` says `several`: not a number of instances"), "{said:?}");
    assert_eq!(running(&daemon), two);
    // So it is after a supervisor's death too.
    daemon.wait_for_parts().supervisor.signal(Signal::SIGKILL);
    daemon.wait_for_line("ProcLaunch", "supervisor restarted");
    verb(&daemon, &["rescan"], 0);
    assert_eq!(running(&daemon), two);

    fs::remove_file(daemon.sandbox.profiles().join("web/instances")).unwrap();
    verb(&daemon, &["rescan"], 0);
    wait_for_state(&daemon, "web", "running");
    daemon.wait_for("web alone", || (names(&running(&daemon)) == ["web"]).then_some(()));
    verb(&daemon, &["shutdown"], 0);
}

#[test]
fn scale_says_why_it_cannot_be() {
    let sandbox = Sandbox::new();
    sandbox.profile("web", SERVICE);
    sandbox.profile("web@2", SERVICE);
    sandbox.profile("early", "sleep 0.1; exit 3").set("ready.lua", "return function() return false end");
    let daemon = sandbox.daemonize();
    wait_for_state(&daemon, "web", "running");
    wait_for_state(&daemon, "web@2", "running");
    let own = running(&daemon)["web@2"];
    let (_, err) = verb(&daemon, &["scale", "web", "2"], 1);
    assert!(err.contains("there is a directory `web@2`") && err.contains("nothing was written"), "{err}");
    // Written by hand, it runs what it can, and once each.
    daemon.sandbox.write("web", "instances", "3\n");
    verb(&daemon, &["rescan"], 0);
    wait_for_state(&daemon, "web@3", "running");
    daemon.wait_for("web to be gone", || {
        (names(&running(&daemon)) == ["web@1", "web@2", "web@3"]).then_some(())
    });
    assert_eq!(running(&daemon)["web@2"], own);
    assert!(daemon.log().contains("runs no instance web@2 of web: there is a directory of this name"));
    // All that has changed so far is read when this one runs, so that the next change comes alone.
    daemon.sandbox.profile("marker", SERVICE);
    wait_for_state(&daemon, "marker", "running");
    // Gone, its name is that of the instance.
    fs::rename(daemon.sandbox.profiles().join("web@2"), daemon.sandbox.path().join("away")).unwrap();
    daemon.wait_for("the instance web@2", || daemon.output("web@2").ends_with("web@2 2 web\n").then_some(()));
    assert!(verb(&daemon, &["scale", "web", "3"], 0).0.contains("web@2 running pid "));
    assert_ne!(running(&daemon)["web@2"], own);

    assert!(verb(&daemon, &["scale", "wbe", "2"], 4).1.contains("there is no profile `wbe`"));
    let (_, err) = verb(&daemon, &["scale", "web@3", "2"], 4);
    assert!(err.contains("`web@3` is no directory, but an instance of `web`; scale `web`"), "{err}");
    assert!(verb(&daemon, &["scale", "web", "1001"], 2).1.contains("a whole number from 0 to 1000"));
    let (_, err) = verb(&daemon, &["scale", "early", "2"], 1);
    // Whichever of the two fails first.
    assert!(err.contains("early: early@") && err.contains("it ended before it was ready: exit 3"), "{err}");
    daemon.sandbox.write("web", "pid_file", "pid\n");
    let (_, err) = verb(&daemon, &["scale", "web", "2"], 1);
    assert!(err.contains("all of them would write the same `pid_file`"), "{err}");
    verb(&daemon, &["shutdown"], 0);
}

#[test]
fn the_name_of_a_directory_means_all_its_instances_unless_it_is_that_of_a_profile() {
    let sandbox = Sandbox::new();
    let health = "return { every = 0.2, function() return true end }";
    sandbox.profile("web", SERVICE).set("instances", "2\n").set("health.lua", health);
    sandbox.profile("db", SERVICE);
    sandbox.profile("db@1", SERVICE);
    let daemon = sandbox.daemonize();
    for name in ["web@1", "web@2", "db", "db@1"] {
        wait_for_state(&daemon, name, "running");
        written(&daemon, name);
    }
    let before = running(&daemon);
    let names_of = |words: &[&str], code| {
        let out = verb(&daemon, words, code).0;
        let first = |line: &str| line.split([' ', ':']).next().unwrap().to_owned();
        let mut names: Vec<String> = out.lines().map(first).collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(names_of(&["list", "web"], 0), "web@1 web@2");
    assert_eq!(names_of(&["list", "db"], 0), "db");
    assert_eq!(names_of(&["restart", "web"], 0), "web@1 web@2");
    assert_eq!(names_of(&["restart", "--rolling", "web"], 0), "web@1 web@2");
    assert_eq!(names_of(&["logs", "web", "-n", "1"], 0), "web@1 web@2");
    for words in [&["explain", "web"][..], &["history", "web"], &["events", "--profile", "web"]] {
        let (out, _) = verb(&daemon, words, 0);
        assert!(out.contains("web@1") && out.contains("web@2") && !out.contains("db"), "{out}");
    }
    let (out, _) = verb(&daemon, &["events", "--profile", "db"], 0);
    assert!(out.contains(" db ") && !out.contains("db@1"), "{out}");
    let after = running(&daemon);
    for name in ["db", "db@1"] {
        assert_eq!(before[name], after[name], "{name}");
    }
    for name in ["web@1", "web@2"] {
        assert_ne!(before[name], after[name], "{name}");
    }
    let control = daemon.control();
    assert_eq!(control.get("/readyz?profile=web").status, 200);
    assert_eq!(names_of(&["stop", "web@2"], 0), "web@2");
    let (out, _) = verb(&daemon, &["status", "web"], 3);
    assert!(out.contains("web@1 ") && out.contains("web@2 ") && !out.contains("db"), "{out}");
    let (_, err) = verb(&daemon, &["run-hook", "web", "health"], 4);
    assert!(err.contains("`web` runs as web@1, web@2: name one of them"), "{err}");
    // One that cannot start is not ready, and so the directory is not.
    daemon.sandbox.write("web", "on_start.lua", "return function() return false, 'not yet' end");
    verb(&daemon, &["rescan"], 0);
    verb(&daemon, &["start", "--no-wait", "web"], 0);
    let unready = daemon.wait_for("web@2 not to be ready", || {
        let answer = control.get("/readyz?profile=web");
        (answer.status == 503).then(|| answer.error(503).error)
    });
    assert!(unready.starts_with("web@2 "), "{unready}");
    assert_eq!(control.get("/readyz?profile=web@1").status, 200);
    assert_eq!(control.get("/readyz?profile=wbe").status, 404);
    let hint = control.get("/v1/profiles/web").error(404).hint.unwrap();
    assert!(hint.contains("web@1 and so on"), "{hint}");
    verb(&daemon, &["shutdown"], 0);
}
