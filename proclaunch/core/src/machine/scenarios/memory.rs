//! What is remembered, and what a later supervisor makes of it.

use super::*;
use crate::process::Scope;
use crate::signal::Signal;

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
    // What it has left behind is looked for by a keeper that holds the start.
    let died = |outcome| {
        let said = format!("died (pid 700, exit unknown, while no supervisor ran, {outcome})");
        format!("=> adopt pid 700; {said}; => kill tree")
    };
    check(&[], &[(DIED, &died("not restarted")), (It::IsGone, ""), (It::Waits(1_000_000), "")]);
    for policy in ["always", "on-failure"] {
        check(
            &[("restart", policy)],
            &[(DIED, &died("restart in 0.2s")), (It::IsGone, ""), (It::Waits(220), "starting; => spawn")],
        );
    }
    // `down` that appears does not hold what ran.
    check(&[("restart", ""), ("down", "")], &[(DIED, &died("restart in 0.2s")), (It::IsGone, "")]);
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
        check(
            &[("restart", "")],
            &[(rests(rest), ""), (It::IsTold(Order::Start { force: false }), "starting; => spawn")],
        );
    }
}

/// What was written, in its order.
fn written(life: &Life) -> Vec<&Remembered> {
    fn remembered(action: &Action) -> Option<&Remembered> {
        if let Action::Remember(remembered) = action { Some(remembered) } else { None }
    }
    life.actions.iter().filter_map(remembered).collect()
}

#[test]
fn a_start_is_written_down_before_it_is_made_and_its_process_after() {
    let life = check(
        &[],
        &[
            (It::Begins, "starting; => spawn"),
            (It::Spawns, "running pid 101"),
            (It::Says(&[("start_timeout", "5")]), ""),
            (It::Exits(0), "died (pid 101, exit 0, after 0s, not restarted)"),
        ],
    );
    let [launching, running, rests] = written(&life)[..] else { panic!("{:#?}", written(&life)) };
    let ticket = life.ticket();
    assert!(matches!(launching.phase, Phase::Launching { start, .. } if start.ticket == ticket));
    assert!(
        matches!(running.phase, Phase::Running { start, id, .. } if start.ticket == ticket && id.pid == 101)
    );
    assert_eq!(rests.phase, Phase::Rest(Rest::Dead));
    assert_eq!((rests.past.starts, rests.past.exits.len(), rests.past.has_ended), (1, 1, true));
    let at = |wanted: fn(&Action) -> bool| life.actions.iter().position(wanted).unwrap();
    assert!(
        at(|action| matches!(action, Action::Remember(_)))
            < at(|action| matches!(action, Action::Spawn { .. }))
    );
}

#[test]
fn a_stop_is_written_down_before_its_signal_and_that_it_was_sent_after() {
    let life = check(
        &[],
        &[
            (It::Begins, "starting; => spawn"),
            (It::Spawns, "running pid 101"),
            (It::IsTold(Order::Stop), "stopping; => TERM to main"),
            (It::Exits(0), "stopped (pid 101, exit 0)"),
        ],
    );
    let [_, _, before, after, stopped] = written(&life)[..] else { panic!("{:#?}", written(&life)) };
    let owed = [(Scope::Main, Signal::TERM), (Scope::Main, Signal::CONT)];
    assert_eq!((&before.owed[..], &after.owed[..]), (&owed[..], &[][..]));
    assert_eq!((before.order, &before.phase), (Some(Want::Down), &after.phase));
    assert_eq!((stopped.order, &stopped.phase), (Some(Want::Down), &Phase::Ordered));
}

#[test]
fn a_drain_is_nobodys_order_and_the_next_start_is_afresh() {
    let life = check(
        &[],
        &[
            (It::Begins, "starting; => spawn"),
            (It::Spawns, "running pid 101"),
            (It::Drains, "stopping; => TERM to main"),
            (It::Exits(0), "stopped (pid 101, exit 0)"),
        ],
    );
    let last = written(&life).pop().unwrap();
    assert_eq!((last.order, &last.phase), (None, &Phase::Fresh));
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
