//! What people are told of a profile: why it is as it is, who decided what, and what would happen.

use super::*;
use crate::fleet::Standing;
use crate::hook::{Answer, Gate, Verdict};

const START: Order = Order::Start { force: false };

fn after(settings: Settings<'_>, life: &[It]) -> Life {
    let mut played = Life::new(settings);
    for it in life {
        played.happens(*it);
    }
    played
}

/// Standing, phase, why, and what comes next.
#[track_caller]
fn status(life: &Life, expect: &str) {
    let status = life.machine.status();
    let next = status.next.map_or_else(String::new, |next| {
        format!("; {} in {}", next.what, crate::log::Span(next.at.since(life.now)))
    });
    assert_eq!(format!("{:?} {}: {}{next}", status.standing, status.phase, status.why), expect);
}

/// The last changes of the state, with why.
#[track_caller]
fn history(life: &Life, expect: &[&str]) {
    let steps = life.machine.history().iter();
    let steps: Vec<_> = steps.map(|step| format!("{} -> {}: {}", step.from, step.to, step.reason)).collect();
    assert_eq!(steps, expect);
}

/// The last decisions, oldest first.
#[track_caller]
fn decisions(life: &Life, expect: &[&str]) {
    let decisions = life.machine.explain(life.now).decisions;
    let decisions: Vec<_> = decisions
        .iter()
        .map(|decision| {
            let by = match &decision.by {
                By::Order => "order".to_owned(),
                By::Setting(file) => file.clone(),
                By::Hook(hook) => format!("{hook}.lua"),
                By::Default => "default".to_owned(),
            };
            format!("{} (by {by}, on {}: {})", decision.what, decision.inputs, decision.reason)
        })
        .collect();
    assert_eq!(decisions, expect);
}

/// What each possible next event would do.
#[track_caller]
fn outlook(life: &Life, expect: &[&str]) {
    let before = format!("{:?}", life.machine);
    let outlook = life.machine.explain(life.now).outlook;
    let outlook: Vec<_> = outlook
        .iter()
        .map(|one| {
            let within =
                one.within.map_or_else(String::new, |within| format!(" (in {})", crate::log::Span(within)));
            format!("{}{within}: {}", one.event, one.then)
        })
        .collect();
    assert_eq!(outlook, expect);
    assert_eq!(before, format!("{:?}", life.machine), "telling what would happen does nothing");
}

#[test]
fn a_profile_that_runs() {
    let life = after(&[("restart", "")], &[It::Begins, It::Spawns, It::Waits(5_000)]);
    status(&life, "Serving running: ready");
    history(&life, &["stopped -> starting: no `down` file holds it", "starting -> running: pid 101 runs"]);
    decisions(&life, &[]);
    outlook(
        &life,
        &[
            "exits with 0: restarts at once",
            "exits with 1: restarts at once",
            "is killed by SIGKILL: restarts at once",
            "is told to stop: gets TERM, SIGKILL after 10s, then stays down",
            "is told to restart: gets TERM, SIGKILL after 10s, then starts again",
            "is told to reload: gets HUP, and runs on",
            "its files change: gets TERM, SIGKILL after 10s, then starts again",
            "its directory is removed: gets TERM, SIGKILL after 10s, then is forgotten",
        ],
    );
    let told = life.machine.status();
    assert_eq!((told.ready_since, told.state_since), (Some(BEGINNING), Some(BEGINNING)));
}

#[test]
fn a_profile_that_dies_and_waits_for_its_next_try() {
    let settings: Settings<'_> = &[("restart", ""), ("backoff", "8 60")];
    let life =
        after(settings, &[It::Begins, It::Spawns, It::Exits(1), It::Waits(9_000), It::Spawns, It::Exits(1)]);
    assert_eq!(life.machine.standing(), Standing::Backoff);
    assert_eq!(life.machine.status().why, "died 2 times, exit 1");
    assert_eq!(life.machine.status().next.map(|next| next.what).as_deref(), Some("next try"));
    history(
        &life,
        &[
            "stopped -> starting: no `down` file holds it",
            "starting -> running: pid 101 runs",
            "running -> stopped: exit 1",
            "stopped -> starting: backoff over",
            "starting -> running: pid 102 runs",
            "running -> stopped: exit 1",
        ],
    );
    let decided = life.machine.explain(life.now).decisions;
    let last = decided.last().expect("it was decided");
    assert_eq!(last.by, By::Setting("restart".to_owned()));
    assert_eq!(last.reason, "always; failure 2 in a row, backoff 8s up to 1m 0s");
    let outlook = life.machine.explain(life.now).outlook;
    let told: Vec<_> = outlook.iter().map(|one| format!("{}: {}", one.event, one.then)).collect();
    assert_eq!(
        told,
        [
            "is told to start: starts at once",
            "is told to stop: stays down until it is told to start",
            "is told to restart: starts at once",
            "its files change: starts at once",
            "its directory is removed: is forgotten",
            "backoff is over: starts at once",
        ]
    );
}

#[test]
fn profiles_that_rest() {
    let dead = after(&[], &[It::Begins, It::Spawns, It::Exits(3)]);
    status(&dead, "Dead idle: exit 3, not to be restarted");
    decisions(
        &dead,
        &["is not restarted (by default, on exit 3 after 0s: there is no `restart` file, or it says never)"],
    );
    let done = after(&[("oneshot", "")], &[It::Begins, It::Spawns, It::Exits(0)]);
    status(&done, "Done idle: did its work, exit 0");
    let gave_up = after(&[("restart", ""), ("give_up", "1 60")], &[It::Begins, It::Spawns, It::Exits(1)]);
    status(&gave_up, "GaveUp idle: died once within 1m 0s, the last: exit 1");
    decisions(&gave_up, &["gives up (by give_up, on exit 1 after 0s: 1 death within 1m 0s)"]);
    let down = after(&[("down", "")], &[It::Begins]);
    status(&down, "Down idle: its `down` file holds it");
    outlook(
        &down,
        &[
            "is told to start: starts at once",
            "is told to stop: stays down until it is told to start",
            "is told to restart: starts at once",
            "its files change: stays as it is: waits for its `down` file to go",
            "its `down` file is removed: starts at once",
            "its directory is removed: is forgotten",
        ],
    );
    let ordered = after(&[], &[It::Begins, It::Spawns, It::IsTold(Order::Stop), It::Exits(0)]);
    status(&ordered, "Stopped idle: stopped by order");
    let failed = after(&[], &[It::Begins, It::FailsToSpawn(2)]);
    status(
        &failed,
        "Dead idle: not to be restarted: could not execute `run`: No such file or directory (os error 2)",
    );
}

#[test]
fn a_profile_that_its_files_hold() {
    let mut life = Life::new(&[]);
    life.machine = Machine::new();
    life.happens(It::SaysNonsense);
    life.happens(It::Begins);
    assert_eq!(life.machine.standing(), Standing::Held);
    outlook(
        &life,
        &[
            "is told to start: stays as it is: cannot be started",
            "is told to stop: stays down until it is told to start",
            "is told to restart: stays as it is: cannot be started",
            "its files are put right: starts, unless a `down` file holds it",
            "its directory is removed: is forgotten",
        ],
    );
    life.happens(It::IsTold(START));
    decisions(&life, &["starts once its files are right (by order, on stopped: told to start)"]);
    let told = life.machine.explain(life.now).outlook;
    assert!(told.iter().any(|one| one.event == "its files are put right" && one.then == "starts"));
}

#[test]
fn what_is_decided_again_and_again_on_the_same_grounds_is_told_once() {
    let settings: Settings<'_> = &[("health.lua", "return function() end")];
    let full: fn() -> HookOutcome =
        || HookOutcome::Answer(Answer::Health(Err("the queue is full".to_owned())));
    let mut life = after(settings, &[It::Begins, It::LoadsHooks, It::Spawns]);
    for _ in 0..30 {
        life.waits(Duration::from_secs(10));
        life.happens(It::Hears(Hook::Health, full));
    }
    let decided = life.machine.explain(life.now).decisions;
    let told: Vec<_> = decided.iter().map(|one| one.what.as_str()).collect();
    assert_eq!(told, ["is unhealthy", "runs on"]);
    assert_eq!(decided[0].inputs, "check 1: 3 failed, 3 in a row are too many");
}

#[test]
fn a_stop_on_its_way() {
    let settings: Settings<'_> = &[("stop_signal", "QUIT 30 TERM 5")];
    let mut life = after(settings, &[It::Begins, It::Spawns, It::IsTold(Order::Stop), It::Waits(10_000)]);
    status(&life, "Stopped signalled: told to stop; the stop signal was sent; signal TERM in 20s");
    outlook(
        &life,
        &[
            "its process ends: stays down until it is told to start",
            "is told to start: goes on stopping, TERM after 20s, then starts again",
            "is told to stop: goes on stopping, TERM after 20s, then stays down",
            "is told to restart: goes on stopping, TERM after 20s, then starts again",
            "its files change: goes on stopping, TERM after 20s, then stays down",
            "its directory is removed: goes on stopping, TERM after 20s, then is forgotten",
            "has not ended in time (in 20s): gets TERM, SIGKILL after 5s, then stays down",
        ],
    );
    life.waits(Duration::from_secs(26));
    life.happens(It::IsGone);
    decisions(
        &life,
        &[
            "stops (by order, on running: told to stop)",
            "sends TERM (by stop_signal, on still running 30s after the stop signal: the time of the step is over)",
            "sends SIGKILL (by stop_signal, on still running 35s after the stop signal: the time of the step is over)",
        ],
    );
    history(
        &life,
        &[
            "stopped -> starting: no `down` file holds it",
            "starting -> running: pid 101 runs",
            "running -> stopping: told to stop",
            "stopping -> stopped: nothing of it lives",
        ],
    );
}

#[test]
fn hooks_that_would_be_asked_and_have_decided() {
    let settings: Settings<'_> = &[
        ("restart", ""),
        ("backoff", "2 60"),
        ("should_restart.lua", "return function() end"),
        ("on_start.lua", "return function() end"),
        ("on_stop.lua", "return function() end"),
    ];
    let not_yet: fn() -> HookOutcome =
        || HookOutcome::Answer(Answer::Start(Gate::NotYet("no database".to_owned())));
    let go: fn() -> HookOutcome = || HookOutcome::Answer(Answer::Nothing);
    let mut life = after(settings, &[It::Begins, It::LoadsHooks, It::Hears(Hook::OnStart, not_yet)]);
    assert_eq!(life.machine.status().why, "on_start says: no database");
    life.waits(Duration::from_secs(2));
    life.happens(It::Hears(Hook::OnStart, go));
    life.happens(It::Spawns);
    outlook(
        &life,
        &[
            "exits with 0: asks should_restart.lua; without an answer restarts in 1s",
            "exits with 1: asks should_restart.lua; without an answer restarts in 1s",
            "is killed by SIGKILL: asks should_restart.lua; without an answer restarts in 1s",
            "is told to stop: asks on_stop.lua; without an answer gets TERM, SIGKILL after 10s, then stays down",
            "is told to restart: asks on_stop.lua; without an answer gets TERM, SIGKILL after 10s, then starts again",
            "is told to reload: gets HUP, and runs on",
            "its files change: asks on_stop.lua; without an answer gets TERM, SIGKILL after 10s, then starts again",
            "its directory is removed: asks on_stop.lua; without an answer gets TERM, SIGKILL after 10s, then is forgotten",
        ],
    );
    life.happens(It::Exits(1));
    let no: fn() -> HookOutcome =
        || HookOutcome::Answer(Answer::Restart(Verdict::No("the disk is full".to_owned())));
    life.happens(It::Hears(Hook::ShouldRestart, no));
    status(&life, "Dead idle: exit 1: the disk is full");
    let decided = life.machine.explain(life.now).decisions;
    let told: Vec<_> = decided.iter().map(|one| (one.what.as_str(), one.reason.as_str())).collect();
    assert_eq!(
        (told[0], told[1], told[3]),
        (
            ("waits to start", "no database"),
            ("starts", "it was let through"),
            ("is not restarted", "the disk is full"),
        )
    );
}

#[test]
fn why_it_waits_is_in_the_words_of_the_hook_that_has_it_wait() {
    let later: fn() -> HookOutcome = || {
        HookOutcome::Answer(Answer::Restart(Verdict::After(Duration::from_secs(30), "cool down".to_owned())))
    };
    let nothing: fn() -> HookOutcome = || HookOutcome::Answer(Answer::Nothing);
    let settings: Settings<'_> =
        &[("restart", ""), ("backoff", "2 60"), ("should_restart.lua", "return function() end")];
    let died = [It::Begins, It::LoadsHooks, It::Spawns, It::Exits(1)];
    let waits = after(settings, &[&died[..], &[It::Hears(Hook::ShouldRestart, later)]].concat());
    status(&waits, "Backoff backoff: died once, exit 1; should_restart says: cool down; next try in 30s");
    let waits = after(settings, &[&died[..], &[It::Hears(Hook::ShouldRestart, nothing)]].concat());
    assert_eq!(waits.machine.status().why, "died once, exit 1");
}

#[test]
fn a_start_that_took_too_long_did_not_fail_by_being_killed() {
    let not_yet: fn() -> HookOutcome = || HookOutcome::Answer(Answer::Ready(Err("warming up".to_owned())));
    let settings: Settings<'_> = &[("start_timeout", "2"), ("ready.lua", "return function() end")];
    let mut life =
        after(settings, &[It::Begins, It::LoadsHooks, It::Spawns, It::Hears(Hook::Ready, not_yet)]);
    life.waits(Duration::from_secs(2));
    life.happens(It::Exits(0));
    life.happens(It::IsGone);
    status(&life, "Dead idle: not to be restarted: not ready in time: warming up");
}

#[test]
fn what_was_decided_is_told_after_the_supervisor_has_died() {
    let mut life = after(&[("restart", "")], &[It::Begins, It::Spawns, It::Exits(1), It::IsTold(START)]);
    let (told, history) = (life.machine.explain(life.now).decisions, life.machine.history().clone());
    let remembered = life.machine.record();
    life.machine = Machine::new();
    life.step(Event::Settings(Arc::new(profile(&[("restart", "")]))));
    life.recalls(remembered, Found::Nothing);
    assert_eq!(life.machine.explain(life.now).decisions, told);
    assert!(told.iter().any(|decision| decision.by == By::Order));
    assert!(life.machine.history().iter().eq(history.iter()));
}

#[test]
fn what_was_unhealthy_does_not_serve_while_the_next_supervisor_loads_its_checks() {
    let settings: Settings<'_> = &[("health.lua", "return function() end")];
    let full: fn() -> HookOutcome =
        || HookOutcome::Answer(Answer::Health(Err("the queue is full".to_owned())));
    let mut life = after(settings, &[It::Begins, It::LoadsHooks, It::Spawns]);
    for _ in 0..3 {
        life.waits(Duration::from_secs(10));
        life.happens(It::Hears(Hook::Health, full));
    }
    assert_eq!(life.machine.standing(), Standing::Unhealthy);
    let remembered = life.machine.record();
    life.machine = Machine::new();
    life.step(Event::Settings(Arc::new(profile(settings))));
    life.recalls(remembered, Found::Alive { id: id(101), up: Duration::from_secs(30) });
    assert!(life.machine.is_resuming());
    assert_eq!((life.machine.health(), life.machine.standing()), (Health::Unhealthy, Standing::Unhealthy));
    life.happens(It::LoadsHooks);
    assert_eq!((life.machine.is_resuming(), life.machine.standing()), (false, Standing::Unhealthy));
}
