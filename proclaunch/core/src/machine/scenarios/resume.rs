//! A supervisor is killed in the middle of something, and the next one goes on.

use super::*;
use crate::hook::Answer;

/// Kills the supervisor of a life. The next one has the same files, and finds this of what was remembered.
fn killed(life: &mut Life, settings: Settings<'_>, found: Found) {
    let remembered = life.machine.record();
    life.machine = Machine::new();
    life.tickets = Tickets::new(2);
    life.done.clear();
    life.step(Event::Settings(Arc::new(profile(settings))));
    life.recalls(remembered, found);
}

#[track_caller]
fn did(life: &mut Life, expect: &str) {
    assert_eq!(counted(&std::mem::take(&mut life.done)), expect);
}

fn ended(life: &Life, code: u8) -> Found {
    Found::Ended { id: id(101), exit: Exit::Code(code), at: Some(life.now) }
}

fn alive() -> Found {
    Found::Alive { id: id(101), up: Duration::from_secs(1) }
}

#[test]
fn a_stop_that_was_under_way_ends_with_the_exit_that_nobody_saw() {
    let mut life = Life::new(&[]);
    for it in [It::Begins, It::Spawns, It::IsTold(Order::Stop)] {
        life.happens(it);
    }
    let found = ended(&life, 3);
    killed(&mut life, &[], found);
    did(&mut life, "=> kill tree");
    life.main = None;
    life.happens(It::IsGone);
    did(&mut life, "stopped (pid 101, exit 3)");
    let exits: Vec<_> = life.machine.exits().iter().map(|ended| (ended.exit, ended.requested)).collect();
    assert_eq!(exits, [(Exit::Code(3), true)]);
    assert_eq!(life.machine.idle(), Some(Idle::Ordered));
}

#[test]
fn a_stop_that_was_under_way_goes_on_at_its_step_and_kills_at_the_same_moment() {
    let settings: Settings<'_> = &[("stop_signal", "QUIT 5 TERM 5")];
    let mut life = Life::new(settings);
    for it in [It::Begins, It::Spawns, It::IsTold(Order::Stop), It::Waits(6_000)] {
        life.happens(it);
    }
    killed(&mut life, settings, alive());
    did(&mut life, "=> adopt pid 101");
    life.waits(Duration::from_millis(3_999));
    did(&mut life, "");
    life.waits(Duration::from_millis(1));
    did(&mut life, "still running after 10s; killing; => kill tree");
}

#[test]
fn a_backoff_goes_on_to_the_same_moment_and_the_count_of_failures_with_it() {
    let settings: Settings<'_> = &[("restart", ""), ("backoff", "2 60")];
    let mut life = Life::new(settings);
    for it in [It::Begins, It::Spawns, It::Exits(1)] {
        life.happens(it);
    }
    let until = life.machine.deadline();
    life.waits(Duration::from_secs(1));
    killed(&mut life, settings, Found::Nothing);
    did(&mut life, "");
    assert_eq!(life.machine.deadline(), until);
    life.waits(Duration::from_secs(2));
    did(&mut life, "starting; => spawn");
    life.happens(It::Spawns);
    life.happens(It::Exits(1));
    did(&mut life, "running pid 102; died (pid 102, exit 1, after 0s, restart in 4s)");
}

#[test]
fn a_start_that_was_never_made_is_made_and_counted_once() {
    let mut life = Life::new(&[]);
    life.happens(It::Begins);
    killed(&mut life, &[], Found::Nothing);
    did(&mut life, "starting; => spawn");
    assert_eq!(life.machine.starts(), 1);
    assert_eq!(life.newest.map(|ticket| ticket.instance), Some(2));
}

/// A gate that lets nobody through, and another one that does not either.
const SHUT: Settings<'_> = &[("on_start.lua", "return function() return false end")];
const SHUT_TOO: Settings<'_> = &[("on_start.lua", "return function() return false, 'no' end")];

#[test]
fn a_start_that_was_ordered_past_on_start_goes_past_it_whenever_the_supervisor_dies_before_it() {
    let force = It::IsTold(Order::Start { force: true });
    // While it is still being stopped; while its hooks are awaited; while the keeper was asked.
    let through = It::Hears(Hook::OnStart, || HookOutcome::Answer(Answer::Nothing));
    let stops = [It::Begins, It::LoadsHooks, through, It::Spawns, It::IsTold(Order::Stop), force];
    let loads = [It::Begins, force];
    let launches = [It::Begins, It::LoadsHooks, force];
    for (lived, found) in [
        (&stops[..], Found::Nothing),
        (&loads, Found::Nothing),
        (&launches, Found::Nothing),
        (&launches, Found::Left),
    ] {
        for files in [SHUT, SHUT_TOO] {
            let mut life = Life::new(SHUT);
            for it in lived {
                life.happens(*it);
            }
            killed(&mut life, files, found);
            life.main = None;
            life.happens(It::LoadsHooks);
            if life.machine.state() == StateName::Stopping {
                life.happens(It::IsGone);
            }
            let done = counted(&std::mem::take(&mut life.done));
            assert!(done.ends_with("starting; => spawn") && !done.contains("on_start"), "{lived:?}: {done}");
            // Once: the next start is one like any other.
            life.happens(It::Spawns);
            life.happens(It::IsTold(Order::Restart));
            killed(&mut life, files, Found::Nothing);
            life.main = None;
            life.happens(It::LoadsHooks);
            life.happens(It::IsGone);
            let done = counted(&std::mem::take(&mut life.done));
            assert!(!done.contains("=> spawn"), "{lived:?}: {done}");
        }
    }
}

#[test]
fn a_stop_or_a_removal_after_a_forced_start_is_remembered_too() {
    for it in [It::IsTold(Order::Stop), It::Disappears, It::IsTold(Order::Start { force: false })] {
        let mut life = Life::new(SHUT);
        for before in [It::Begins, It::IsTold(Order::Start { force: true })] {
            life.happens(before);
        }
        assert!(life.machine.record().force);
        life.happens(it);
        assert!(!life.machine.record().force, "{it:?}");
    }
}

#[test]
fn a_start_that_was_made_and_not_told_of_is_found() {
    let mut life = Life::new(&[]);
    life.happens(It::Begins);
    killed(&mut life, &[], alive());
    did(&mut life, "=> adopt pid 101; running pid 101");
    assert_eq!((life.machine.starts(), life.machine.state()), (1, StateName::Running));
}

#[test]
fn what_was_changed_while_nobody_looked_is_a_change_like_any_other() {
    let mut life = Life::new(&[]);
    for it in [It::Begins, It::Spawns] {
        life.happens(it);
    }
    killed(&mut life, &[("run", "other")], alive());
    did(&mut life, "=> adopt pid 101; running pid 101 (adopted, up 1s); changed; stopping; => TERM to main");
    let mut life = Life::new(&[("reload", "")]);
    for it in [It::Begins, It::Spawns, It::Says(&[("reload", ""), ("run", "other")])] {
        life.happens(it);
    }
    // That was told already; its process runs by the settings that it was started with.
    killed(&mut life, &[("reload", ""), ("run", "other")], alive());
    did(&mut life, "=> adopt pid 101; running pid 101 (adopted, up 1s)");
    assert!(life.machine.is_changed());
}

#[test]
fn a_death_that_nobody_saw_counts_from_the_moment_that_the_keeper_saw_it() {
    let settings: Settings<'_> = &[("restart", ""), ("backoff", "2 60")];
    let mut life = Life::new(settings);
    for it in [It::Begins, It::Spawns] {
        life.happens(it);
    }
    let found = ended(&life, 3);
    // The two seconds that it is to wait are over.
    life.now = life.now.plus(Duration::from_secs(3));
    killed(&mut life, settings, found);
    did(&mut life, "died (pid 101, exit 3, while no supervisor ran, restart at once); => kill tree");
    life.main = None;
    life.happens(It::IsGone);
    did(&mut life, "starting; => spawn");
    let last = life.machine.exits().iter().next_back().map(|ended| (ended.at, ended.exit));
    assert_eq!(last, Some((BEGINNING, Exit::Code(3))));
}

#[test]
fn a_stop_goes_on_by_the_settings_it_had_though_the_directory_is_gone() {
    let settings: Settings<'_> = &[("stop_signal", "QUIT 5 TERM 5")];
    let mut life = Life::new(settings);
    for it in [It::Begins, It::Spawns] {
        life.happens(it);
    }
    life.step(Event::Removed);
    let remembered = life.machine.record();
    life.machine = Machine::new();
    life.tickets = Tickets::new(2);
    life.done.clear();
    life.recalls(remembered, alive());
    did(&mut life, "=> adopt pid 101");
    life.waits(Duration::from_secs(5));
    did(&mut life, "still running 5s after the stop signal; sending TERM; => TERM to main");
    life.waits(Duration::from_secs(5));
    did(&mut life, "still running after 10s; killing; => kill tree");
}

#[test]
fn what_changes_and_then_goes_while_hooks_are_awaited_is_gone() {
    let settings: Settings<'_> = &[("on_tick.lua", "return function() end")];
    let changed: Settings<'_> = &[("on_tick.lua", "return function() end"), ("run", "other")];
    let mut life = Life::new(settings);
    for it in [It::Begins, It::LoadsHooks, It::Spawns, It::Exits(0)] {
        life.happens(it);
    }
    killed(&mut life, settings, Found::Nothing);
    for it in [It::Says(changed), It::Disappears, It::LoadsHooks] {
        life.happens(it);
    }
    assert!(!life.done.contains(&"=> spawn".to_owned()), "{:?}", life.done);
    assert_eq!((life.machine.idle(), life.machine.want()), (Some(Idle::Gone), Want::Gone));
}
