//! How a profile is stopped, and what an order does in each state.

use super::*;
use crate::process::Scope;
use crate::signal::Signal;

const STARTS: (It, &str) = (It::Begins, "starting; => spawn");
const RUNS: (It, &str) = (It::Spawns, "running pid 101");
const IS_STOPPED: (It, &str) = (It::IsTold(Order::Stop), "stopping; => TERM to main");
const ALWAYS: Settings<'_> = &[("restart", "")];

/// The life of a profile that runs, then this.
fn running(rest: &[(It, &'static str)]) -> Vec<(It, &'static str)> {
    [&[STARTS, RUNS], rest].concat()
}

#[test]
fn a_stop_is_the_stop_signal_and_then_the_end() {
    for (stop_signal, sent) in [("TERM", "TERM"), ("SIGINT", "INT"), ("3", "QUIT"), ("RTMIN+2", "RTMIN+2")] {
        let stopping = format!("stopping; => {sent} to main");
        let life = check(
            &[("restart", ""), ("stop_signal", stop_signal)],
            &[
                STARTS,
                RUNS,
                (It::IsTold(Order::Stop), &stopping),
                (It::Exits(0), "stopped (pid 101, exit 0)"),
                (It::Waits(1_000_000), ""),
            ],
        );
        assert_eq!(life.machine.idle(), Some(Idle::Ordered));
    }
}

#[test]
fn a_stopped_process_is_woken_for_its_stop_signal() {
    let mut life = check(ALWAYS, &running(&[IS_STOPPED]));
    let ticket = life.ticket();
    let sent: Vec<Signal> = life
        .actions
        .drain(..)
        .filter_map(|action| match action {
            Action::Signal { ticket: of, scope: Scope::Main, signal } if of == ticket => Some(signal),
            _ => None,
        })
        .collect();
    assert_eq!(sent, [Signal::TERM, Signal::CONT]);
}

#[test]
fn scenario_21_who_ignores_the_stop_signal_is_killed_at_the_stop_timeout() {
    check(
        &[("stop_timeout", "2.5")],
        &running(&[
            IS_STOPPED,
            (It::Waits(2_499), ""),
            (It::Waits(1), "still running after 2.5s; killing; => kill tree"),
            (It::IsKilledBy("KILL"), "stopped (pid 101, signal KILL)"),
        ]),
    );
    check(
        &[("stop_signal", "QUIT 1 TERM 2 KILL")],
        &running(&[
            (It::IsTold(Order::Stop), "stopping; => QUIT to main"),
            (It::Waits(1_000), "still running 1s after the stop signal; sending TERM; => TERM to main"),
            (It::Waits(2_000), "still running after 3s; killing; => kill tree"),
            (It::IsKilledBy("KILL"), "stopped (pid 101, signal KILL)"),
        ]),
    );
    check(
        &[("stop_signal", "KILL")],
        &running(&[
            (It::IsTold(Order::Stop), "stopping; => KILL to main"),
            (It::IsKilledBy("KILL"), "stopped (pid 101, signal KILL)"),
        ]),
    );
}

#[test]
fn what_hangs_in_the_kernel_is_said_once_and_nothing_is_started_on_top_of_it() {
    check(
        &[("restart", ""), ("stop_timeout", "1")],
        &running(&[
            (It::IsTold(Order::Restart), "stopping; => TERM to main"),
            (It::Waits(1_000), "still running after 1s; killing; => kill tree"),
            // At 0.1, 0.3, 0.7, 1.5 and 3.1 seconds.
            (It::Waits(5_000), "=> kill tree (5 times)"),
            (
                It::Waits(2_000),
                "=> kill tree; pid 101 is still there 6.3s after SIGKILL; nothing is started on top of it",
            ),
            (It::IsTold(Order::Start { force: false }), ""),
            (It::Waits(100_000), "=> kill tree (10 times)"),
            (It::IsKilledBy("KILL"), "stopped (pid 101, signal KILL); starting; => spawn"),
        ]),
    );
}

#[test]
fn scenario_22_each_way_to_kill_reaches_whom_it_promises() {
    const LEAVES: It = It::ExitsLeaving(0, 900);
    let modes = [
        ("mixed", "main", "=> kill tree", "=> kill tree"),
        ("group", "group", "=> watch", "=> kill tree"),
        ("tree", "tree", "=> watch", "=> kill tree"),
    ];
    for (kill, scope, when_left, when_late) in modes {
        let settings = [("kill", kill)];
        let stopping = format!("stopping; => TERM to {scope}");
        let stop = (It::IsTold(Order::Stop), &*stopping);
        let life = [STARTS, RUNS, stop, (LEAVES, when_left), (It::IsGone, "stopped (pid 101, exit 0)")];
        check(&settings, &life);
        let killing = format!("still running after 10s; killing; {when_late}");
        check(
            &settings,
            &[
                STARTS,
                RUNS,
                stop,
                (It::Waits(10_000), &killing),
                (LEAVES, ""),
                (It::IsGone, "stopped (pid 101, exit 0)"),
            ],
        );
    }
    // Those that got the signal too have the rest of the time, and the next signals.
    check(
        &[("kill", "group"), ("stop_signal", "QUIT 3 TERM 4")],
        &running(&[
            (It::IsTold(Order::Stop), "stopping; => QUIT to group"),
            (It::Waits(1_000), ""),
            (LEAVES, "=> watch"),
            (It::Waits(2_000), "still running 3s after the stop signal; sending TERM; => TERM to tree"),
            (It::Waits(4_000), "still running after 7s; killing; => kill tree"),
            (It::IsGone, "stopped (pid 101, exit 0)"),
        ]),
    );
    let left = "leaves processes behind, as its `kill` file says (pid 900); stopped (pid 101, exit 0)";
    check(&[("kill", "process")], &running(&[IS_STOPPED, (LEAVES, left)]));
    check(
        &[("kill", "process")],
        &running(&[
            IS_STOPPED,
            (It::Waits(10_000), "still running after 10s; killing; => KILL to main"),
            (LEAVES, left),
        ]),
    );
}

#[test]
fn scenario_07_a_stop_while_starting_ends_stopped() {
    let told = (It::IsTold(Order::Stop), "stopping");
    for settings in [ALWAYS, &[]] {
        check(
            settings,
            &[
                STARTS,
                told,
                (It::Spawns, "=> TERM to main"),
                (It::Exits(0), "stopped (pid 101, exit 0)"),
                (It::Waits(1_000_000), ""),
            ],
        );
        check(settings, &[STARTS, told, (It::FailsToSpawn(11), "stopped"), (It::Waits(1_000_000), "")]);
        check(settings, &[STARTS, told, (It::Waits(60_000), "=> kill tree"), (It::IsGone, "stopped")]);
    }
}

#[test]
fn scenario_07_a_start_while_stopping_ends_running_by_one_start() {
    for settings in [ALWAYS, &[]] {
        check(
            settings,
            &running(&[
                IS_STOPPED,
                (It::IsTold(Order::Start { force: false }), ""),
                (It::IsTold(Order::Start { force: false }), ""),
                (It::Exits(0), "stopped (pid 101, exit 0); starting; => spawn"),
                (It::Spawns, "running pid 102"),
                (It::Waits(1_000_000), ""),
            ]),
        );
        check(
            settings,
            &[
                STARTS,
                (It::IsTold(Order::Stop), "stopping"),
                (It::IsTold(Order::Start { force: false }), ""),
                (It::Spawns, "=> TERM to main"),
                (It::Exits(0), "stopped (pid 101, exit 0); starting; => spawn"),
            ],
        );
    }
}

#[test]
fn the_last_order_counts() {
    check(
        ALWAYS,
        &running(&[
            IS_STOPPED,
            (It::IsTold(Order::Start { force: false }), ""),
            (It::IsTold(Order::Stop), ""),
            (It::Exits(0), "stopped (pid 101, exit 0)"),
            (It::IsTold(Order::Start { force: false }), "starting; => spawn"),
        ]),
    );
}

#[test]
fn scenario_08_a_second_start_changes_nothing() {
    let start = It::IsTold(Order::Start { force: false });
    let life = [
        (It::Begins, ""),
        (start, "starting; => spawn"),
        (start, ""),
        (It::Spawns, "running pid 101"),
        (start, ""),
    ];
    assert_eq!(check(&[("down", "")], &life).machine.starts(), 1);
}

#[test]
fn scenario_09_a_stop_in_backoff_ends_stopped() {
    let life = check(
        ALWAYS,
        &running(&[
            (It::Exits(1), "died (pid 101, exit 1, after 0s, restart in 0.2s)"),
            (It::IsTold(Order::Stop), ""),
            (It::Waits(1_000_000), ""),
        ]),
    );
    assert_eq!((life.machine.idle(), life.machine.process()), (Some(Idle::Ordered), None));
}

#[test]
fn a_stop_while_the_rest_is_cleared_away_ends_stopped() {
    check(
        ALWAYS,
        &running(&[
            (
                It::ExitsLeaving(1, 900),
                "died (pid 101, exit 1, after 0s, restart in 0.2s); \
             killing what its main process left behind (pid 900); => kill tree",
            ),
            (It::IsTold(Order::Stop), "stopping"),
            (It::IsGone, "stopped (pid 101, exit 1)"),
            (It::Waits(1_000_000), ""),
        ]),
    );
}

#[test]
fn a_start_by_order_does_not_wait_for_the_backoff() {
    check(
        ALWAYS,
        &running(&[
            (It::Exits(1), "died (pid 101, exit 1, after 0s, restart in 0.2s)"),
            (It::IsTold(Order::Start { force: false }), "starting; => spawn"),
            (It::Spawns, "running pid 102"),
            (It::Exits(1), "died (pid 102, exit 1, after 0s, restart in 0.2s)"),
        ]),
    );
}

#[test]
fn a_restart_is_a_stop_and_a_start_from_anywhere() {
    let restart = It::IsTold(Order::Restart);
    check(
        &[],
        &running(&[
            (restart, "stopping; => TERM to main"),
            (It::Exits(0), "stopped (pid 101, exit 0); starting; => spawn"),
        ]),
    );
    check(&[("down", "")], &[(It::Begins, ""), (restart, "starting; => spawn")]);
    check(
        &[],
        &running(&[
            (It::Exits(0), "died (pid 101, exit 0, after 0s, not restarted)"),
            (restart, "starting; => spawn"),
        ]),
    );
}

#[test]
fn reload_and_signal_reach_the_main_process_and_nothing_that_does_not_run() {
    let (reload, signal) = (It::IsTold(Order::Reload), It::IsTold(Order::Signal(signal("USR2"))));
    check(&[("down", "")], &[(It::Begins, ""), (reload, ""), (signal, "")]);
    check(
        &[],
        &running(&[
            (reload, "reloading (signal HUP to pid 101); => HUP to main"),
            (signal, "signalled (signal USR2 to pid 101); => USR2 to main"),
        ]),
    );
    check(
        &[("reload", "USR1")],
        &running(&[(reload, "reloading (signal USR1 to pid 101); => USR1 to main")]),
    );
}

#[test]
fn a_stop_that_takes_long_can_be_cut_short_by_a_signal() {
    let kill =
        (It::IsTold(Order::Signal(Signal::KILL)), "signalled (signal KILL to pid 101); => KILL to main");
    let gone = (It::IsKilledBy("KILL"), "stopped (pid 101, signal KILL)");
    let removed = (It::Disappears, "disappeared. Stopping and not restarting.; stopping; => TERM to main");
    for begins in [IS_STOPPED, (It::Drains, IS_STOPPED.1), removed] {
        check(&[("stop_timeout", "3600")], &running(&[begins, kill, gone, (It::Waits(1_000_000), "")]));
    }
    // What nobody can name gets none: it is killed with the rest.
    let told = It::IsTold(Order::Signal(Signal::KILL));
    check(&[], &[STARTS, (It::IsTold(Order::Stop), "stopping"), (told, "")]);
}

#[test]
fn a_drain_stops_from_every_state_and_starts_nothing() {
    let drains = |told: &'static str| (It::Drains, told);
    check(
        ALWAYS,
        &running(&[
            drains("stopping; => TERM to main"),
            (It::Exits(0), "stopped (pid 101, exit 0)"),
            (It::Waits(1_000_000), ""),
        ]),
    );
    check(
        ALWAYS,
        &[
            STARTS,
            drains("stopping"),
            (It::Spawns, "=> TERM to main"),
            (It::Exits(0), "stopped (pid 101, exit 0)"),
        ],
    );
    check(
        ALWAYS,
        &running(&[
            (It::Exits(1), "died (pid 101, exit 1, after 0s, restart in 0.2s)"),
            drains(""),
            (It::Waits(1_000_000), ""),
        ]),
    );
    check(
        ALWAYS,
        &running(&[
            (It::IsTold(Order::Restart), "stopping; => TERM to main"),
            drains(""),
            (It::Exits(0), "stopped (pid 101, exit 0)"),
        ]),
    );
}
