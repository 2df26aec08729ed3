//! What is remembered, and what a later supervisor makes of it.

use super::*;

const UP: It = It::BeginsWith { order: None, up: Some((700, 60)), rest: None };
const ADOPTED: (It, &str) = (UP, "=> adopt pid 700; running pid 700 (adopted, up 1m 0s)");

const fn rests(rest: Rest) -> It {
    It::BeginsWith { order: None, up: None, rest: Some(rest) }
}

const fn ordered(want: Want) -> It {
    It::BeginsWith { order: Some(want), up: None, rest: None }
}

#[test]
fn scenario_24_what_lives_is_adopted_and_its_uptime_goes_on() {
    check(
        &[("restart", "")],
        &[
            ADOPTED,
            (It::Waits(3_000), ""),
            (It::Exits(3), "died (pid 700, exit 3, after 1m 3s, restart at once); starting; => spawn"),
        ],
    );
    check(
        &[("stop_signal", "INT")],
        &[
            ADOPTED,
            (It::IsTold(Order::Stop), "stopping; => INT to main"),
            (It::Exits(0), "stopped (pid 700, exit 0)"),
        ],
    );
    // What `down` holds is not what runs.
    check(&[("down", "")], &[ADOPTED]);
}

#[test]
fn what_died_while_nobody_looked_is_started() {
    let dead = It::BeginsWith { order: None, up: None, rest: None };
    check(&[("restart", "")], &[(dead, "starting; => spawn")]);
    check(&[("pid_file", "pid")], &[(dead, "=> look at pid file")]);
    check(&[("down", "")], &[(dead, "")]);
}

#[test]
fn what_ended_while_no_supervisor_ran_is_a_death_like_any_other() {
    const DIED: It = It::BeginsAfterTheEndOf(700);
    let died = |outcome| format!("died (pid 700, exit unknown, while no supervisor ran, {outcome})");
    check(&[], &[(DIED, &died("not restarted")), (It::Waits(1_000_000), "")]);
    for policy in ["always", "on-failure"] {
        let restart = [("restart", policy)];
        check(&restart, &[(DIED, &died("restart in 0.2s")), (It::Waits(220), "starting; => spawn")]);
    }
    check(&[("restart", ""), ("down", "")], &[(DIED, &died("not restarted")), (It::Waits(1_000_000), "")]);
}

#[test]
fn scenario_02_orders_in_force_are_remembered() {
    check(&[("down", "")], &[(ordered(Want::Up), "starting; => spawn")]);
    check(&[("restart", "")], &[(ordered(Want::Down), ""), (It::Waits(1_000_000), "")]);
    check(
        &[],
        &[
            (
                It::BeginsWith { order: Some(Want::Down), up: Some((700, 60)), rest: None },
                "=> adopt pid 700; running pid 700 (adopted, up 1m 0s); stopping; => TERM to main",
            ),
            (It::Exits(0), "stopped (pid 700, exit 0)"),
        ],
    );
}

#[test]
fn what_rests_goes_on_resting() {
    for rest in [Rest::Done, Rest::Dead, Rest::GaveUp] {
        let life = check(&[("restart", "")], &[(rests(rest), ""), (It::Waits(1_000_000), "")]);
        assert_eq!(life.machine.idle(), Some(Idle::Rest(rest)));
        check(&[("restart", "")], &[(rests(rest), ""), (It::IsTold(Order::Start), "starting; => spawn")]);
    }
}

/// What was written, in its order.
fn written(life: &Life) -> Vec<Remembered> {
    let remembered = |action: &Action| match action {
        Action::Remember(remembered) => Some(*remembered),
        _ => None,
    };
    life.actions.iter().filter_map(remembered).collect()
}

#[test]
fn a_record_is_written_when_it_differs_and_only_then() {
    const NOTHING: Remembered = Remembered { order: None, process: None, rest: None };
    let main = |life: &Life, pid| Some(Main { ticket: life.ticket(), id: id(pid) });

    let life = check(
        &[],
        &[
            (It::Begins, "starting; => spawn"),
            (It::Spawns, "running pid 101"),
            (It::Says(&[("stop_signal", "INT")]), ""),
            (It::Exits(0), "died (pid 101, exit 0, after 0s, not restarted)"),
        ],
    );
    let running = Remembered { process: main(&life, 101), ..NOTHING };
    assert_eq!(written(&life), [running, Remembered { rest: Some(Rest::Dead), ..NOTHING }]);

    let life = check(
        &[],
        &[
            (It::Begins, "starting; => spawn"),
            (It::Spawns, "running pid 101"),
            (It::IsTold(Order::Stop), "stopping; => TERM to main"),
            (It::Exits(0), "stopped (pid 101, exit 0)"),
        ],
    );
    let running = Remembered { process: main(&life, 101), ..NOTHING };
    let stopping = Remembered { order: Some(Want::Down), ..running };
    assert_eq!(written(&life), [running, stopping, Remembered { order: Some(Want::Down), ..NOTHING }]);

    // A drain is nobody's order: the next start is afresh.
    let life = check(
        &[],
        &[
            (It::Begins, "starting; => spawn"),
            (It::Spawns, "running pid 101"),
            (It::Drains, "stopping; => TERM to main"),
            (It::Exits(0), "stopped (pid 101, exit 0)"),
        ],
    );
    // That its process is dead is seen by whoever reads it, and the end of the drain drops it.
    let running = Remembered { process: main(&life, 101), ..NOTHING };
    assert_eq!(written(&life), [running]);
}

#[test]
fn an_adopted_profile_whose_files_are_bad_keeps_running() {
    let mut life = Life::new(&[]);
    life.machine = Machine::new();
    life.happens(It::SaysNonsense);
    life.happens(UP);
    // Nobody knows what it was started with: good files are no change.
    life.happens(It::Says(&[("run", "any")]));
    assert_eq!(life.done, ["=> adopt pid 700", "running pid 700 (adopted, up 1m 0s)"]);
    life.done.clear();
    life.happens(It::Says(&[("run", "other")]));
    assert_eq!(life.done, ["changed", "stopping", "=> TERM to main"]);
}
