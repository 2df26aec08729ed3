//! What follows an unasked end.

use super::*;

const STARTS: (It, &str) = (It::Begins, "starting; => spawn");
const RUNS: (It, &str) = (It::Spawns, "running pid 101");
const RUNS_AGAIN: (It, &str) = (It::Spawns, "running pid 102");

#[test]
fn without_a_restart_file_the_dead_stay_dead() {
    for (end, words) in
        [(It::Exits(0), "exit 0"), (It::Exits(7), "exit 7"), (It::IsKilledBy("SEGV"), "signal SEGV")]
    {
        let died = format!("died (pid 101, {words}, after 3s, not restarted)");
        for settings in [&[][..], &[("restart", "never")]] {
            let life = [STARTS, RUNS, (It::Waits(3_000), ""), (end, &died), (It::Waits(1_000_000), "")];
            assert_eq!(check(settings, &life).machine.idle(), Some(Idle::Rest(Rest::Dead)));
        }
    }
}

#[test]
fn scenario_03_always_restarts_after_every_end_and_tells_it_exactly() {
    for (end, words) in
        [(It::Exits(0), "exit 0"), (It::Exits(1), "exit 1"), (It::IsKilledBy("SEGV"), "signal SEGV")]
    {
        let died = format!("died (pid 101, {words}, after 3s, restart at once); starting; => spawn");
        for settings in [[("restart", "")], [("restart", "always")]] {
            check(&settings, &[STARTS, RUNS, (It::Waits(3_000), ""), (end, &died), RUNS_AGAIN]);
        }
    }
}

#[test]
fn scenario_15_on_failure_restarts_after_failures_only() {
    const ON_FAILURE: Settings<'_> = &[("restart", "on-failure")];
    const WAITS: (It, &str) = (It::Waits(3_000), "");
    check(
        ON_FAILURE,
        &[
            STARTS,
            RUNS,
            WAITS,
            (It::Exits(0), "died (pid 101, exit 0, after 3s, not restarted)"),
            (It::Waits(1_000_000), ""),
        ],
    );
    check(
        ON_FAILURE,
        &[
            STARTS,
            RUNS,
            WAITS,
            (It::Exits(3), "died (pid 101, exit 3, after 3s, restart at once); starting; => spawn"),
        ],
    );
    check(
        ON_FAILURE,
        &[
            STARTS,
            RUNS,
            WAITS,
            (It::IsTold(Order::Stop), "stopping; => TERM to main"),
            (It::Exits(3), "stopped (pid 101, exit 3)"),
            (It::Waits(1_000_000), ""),
        ],
    );
}

#[test]
fn the_backoff_doubles_from_base_to_cap() {
    let died = |delay: &str| format!("died (pid N, exit 1, after 0s, restart in {delay})");
    for (settings, delays) in [
        (&[("restart", "")][..], &["0.2s", "0.4s", "0.8s", "1.6s", "3.2s", "6.4s", "12s", "25s", "51s"][..]),
        (&[("restart", ""), ("backoff", "1 5")], &["1s", "2s", "4s", "5s", "5s"]),
        (&[("restart", "on-failure"), ("backoff", "3 3")], &["3s", "3s", "3s"]),
    ] {
        let mut life = Life::new(settings);
        life.happens(It::Begins);
        for (round, delay) in delays.iter().enumerate() {
            life.happens(It::Spawns);
            life.done.clear();
            life.happens(It::Exits(1));
            let pid = format!("pid {}", 101 + round);
            assert_eq!(life.done, [died(delay).replace("pid N", &pid)], "{settings:?}");
            while life.machine.state() == StateName::Stopped {
                life.happens(It::Waits(10));
            }
        }
    }
}

#[test]
fn scenario_12_a_crash_at_once_is_started_six_times_in_ten_seconds_by_default() {
    let mut life = Life::new(&[("restart", "")]);
    life.happens(It::Begins);
    let end = life.now.plus(Duration::from_secs(10));
    while life.now < end {
        life.happens(if life.machine.state() == StateName::Starting { It::Spawns } else { It::Waits(1) });
        if life.machine.state() == StateName::Running {
            life.happens(It::Exits(1));
        }
    }
    // At 0, 0.2, 0.6, 1.4, 3.0 and 6.2 seconds.
    assert_eq!(life.starts, 6);
}

#[test]
fn scenario_14_a_good_run_of_ten_seconds_is_restarted_at_once_and_the_backoff_forgotten() {
    const CRASHES: [(It, &str); 6] = [
        STARTS,
        RUNS,
        (It::Exits(1), "died (pid 101, exit 1, after 0s, restart in 0.2s)"),
        (It::Waits(1_000), "starting; => spawn"),
        RUNS_AGAIN,
        (It::Exits(1), "died (pid 102, exit 1, after 0s, restart in 0.4s)"),
    ];
    let then = |life: &[(It, &'static str)]| {
        let again = [(It::Waits(1_000), "starting; => spawn"), (It::Spawns, "running pid 103")];
        [&CRASHES, &again[..], life].concat()
    };
    check(
        &[("restart", "")],
        &then(&[
            (It::Waits(10_000), ""),
            (It::Exits(1), "died (pid 103, exit 1, after 10s, restart at once); starting; => spawn"),
            (It::Spawns, "running pid 104"),
            (It::Exits(1), "died (pid 104, exit 1, after 0s, restart in 0.4s)"),
        ]),
    );
    check(
        &[("restart", "")],
        &then(&[
            (It::Waits(9_999), ""),
            (It::Exits(1), "died (pid 103, exit 1, after 9.9s, restart in 0.8s)"),
        ]),
    );
}

#[test]
fn the_first_death_waits_unless_it_ran_for_a_second() {
    check(
        &[("restart", "")],
        &[
            STARTS,
            RUNS,
            (It::Waits(999), ""),
            (It::Exits(0), "died (pid 101, exit 0, after 0.9s, restart in 0.2s)"),
        ],
    );
    check(
        &[("restart", "")],
        &[
            STARTS,
            RUNS,
            (It::Waits(1_000), ""),
            (It::Exits(0), "died (pid 101, exit 0, after 1s, restart at once); starting; => spawn"),
        ],
    );
}

const GIVES_UP: Settings<'_> = &[("restart", ""), ("give_up", "3 10"), ("backoff", "1 1")];

const GIVEN_UP: [(It, &str); 8] = [
    STARTS,
    RUNS,
    (It::Exits(1), "died (pid 101, exit 1, after 0s, restart in 1s)"),
    (It::Waits(1_100), "starting; => spawn"),
    RUNS_AGAIN,
    (It::Exits(1), "died (pid 102, exit 1, after 0s, restart in 1s)"),
    (It::Waits(1_100), "starting; => spawn"),
    (It::Spawns, "running pid 103"),
];

const THE_THIRD: (It, &str) =
    (It::Exits(1), "died (pid 103, exit 1, after 0s, given up); gave up (died 3 times within 10s)");

#[test]
fn scenario_13_given_up_at_the_limit_and_an_order_resets_the_count() {
    let life = check(GIVES_UP, &[&GIVEN_UP[..], &[THE_THIRD, (It::Waits(1_000_000), "")]].concat());
    assert_eq!(life.machine.idle(), Some(Idle::Rest(Rest::GaveUp)));
    check(
        GIVES_UP,
        &[
            &GIVEN_UP[..],
            &[
                THE_THIRD,
                (It::IsTold(Order::Start { force: false }), "starting; => spawn"),
                (It::Spawns, "running pid 104"),
                (It::Exits(1), "died (pid 104, exit 1, after 0s, restart in 1s)"),
                (It::Waits(1_100), "starting; => spawn"),
                (It::Spawns, "running pid 105"),
                (It::Exits(1), "died (pid 105, exit 1, after 0s, restart in 1s)"),
            ],
        ]
        .concat(),
    );
}

#[test]
fn deaths_outside_the_window_of_give_up_do_not_count() {
    check(
        GIVES_UP,
        &[
            &GIVEN_UP[..],
            &[(It::Waits(8_000), ""), (It::Exits(1), "died (pid 103, exit 1, after 8s, restart in 1s)")],
        ]
        .concat(),
    );
}

#[test]
fn orders_never_count_as_deaths() {
    let mut life = Life::new(&[("restart", ""), ("give_up", "2 1000")]);
    life.happens(It::Begins);
    for _ in 0..10 {
        life.happens(It::Spawns);
        life.happens(It::IsTold(Order::Restart));
        life.happens(It::Exits(1));
    }
    life.happens(It::Spawns);
    life.done.clear();
    life.happens(It::Exits(1));
    assert_eq!(life.done, ["died (pid 111, exit 1, after 0s, restart in 0.2s)"]);
}

#[test]
fn scenario_16_a_failed_start_is_a_death_and_tells_stage_and_reason() {
    let failed = |reason: &str, outcome: &str| {
        format!("failed to start (could not execute `run`: {reason}, {outcome})")
    };
    for (errno, reason) in [
        (2, "No such file or directory (os error 2)"),
        (8, "Exec format error (os error 8)"),
        (13, "Permission denied (os error 13)"),
        (26, "Text file busy (os error 26)"),
    ] {
        check(
            &[("restart", "on-failure")],
            &[
                STARTS,
                (It::FailsToSpawn(errno), &failed(reason, "restart in 0.2s")),
                (It::Waits(500), "starting; => spawn"),
                (It::FailsToSpawn(errno), &failed(reason, "restart in 0.4s")),
                (It::Waits(500), "starting; => spawn"),
                (It::Spawns, "running pid 101"),
            ],
        );
        check(&[], &[STARTS, (It::FailsToSpawn(errno), &failed(reason, "not restarted"))]);
    }
    let lost = "failed to start (no answer from the keeper, restart in 0.2s); => kill tree";
    check(
        &[("restart", ""), ("start_timeout", "7")],
        &[
            STARTS,
            (It::Waits(6_999), ""),
            (It::Waits(1), lost),
            (It::IsGone, ""),
            (It::Waits(220), "starting; => spawn"),
        ],
    );
}

#[test]
fn a_oneshot_is_done_when_it_exits_0_and_retried_when_it_fails() {
    const ONESHOT: Settings<'_> = &[("restart", "on-failure"), ("oneshot", "")];
    const CHANGED: Settings<'_> = &[("restart", "on-failure"), ("oneshot", ""), ("run", "other")];
    const FINISHES: (It, &str) = (It::Exits(0), "finished (pid 102, exit 0, after 3s)");
    let done = [
        STARTS,
        RUNS,
        (It::Exits(1), "died (pid 101, exit 1, after 0s, restart in 0.2s)"),
        (It::Waits(500), "starting; => spawn"),
        RUNS_AGAIN,
        (It::Waits(3_000), ""),
        FINISHES,
        (It::Waits(1_000_000), ""),
    ];
    let life = check(ONESHOT, &done);
    assert_eq!(life.machine.idle(), Some(Idle::Rest(Rest::Done)));
    let again = "starting; => spawn";
    check(ONESHOT, &[&done[..], &[(It::IsTold(Order::Start { force: false }), again)]].concat());
    check(ONESHOT, &[&done[..], &[(It::Says(ONESHOT), ""), (It::Says(CHANGED), again)]].concat());
    check(
        &[("restart", ""), ("oneshot", "")],
        &[STARTS, RUNS, (It::Exits(0), "finished (pid 101, exit 0, after 0s)")],
    );
    check(
        &[("oneshot", "")],
        &[STARTS, RUNS, (It::Exits(1), "died (pid 101, exit 1, after 0s, not restarted)")],
    );
}

#[test]
fn what_a_dead_process_leaves_is_killed_before_the_next_start() {
    const DIES: &str = "died (pid 101, exit 1, after 3s, restart at once); \
                        killing what its main process left behind (pid 900); => kill tree";
    check(
        &[("restart", "")],
        &[
            STARTS,
            RUNS,
            (It::Waits(3_000), ""),
            (It::ExitsLeaving(1, 900), DIES),
            (It::Waits(99), ""),
            (It::Waits(1), "=> kill tree"),
            (It::IsGone, "starting; => spawn"),
        ],
    );
    check(
        &[("restart", ""), ("kill", "process")],
        &[
            STARTS,
            RUNS,
            (It::Waits(3_000), ""),
            (
                It::ExitsLeaving(1, 900),
                "died (pid 101, exit 1, after 3s, restart at once); \
             leaves processes behind, as its `kill` file says (pid 900); starting; => spawn",
            ),
        ],
    );
}
