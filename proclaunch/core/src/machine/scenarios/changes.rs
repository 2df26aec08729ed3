//! What a change of the files does, and their removal.

use super::*;

const STARTS: (It, &str) = (It::Begins, "starting; => spawn");
const RUNS: (It, &str) = (It::Spawns, "running pid 101");
const STOPPED: (It, &str) = (It::Exits(0), "stopped (pid 101, exit 0)");
const RESTARTED: (It, &str) = (It::Exits(0), "stopped (pid 101, exit 0); starting; => spawn");
const CHANGED: &str = "changed; stopping; => TERM to main";
const DISAPPEARED: &str = "disappeared. Stopping and not restarting.";

#[test]
fn scenario_10_what_shapes_the_process_restarts_it() {
    const SHAPES: [Settings<'_>; 9] = [
        &[("run", "other")],
        &[("user", "nobody")],
        &[("env", "A=1")],
        &[("directory", "/")],
        &[("umask", "077")],
        &[("nice", "5")],
        &[("limits", "nofile 64")],
        &[("pid_file", "pid")],
        &[("oneshot", "")],
    ];
    for shape in SHAPES {
        // The look belongs to the start that follows, where there is a pid file.
        let stopped = if shape[0].0 == "pid_file" {
            "stopped (pid 101, exit 0); => look at pid file"
        } else {
            RESTARTED.1
        };
        let stopped = stopped.split("; ").collect::<Vec<_>>();
        let mut life = check(&[], &[STARTS, RUNS, (It::Says(&[]), ""), (It::Says(shape), CHANGED)]);
        life.happens(It::Exits(0));
        let mut sorted = stopped.clone();
        sorted.sort_unstable();
        life.done.sort_unstable();
        assert_eq!(life.done, sorted, "{shape:?}");
    }
}

#[test]
fn scenario_10_what_shapes_the_policy_takes_force_without_touching_the_process() {
    const POLICIES: [Settings<'_>; 8] = [
        &[("restart", "")],
        &[("backoff", "1 2")],
        &[("give_up", "5 60")],
        &[("stop_signal", "INT")],
        &[("stop_timeout", "3")],
        &[("start_timeout", "3")],
        &[("kill", "tree")],
        &[("reload", "")],
    ];
    for policy in POLICIES {
        check(&[], &[STARTS, RUNS, (It::Says(policy), ""), (It::Says(&[]), "")]);
    }
    check(
        &[],
        &[
            STARTS,
            RUNS,
            (It::Says(&[("stop_signal", "INT 1 QUIT 2"), ("kill", "group")]), ""),
            (It::IsTold(Order::Stop), "stopping; => INT to group"),
            (It::Says(&[("stop_signal", "INT 1 ABRT 2"), ("kill", "group")]), ""),
            (It::Waits(1_000), "still running 1s after the stop signal; sending ABRT; => ABRT to group"),
        ],
    );
    check(
        &[],
        &[
            STARTS,
            RUNS,
            (It::Says(&[("restart", ""), ("backoff", "7 7")]), ""),
            (It::Exits(0), "died (pid 101, exit 0, after 0s, restart in 7s)"),
        ],
    );
}

#[test]
fn scenario_10_with_a_reload_file_a_change_is_a_signal() {
    check(
        &[("reload", "")],
        &[
            STARTS,
            RUNS,
            (
                It::Says(&[("reload", ""), ("env", "A=1")]),
                "changed; reloading (signal HUP to pid 101); => HUP to main",
            ),
            // Told once; it keeps the settings that it was started with.
            (It::Says(&[("reload", ""), ("env", "A=1")]), ""),
            (
                It::Says(&[("reload", "USR1"), ("env", "A=2")]),
                "changed; reloading (signal USR1 to pid 101); => USR1 to main",
            ),
        ],
    );
}

#[test]
fn a_change_while_starting_is_caught_up_with() {
    check(
        &[],
        &[
            STARTS,
            (It::Says(&[("run", "other")]), ""),
            (It::Spawns, "running pid 101; changed; stopping; => TERM to main"),
            RESTARTED,
        ],
    );
    // Undone before the process was there.
    check(&[], &[STARTS, (It::Says(&[("run", "other")]), ""), (It::Says(&[]), ""), RUNS]);
}

#[test]
fn a_change_while_stopping_is_in_the_next_start_and_starts_nothing_that_was_stopped() {
    check(
        &[],
        &[
            STARTS,
            RUNS,
            (It::IsTold(Order::Stop), "stopping; => TERM to main"),
            (It::Says(&[("run", "other")]), ""),
            STOPPED,
            (It::Says(&[("run", "third")]), ""),
            (It::Waits(1_000_000), ""),
        ],
    );
    check(
        &[],
        &[
            STARTS,
            RUNS,
            (It::Says(&[("run", "other")]), CHANGED),
            (It::Says(&[("run", "third")]), ""),
            RESTARTED,
            (It::Spawns, "running pid 102"),
        ],
    );
}

#[test]
fn a_change_is_a_new_chance_for_what_was_dead_or_waits() {
    let dead = [STARTS, RUNS, (It::Exits(1), "died (pid 101, exit 1, after 0s, not restarted)")];
    let then = |it, told| [&dead[..], &[(it, told)]].concat();
    check(&[], &then(It::Says(&[("run", "other")]), "starting; => spawn"));
    check(&[], &then(It::Says(&[("restart", "always")]), "starting; => spawn"));
    check(&[], &then(It::Says(&[("stop_signal", "INT")]), ""));
    check(&[], &then(It::Says(&[("run", "other"), ("down", "")]), ""));
    check(
        &[("restart", ""), ("backoff", "60 60")],
        &[
            STARTS,
            RUNS,
            (It::Exits(1), "died (pid 101, exit 1, after 0s, restart in 1m 0s)"),
            (It::Says(&[("restart", ""), ("backoff", "60 60")]), ""),
            (It::Says(&[("restart", ""), ("backoff", "60 60"), ("run", "other")]), "starting; => spawn"),
            (It::Spawns, "running pid 102"),
            // What was counted before is forgotten.
            (It::Waits(1_000), ""),
            (It::Exits(1), "died (pid 102, exit 1, after 1s, restart at once); starting; => spawn"),
        ],
    );
}

#[test]
fn scenario_10_down_holds_what_does_not_run_and_lets_run_what_does() {
    const DOWN: Settings<'_> = &[("down", "")];
    check(DOWN, &[(It::Begins, ""), (It::Waits(1_000_000), ""), (It::Says(&[]), "starting; => spawn")]);
    check(&[], &[STARTS, RUNS, (It::Says(DOWN), ""), (It::Says(&[]), "")]);
    check(DOWN, &[(It::Begins, ""), (It::Says(&[("down", ""), ("run", "other")]), "")]);
    // An order outranks the file, both ways.
    check(DOWN, &[(It::Begins, ""), (It::IsTold(Order::Start { force: false }), "starting; => spawn")]);
    check(
        &[],
        &[
            STARTS,
            RUNS,
            (It::IsTold(Order::Stop), "stopping; => TERM to main"),
            STOPPED,
            (It::Says(DOWN), ""),
            (It::Says(&[]), ""),
        ],
    );
}

#[test]
fn bad_files_leave_the_last_good_settings_in_force() {
    const INT: Settings<'_> = &[("restart", ""), ("stop_signal", "INT")];
    let mut life = check(
        INT,
        &[
            STARTS,
            RUNS,
            (It::SaysNonsense, ""),
            (It::Exits(1), "died (pid 101, exit 1, after 0s, restart in 0.2s)"),
            (It::Waits(300), "starting; => spawn"),
            (It::Spawns, "running pid 102"),
            (It::IsTold(Order::Stop), "stopping; => INT to main"),
        ],
    );
    assert_eq!(life.machine.trouble(), Some("nonsense"));
    life.happens(It::Says(INT));
    assert_eq!(life.machine.trouble(), None);
}

#[test]
fn a_profile_without_good_files_is_held_until_they_are_good() {
    let held = || {
        let mut life = Life::new(&[]);
        life.machine = Machine::new();
        life.happens(It::SaysNonsense);
        life.happens(It::Begins);
        life.happens(It::Waits(1_000_000));
        assert_eq!((life.machine.idle(), &life.done[..]), (Some(Idle::Held), &[][..]));
        life
    };
    let mut life = held();
    life.happens(It::Says(&[]));
    assert_eq!(life.done, ["starting", "=> spawn"]);
    // An order finds nothing that could be started, and is remembered.
    let mut life = held();
    life.happens(It::IsTold(Order::Start { force: false }));
    assert_eq!(life.done, [""; 0]);
    life.happens(It::Says(&[("down", "")]));
    assert_eq!(life.done, ["starting", "=> spawn"]);
    // `down` holds it too.
    let mut life = held();
    life.happens(It::Says(&[("down", "")]));
    assert_eq!(life.machine.idle(), Some(Idle::Down));
}

#[test]
fn scenario_10_what_disappears_is_stopped_by_the_settings_it_had() {
    let gone = format!("{DISAPPEARED}; stopping; => INT to group");
    let life = check(
        &[("restart", ""), ("stop_signal", "INT 3 QUIT"), ("kill", "group")],
        &[
            STARTS,
            RUNS,
            (It::Disappears, &gone),
            (It::Waits(3_000), "still running 3s after the stop signal; sending QUIT; => QUIT to group"),
            STOPPED,
            (It::Waits(1_000_000), ""),
        ],
    );
    assert_eq!(life.machine.idle(), Some(Idle::Gone));
    check(
        &[("restart", "")],
        &[
            STARTS,
            (It::Disappears, &format!("{DISAPPEARED}; stopping")),
            (It::Spawns, "=> TERM to main"),
            STOPPED,
            (It::Waits(1_000_000), ""),
        ],
    );
    check(
        &[("restart", "")],
        &[
            STARTS,
            RUNS,
            (It::Exits(1), "died (pid 101, exit 1, after 0s, restart in 0.2s)"),
            (It::Disappears, DISAPPEARED),
            (It::Waits(1_000_000), ""),
        ],
    );
    for order in [Order::Start { force: false }, Order::Restart] {
        let mut life = Life::new(&[]);
        life.happens(It::Begins);
        life.happens(It::Spawns);
        life.happens(It::Disappears);
        life.happens(It::IsTold(order));
        life.happens(It::Exits(0));
        assert_eq!(life.machine.idle(), Some(Idle::Gone), "no order brings it back");
    }
}

#[test]
fn what_returns_while_it_is_being_stopped_starts_again() {
    let gone = format!("{DISAPPEARED}; stopping; => TERM to main");
    check(&[], &[STARTS, RUNS, (It::Disappears, &gone), (It::Says(&[]), ""), RESTARTED]);
    check(
        &[],
        &[STARTS, RUNS, (It::Disappears, &gone), (It::Says(&[]), ""), (It::Disappears, DISAPPEARED), STOPPED],
    );
}
