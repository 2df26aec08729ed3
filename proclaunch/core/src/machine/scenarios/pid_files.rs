//! A profile that daemonizes: ready when its pid file names a live process that is believed.

use super::*;

const DAEMON: Settings<'_> = &[("pid_file", "pid")];
const LOOKS: (It, &str) = (It::Begins, "=> look at pid file");
const STARTS: (It, &str) = (It::HasNoPidFile, "starting; => spawn");
/// `run` itself, pid 101; what it is to become is not known yet.
const LAUNCHES: (It, &str) = (It::Spawns, "");
/// `run` has done its work, and its daemon, pid 500, lives.
const DETACHES: (It, &str) = (It::ExitsLeaving(0, 500), "=> watch; => look at pid file");
const IS_READY: (It, &str) = (It::IsNamed(500, 0), "=> adopt pid 500; running pid 500");

fn daemon(rest: &[(It, &'static str)]) -> Vec<(It, &'static str)> {
    [&[LOOKS, STARTS, LAUNCHES], rest].concat()
}

#[test]
fn scenario_17_the_daemon_runs_once_its_pid_file_names_it() {
    check(DAEMON, &daemon(&[DETACHES, IS_READY]));
    check(
        DAEMON,
        &daemon(&[
            DETACHES,
            (It::HasNoPidFile, ""),
            // After 10, 30, 70, 150, 310 and 630 ms, and then every 500 ms.
            (It::Waits(30_000), "=> look at pid file (64 times)"),
            IS_READY,
            (It::Waits(1_000_000), ""),
        ]),
    );
    // Before its launcher has ended, whose end is then no news.
    let mut life = check(DAEMON, &daemon(&[(It::Waits(10), "=> look at pid file"), IS_READY]));
    life.main = Some(id(101));
    life.happens(It::Exits(0));
    assert_eq!((life.machine.state(), life.done.len()), (StateName::Running, 0));
}

#[test]
fn a_run_that_stays_in_the_foreground_may_write_a_pid_file() {
    check(
        DAEMON,
        &daemon(&[
            (It::Waits(10), "=> look at pid file"),
            (It::IsNamed(101, 0), "running pid 101"),
            (It::Exits(1), "died (pid 101, exit 1, after 0s, not restarted); => remove pid file"),
        ]),
    );
}

#[test]
fn scenario_17_a_pid_file_that_never_comes_fails_the_start() {
    const TIMED: Settings<'_> = &[("pid_file", "pid"), ("start_timeout", "5"), ("restart", "")];
    for (look, why) in [
        (It::HasNoPidFile, "there is no pid file"),
        (It::HasStalePidFile, "it names a dead process"),
        (It::HasBadPidFile, "it is a link"),
    ] {
        let failed = format!("failed to start (not ready after 5s: {why}, restart in 0.2s); => kill tree");
        check(TIMED, &daemon(&[DETACHES, (It::Waits(4_900), "=> look at pid file (14 times)"), (look, "")]));
        let mut life = check(TIMED, &daemon(&[DETACHES]));
        life.happens(It::Waits(5_000));
        life.done.clear();
        life.happens(look);
        assert_eq!(life.done.join("; "), failed);
        life.done.clear();
        life.happens(It::IsGone);
        life.happens(It::Waits(1_000));
        assert_eq!(life.done, ["=> remove pid file", "=> look at pid file"]);
    }
}

#[test]
fn a_look_that_is_never_answered_does_not_hold_the_start_up_for_ever() {
    let mut life = check(&[("pid_file", "pid"), ("start_timeout", "5")], &daemon(&[]));
    life.happens(It::Waits(7_000));
    let said: Vec<_> = life.done.iter().filter(|done| !done.starts_with("=>")).collect();
    assert_eq!(said, ["failed to start (not ready after 7s: there is no pid file, not restarted)"]);
    check(DAEMON, &[LOOKS, (It::Waits(4_999), ""), (It::Waits(1), "starting; => spawn")]);
}

#[test]
fn a_launcher_that_fails_fails_the_start() {
    for (settings, outcome) in
        [(DAEMON, "not restarted"), (&[("pid_file", "pid"), ("restart", "")], "restart in 0.2s")]
    {
        let failed = format!("failed to start (`run` ended with exit 3, {outcome}); => kill tree");
        check(
            settings,
            &[
                LOOKS,
                STARTS,
                LAUNCHES,
                (It::ExitsLeaving(3, 500), &failed),
                (It::IsGone, "=> remove pid file"),
            ],
        );
    }
    check(
        DAEMON,
        &daemon(&[(
            It::IsKilledBy("SEGV"),
            "failed to start (`run` ended with signal SEGV, not restarted); => kill tree",
        )]),
    );
}

#[test]
fn a_pid_file_is_awaited_for_two_seconds_when_nothing_of_the_start_lives() {
    const FAILED: &str =
        "failed to start (not ready after 2s: there is no pid file, not restarted); => kill tree";
    for leaves in [true, false] {
        let detaches = if leaves { DETACHES } else { (It::Exits(0), "=> look at pid file") };
        let mut life = check(DAEMON, &daemon(&[detaches]));
        if leaves {
            life.happens(It::IsGone);
        }
        life.happens(It::Waits(1_999));
        life.happens(It::HasNoPidFile);
        life.happens(It::Waits(1));
        assert!(life.done.iter().all(|done| done == "=> look at pid file"), "{:?}", life.done);
        life.done.clear();
        life.happens(It::HasNoPidFile);
        assert_eq!(life.done.join("; "), FAILED);
    }
}

#[test]
fn before_a_start_the_pid_file_may_name_the_daemon_already() {
    let adopted = "=> adopt pid 500; running pid 500 (adopted, up 1m 0s)";
    check(
        DAEMON,
        &[
            LOOKS,
            (It::IsNamed(500, 60), adopted),
            (It::Waits(60_000), ""),
            (
                It::IsKilledBy("KILL"),
                "died (pid 500, signal KILL, after 2m 0s, not restarted); => remove pid file",
            ),
        ],
    );
    check(
        DAEMON,
        &[LOOKS, (It::HasStalePidFile, "removing dead pid file; => remove pid file; starting; => spawn")],
    );
    check(
        DAEMON,
        &[LOOKS, (It::HasBadPidFile, "pid file is not believed (it is a link); starting; => spawn")],
    );
}

#[test]
fn a_daemon_that_dies_is_started_again() {
    const DIED: &str = "died (pid 500, signal KILL, after 3s, restart at once); \
                        => remove pid file; => look at pid file";
    let mut life = Life::new(&[("pid_file", "pid"), ("restart", "")]);
    for it in [LOOKS.0, STARTS.0, LAUNCHES.0, DETACHES.0, IS_READY.0, It::Waits(3_000)] {
        life.happens(it);
    }
    life.done.clear();
    life.happens(It::IsKilledBy("KILL"));
    assert_eq!(life.done.join("; "), DIED);
    life.done.clear();
    life.happens(It::HasNoPidFile);
    assert_eq!(life.done, ["starting", "=> spawn"]);
}

#[test]
fn a_stop_before_the_daemon_is_known_reaches_all_of_the_start() {
    const STOPPING: &str = "stopping; => watch; => TERM to tree";
    for kill in ["mixed", "group", "tree", "process"] {
        let mut life = Life::new(&[("pid_file", "pid"), ("kill", kill)]);
        for it in [LOOKS.0, STARTS.0, LAUNCHES.0, DETACHES.0] {
            life.happens(it);
        }
        life.done.clear();
        life.happens(It::IsTold(Order::Stop));
        assert_eq!(life.done.join("; "), STOPPING, "{kill}");
        life.done.clear();
        life.happens(It::Waits(10_000));
        assert_eq!(life.done.join("; "), "still running after 10s; killing; => kill tree", "{kill}");
        life.done.clear();
        life.happens(It::IsGone);
        assert_eq!(life.done.join("; "), "stopped; => remove pid file", "{kill}");
    }
}

#[test]
fn a_stop_while_the_pid_file_is_looked_at_starts_nothing() {
    for look in [STARTS.0, It::HasStalePidFile, It::IsNamed(500, 60), It::Waits(10_000)] {
        check(DAEMON, &[LOOKS, (It::IsTold(Order::Stop), ""), (look, "")]);
        check(DAEMON, &[LOOKS, (It::Drains, ""), (look, "")]);
    }
}

#[test]
fn a_change_of_what_is_being_started_starts_it_anew() {
    check(
        DAEMON,
        &daemon(&[
            DETACHES,
            (It::Says(&[("pid_file", "pid"), ("start_timeout", "9")]), ""),
            (
                It::Says(&[("pid_file", "other"), ("start_timeout", "9")]),
                "changed; stopping; => watch; => TERM to tree",
            ),
            (It::IsGone, "stopped; => remove pid file; => look at pid file"),
        ]),
    );
}
