//! Hooks that only fail, that are too slow, or that would keep the supervisor busy.

use super::*;
use crate::hook::{Answer, Outcome as Heard, Verdict};

const LOADS: (It, &str) = (It::Begins, "");
const RUNS: (It, &str) = (It::Spawns, "running pid 101");
const STARTS: (It, &str) = (It::LoadsHooks, "starting; => spawn");
const OFF: &str = "(5 errors in a row, the last: line 3: no)";

fn failed() -> Heard {
    Heard::Failed("line 3: no".to_owned())
}

fn nothing() -> Heard {
    Heard::Answer(Answer::Nothing)
}

fn bad() -> Heard {
    Heard::Answer(Answer::Health(Err("status 500".to_owned())))
}

/// A life in which a question is asked and fails four times, so that one more failure switches the hook off.
fn four_times(asked: (It, &'static str), fails: (It, &'static str)) -> Vec<(It, &'static str)> {
    [asked, fails].repeat(4)
}

#[test]
fn five_errors_in_a_row_switch_health_off_until_hooks_are_loaded() {
    const SETTINGS: Settings<'_> = &[("restart", ""), ("health.lua", "1")];
    let asked = (It::Waits(10_000), "=> ask health");
    let fails = (It::Hears(Hook::Health, failed), "hook health failed (line 3: no)");
    let off =
        format!("hook health failed (line 3: no); does not call health.lua any more, until it changes {OFF}");
    let off: &'static str = off.leak();
    let runs = [LOADS, STARTS, RUNS];
    let fifth = [asked, (It::Hears(Hook::Health, failed), off)];
    let quiet = [(It::Waits(100_000), ""), (It::LoadsHooks, ""), asked, fails];
    check(SETTINGS, &[&runs[..], &four_times(asked, fails), &fifth, &quiet].concat());
    // No opinion is no error, and ends the row.
    let opinion = [asked, (It::Hears(Hook::Health, nothing), ""), asked, fails, asked, fails];
    check(SETTINGS, &[&runs[..], &four_times(asked, fails), &opinion].concat());
}

#[test]
fn a_gate_that_is_switched_off_stays_shut_until_its_file_changes() {
    const SETTINGS: Settings<'_> = &[("restart", ""), ("on_start.lua", "1")];
    let mut life = check(SETTINGS, &[LOADS, (It::LoadsHooks, "=> ask on_start")]);
    for _ in 0..5 {
        life.happens(It::Hears(Hook::OnStart, failed));
        life.happens(It::Waits(40_000));
    }
    assert_eq!(life.machine.idle(), Some(Idle::Held));
    let why = "on_start.lua: 5 errors in a row, the last: line 3: no";
    assert_eq!(life.machine.trouble(), Some(why));
    life.happens(It::IsTold(Order::Start { force: false }));
    assert_eq!(life.machine.idle(), Some(Idle::Held), "it is not known what the gate would have said");
    life.done.clear();
    life.happens(It::LoadsHooks);
    assert_eq!(life.done, ["=> ask on_start"]);
}

#[test]
fn a_tick_never_overlaps_itself() {
    const SETTINGS: Settings<'_> = &[("restart", ""), ("on_tick.lua", "1")];
    let runs = [LOADS, STARTS, RUNS];
    let silent = [
        (It::Waits(60_000), "=> ask on_tick"),
        (It::Waits(4_999), ""),
        (It::Waits(1), "=> lapse"),
        (It::Waits(55_000), "=> ask on_tick"),
    ];
    check(SETTINGS, &[&runs[..], &silent].concat());
}

#[test]
fn a_hook_cannot_restart_a_process_that_ends_at_once_a_thousand_times_a_second() {
    const SETTINGS: Settings<'_> = &[("should_restart.lua", "1")];
    let yes = || Heard::Answer(Answer::Restart(Verdict::Yes));
    let at_once = || Heard::Answer(Answer::Restart(Verdict::After(Duration::ZERO, "again".to_owned())));
    let dies = "=> ask should_restart; died (pid 101, exit 1, after 0s, should_restart is asked)";
    let died = [LOADS, STARTS, RUNS, (It::Exits(1), dies)];
    for (answer, expect) in [
        (yes as fn() -> Heard, "restarts in 0.1s (should_restart.lua)"),
        (at_once, "restarts in 0.1s: again (should_restart.lua)"),
    ] {
        let waits = [
            (It::Hears(Hook::ShouldRestart, answer), expect),
            (It::Waits(99), ""),
            (It::Waits(1), "starting; => spawn"),
        ];
        check(SETTINGS, &[&died[..], &waits].concat());
    }
}

#[test]
fn what_is_told_to_run_on_stays_unhealthy_and_is_asked_about_again() {
    const SETTINGS: Settings<'_> = &[("health.lua", "1"), ("should_restart.lua", "1")];
    let no = || Heard::Answer(Answer::Restart(Verdict::No("it may heal".to_owned())));
    let good = || Heard::Answer(Answer::Health(Ok(())));
    let asked = (It::Waits(10_000), "=> ask health");
    let fails = (It::Hears(Hook::Health, bad), "");
    let row = |last| [asked, fails, asked, fails, asked, (It::Hears(Hook::Health, bad), last)];
    let runs_on = (It::Hears(Hook::ShouldRestart, no), "is not restarted: it may heal (should_restart.lua)");
    let life = [
        &[LOADS, STARTS, RUNS][..],
        &row("unhealthy (status 500); => ask should_restart"),
        &[runs_on],
        &row("=> ask should_restart"),
        &[runs_on],
    ]
    .concat();
    let mut life = check(SETTINGS, &life);
    assert_eq!(life.machine.health(), Health::Unhealthy);
    life.happens(It::Waits(10_000));
    life.happens(It::Hears(Hook::Health, good));
    assert_eq!(life.machine.health(), Health::Healthy);
}

#[test]
fn on_event_is_told_when_nothing_follows_an_end() {
    let told = |settings: Settings<'static>, code| {
        let mut life = check(settings, &[LOADS]);
        for it in [It::LoadsHooks, It::Spawns, It::Exits(code)] {
            life.happens(it);
        }
        let events = life.actions.iter().filter_map(|action| match action {
            Action::Consult(question) => question.service.event.clone(),
            _ => None,
        });
        events
            .map(|event| format!("{} {} {}", event.kind, event.level, event.reason))
            .skip(2)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told(&[("on_event.lua", "1")], 1),
        ["transition warn exit 1", "gave_up error exit 1"],
        "it stays dead"
    );
    assert_eq!(told(&[("on_event.lua", "1")], 0), ["transition warn exit 0", "gave_up warn exit 0"]);
    assert_eq!(
        told(&[("on_event.lua", "1"), ("restart", ""), ("give_up", "1 60")], 1),
        ["transition warn exit 1", "gave_up error died once within 1m 0s"]
    );
    assert_eq!(told(&[("on_event.lua", "1"), ("restart", "")], 1), ["transition warn exit 1"]);
    assert_eq!(told(&[("on_event.lua", "1"), ("oneshot", "")], 0), ["transition info exit 0"], "its work");
}

#[test]
fn a_start_that_fails_is_a_warning_to_whoever_listens() {
    let mut life = Life::new(&[("restart", "")]);
    life.happens(It::Begins);
    life.happens(It::FailsToSpawn(2));
    let mut told = life.actions.iter().filter_map(|action| match action {
        Action::Happened(happened) => Some((happened.what.level.as_str(), happened.what.to.as_str())),
        _ => None,
    });
    assert!(told.any(|what| what == ("warn", "stopped")), "{:?}", life.done);
}

#[test]
fn a_hook_can_stop_what_waits_for_its_restart() {
    const SETTINGS: Settings<'_> = &[("restart", ""), ("on_exit.lua", "1")];
    let dies = "died (pid 101, exit 1, after 0s, restart in 0.2s); => ask on_exit";
    let stops = (It::IsWished(|| Wish::Stop("enough".to_owned())), "stops: enough (on_tick.lua)");
    let life = check(SETTINGS, &[LOADS, STARTS, RUNS, (It::Exits(1), dies), stops, (It::Waits(100_000), "")]);
    assert_eq!(life.machine.idle(), Some(Idle::Ordered));
}

#[test]
fn a_hook_can_count_sixty_four_unasked_ends() {
    let mut life = check(&[("restart", ""), ("backoff", "0 0"), ("on_exit.lua", "1")], &[LOADS, STARTS]);
    let counted = |life: &Life| {
        let asked = life.actions.iter().rev().find_map(|action| match action {
            Action::Consult(question) => Some(question.service.exit_ages.len()),
            _ => None,
        });
        asked.expect("on_exit is told")
    };
    for ended in 1..=70 {
        life.happens(It::Spawns);
        life.happens(It::Exits(1));
        assert_eq!(counted(&life), ended.min(64));
    }
}
