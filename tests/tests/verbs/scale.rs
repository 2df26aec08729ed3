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

    let (_, err) = verb(&daemon, &["stop", "web"], 4);
    assert!(err.contains("it runs as web@1 and so on; name one of them, or 'web@*'"), "{err}");
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
