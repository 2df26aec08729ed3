//! What each hook can say, and what is done: the table of hooks, row by row.

use super::*;
use crate::hook::{Answer, Change, Farewell, Gate, Outcome as Heard, Verdict};
use crate::profile::Variable;

const LOADS: (It, &str) = (It::Begins, "");
const RUNS: (It, &str) = (It::Spawns, "running pid 101");
const STARTS: (It, &str) = (It::LoadsHooks, "starting; => spawn");

const GATE: Settings<'_> = &[("restart", ""), ("on_start.lua", "1")];
const READY: Settings<'_> = &[("restart", ""), ("start_timeout", "4"), ("ready.lua", "1")];
const HEALTH: Settings<'_> = &[("restart", ""), ("health.lua", "1")];
const VERDICT: Settings<'_> = &[("restart", ""), ("should_restart.lua", "1")];
const STOP: Settings<'_> = &[("restart", ""), ("on_stop.lua", "1")];
const CHANGE: Settings<'_> = &[("restart", ""), ("on_change.lua", "1")];
const CHANGED: Settings<'_> = &[("restart", ""), ("on_change.lua", "1"), ("run", "2")];

fn nothing() -> Heard {
    Heard::Answer(Answer::Nothing)
}

fn failed() -> Heard {
    Heard::Failed("line 3: no".to_owned())
}

fn timed_out() -> Heard {
    Heard::TimedOut
}

/// A legal answer to another question.
fn other() -> Heard {
    Heard::Answer(Answer::Ready(Ok(())))
}

fn bad() -> Heard {
    Heard::Answer(Answer::Health(Err("status 500".to_owned())))
}

fn good() -> Heard {
    Heard::Answer(Answer::Health(Ok(())))
}

/// An answer, and what follows it.
type Case = (fn() -> Heard, &'static str);

/// One life that begins so, for each of these answers and what follows it.
#[track_caller]
fn hears(settings: Settings<'static>, before: &[(It, &'static str)], hook: Hook, answers: &[Case]) {
    for (answer, expect) in answers {
        check(settings, &[before, &[(It::Hears(hook, *answer), *expect)]].concat());
    }
}

#[test]
fn on_start_is_a_gate() {
    let go = || Heard::Answer(Answer::Start(Gate::Go(Vec::new())));
    let not_yet = || Heard::Answer(Answer::Start(Gate::NotYet("no disk".to_owned())));
    let again = || Heard::Answer(Answer::Start(Gate::Again(Duration::from_secs(7), "no disk".to_owned())));
    let abort = || Heard::Answer(Answer::Start(Gate::Abort("no disk".to_owned())));
    let asks = [LOADS, (It::LoadsHooks, "=> ask on_start")];
    for (answer, millis) in
        [(not_yet as fn() -> Heard, 1_100), (failed, 1_100), (timed_out, 1_100), (again, 7_000)]
    {
        let mut life = check(GATE, &asks);
        life.happens(It::Hears(Hook::OnStart, answer));
        assert_eq!(life.machine.state(), StateName::Starting);
        life.done.clear();
        life.happens(It::Waits(millis));
        assert_eq!(life.done, ["=> ask on_start"]);
    }
    hears(
        GATE,
        &asks,
        Hook::OnStart,
        &[
            (nothing, "starting; => spawn"),
            (go, "starting; => spawn"),
            (abort, "failed to start (on_start: no disk, restart in 0.2s)"),
        ],
    );
}

#[test]
fn a_gate_that_nobody_answers_stays_shut_and_is_asked_again() {
    let mut life = check(GATE, &[LOADS, (It::LoadsHooks, "=> ask on_start"), (It::Waits(599_999), "")]);
    life.happens(It::Waits(1_200));
    assert!(life.done.contains(&"=> lapse".to_owned()), "{:?}", life.done);
    assert_eq!(life.done.last().map(String::as_str), Some("=> ask on_start"));
    assert_eq!(life.machine.starts(), 0);
}

#[test]
fn hook_timeout_is_how_long_a_question_stays_open_and_its_change_touches_nothing() {
    const QUICK: Settings<'_> =
        &[("restart", ""), ("on_start.lua", "1"), ("hook_timeout", "on_start 3\non_stop 2")];
    let mut life = check(QUICK, &[LOADS, (It::LoadsHooks, "=> ask on_start"), (It::Waits(2_999), "")]);
    let budget = life.actions.iter().find_map(|action| match action {
        Action::Consult(question) => Some(question.budget),
        _ => None,
    });
    assert_eq!(budget, Some(Duration::from_secs(3)));
    life.happens(It::Waits(1));
    assert!(life.done.contains(&"=> lapse".to_owned()), "{:?}", life.done);
    life.done.clear();
    life.happens(It::Says(&[("restart", ""), ("on_start.lua", "1"), ("hook_timeout", "on_start 2")]));
    assert_eq!(life.done, ["=> load hooks"], "they are told the settings");
    life.done.clear();
    life.happens(It::Waits(1_100));
    assert_eq!(life.done, ["=> ask on_start"]);
    life.happens(It::Waits(2_000));
    assert!(life.done.contains(&"=> lapse".to_owned()), "{:?}", life.done);
}

#[test]
fn what_waits_behind_its_gate_is_down_at_once() {
    let asks = [LOADS, (It::LoadsHooks, "=> ask on_start")];
    for it in [It::IsTold(Order::Stop), It::Drains] {
        let life = check(GATE, &[&asks[..], &[(it, "=> lapse"), (It::Waits(1_000_000), "")]].concat());
        assert_eq!(life.machine.idle(), Some(Idle::Ordered));
    }
    check(
        GATE,
        &[&asks[..], &[(It::Disappears, "=> lapse; disappeared. Stopping and not restarting.")]].concat(),
    );
}

#[test]
fn a_gate_that_was_never_good_holds_its_profile_and_one_that_is_not_loaded_too() {
    let life = check(
        GATE,
        &[
            LOADS,
            (It::HasBroken(Hook::OnStart), "has no good on_start.lua (line 1: no)"),
            (It::Waits(1_000_000), ""),
        ],
    );
    assert_eq!(life.machine.idle(), Some(Idle::Held));
    assert_eq!(life.machine.trouble(), Some("on_start.lua: line 1: no"));
    let life = check(GATE, &[LOADS, (It::Waits(1_000_000), "")]);
    assert_eq!(life.machine.starts(), 0);
    // Without a gate it does without its hooks.
    check(STOP, &[LOADS, (It::Waits(5_000), "starting; => spawn")]);
}

#[test]
fn the_variables_of_on_start_are_given_to_the_process() {
    fn go() -> Heard {
        let port = Variable { name: "PORT".into(), value: b"80".as_slice().into() };
        Heard::Answer(Answer::Start(Gate::Go(vec![port])))
    }
    let asks =
        [LOADS, (It::LoadsHooks, "=> ask on_start"), (It::Hears(Hook::OnStart, go), "starting; => spawn")];
    let life = check(GATE, &asks);
    let given = life.actions.iter().find_map(|action| match action {
        Action::Spawn { variables, .. } => Some(variables.len()),
        _ => None,
    });
    assert_eq!(given, Some(1));
}

#[test]
fn ready_is_asked_twice_a_second_until_it_says_yes() {
    let yes = || Heard::Answer(Answer::Ready(Ok(())));
    let no = || Heard::Answer(Answer::Ready(Err("no socket".to_owned())));
    let asks = [LOADS, STARTS, (It::Spawns, "=> ask ready")];
    hears(
        READY,
        &asks,
        Hook::Ready,
        &[
            (yes, "running pid 101"),
            (no, "not ready yet (ready: no socket)"),
            (nothing, "not ready yet (ready: no opinion)"),
            (failed, "hook ready failed (line 3: no); not ready yet (ready: line 3: no)"),
            (timed_out, "not ready yet (ready: no answer in time)"),
            (bad, "not ready yet (ready: no opinion)"),
        ],
    );
    let said = (It::Hears(Hook::Ready, no), "not ready yet (ready: no socket)");
    check(READY, &[&asks[..], &[said, (It::Waits(499), ""), (It::Waits(1), "=> ask ready")]].concat());
    let late = "=> lapse; failed to start (not ready in time: ready has not answered, restart in 0.2s); => kill tree";
    check(READY, &[&asks[..], &[(It::Waits(3_999), ""), (It::Waits(1), late)]].concat());
}

#[test]
fn health_is_counted_by_the_core() {
    let asked = (It::Waits(10_000), "=> ask health");
    let fails = (It::Hears(Hook::Health, bad), "");
    let runs = [LOADS, STARTS, RUNS];
    let restarts = "unhealthy (status 500); stopping; => TERM to main";
    check(
        HEALTH,
        &[&runs[..], &[asked, fails, asked, fails, asked, (It::Hears(Hook::Health, bad), restarts)]].concat(),
    );
    // An error says nothing of the service; a check that hangs does.
    let broken = (It::Hears(Hook::Health, failed), "hook health failed (line 3: no)");
    check(HEALTH, &[&runs[..], &[asked, broken, asked, broken, asked, broken]].concat());
    let mut life = check(HEALTH, &runs);
    life.happens(It::Waits(35_000));
    assert_eq!(life.machine.state(), StateName::Stopping);
    let mut life = check(HEALTH, &runs);
    life.happens(It::Waits(10_000));
    life.happens(It::Hears(Hook::Health, good));
    assert_eq!(life.machine.health(), Health::Healthy);
}

#[test]
fn should_restart_decides_over_the_settings_and_no_opinion_leaves_them() {
    let yes = || Heard::Answer(Answer::Restart(Verdict::Yes));
    let no = || Heard::Answer(Answer::Restart(Verdict::No("done".to_owned())));
    let later =
        || Heard::Answer(Answer::Restart(Verdict::After(Duration::from_secs(9), "slowly".to_owned())));
    let dies = "=> ask should_restart; died (pid 101, exit 1, after 5s, should_restart is asked)";
    let died = [LOADS, STARTS, RUNS, (It::Waits(5_000), ""), (It::Exits(1), dies)];
    hears(
        VERDICT,
        &died,
        Hook::ShouldRestart,
        &[
            (yes, "restarts at once (should_restart.lua); starting; => spawn"),
            (no, "is not restarted: done (should_restart.lua)"),
            (later, "restarts in 9s: slowly (should_restart.lua)"),
            (nothing, "starting; => spawn"),
            (timed_out, "starting; => spawn"),
            (other, "starting; => spawn"),
            (failed, "hook should_restart failed (line 3: no); starting; => spawn"),
        ],
    );
    check(
        VERDICT,
        &[&died[..], &[(It::Waits(999), ""), (It::Waits(1), "=> lapse; starting; => spawn")]].concat(),
    );
    let late = (It::Hears(Hook::ShouldRestart, no), "");
    let stopped = [(It::IsTold(Order::Stop), "=> lapse"), late, (It::Waits(1_000_000), "")];
    check(VERDICT, &[&died[..], &stopped].concat());
}

#[test]
fn on_stop_chooses_when_and_by_what_but_not_whether() {
    let wait = || Heard::Answer(Answer::Stop(Farewell::Wait(Duration::from_secs(20))));
    let quit = || Heard::Answer(Answer::Stop(Farewell::Signal(signal("QUIT"))));
    let asks = [LOADS, STARTS, RUNS, (It::IsTold(Order::Stop), "stopping; => ask on_stop")];
    hears(
        STOP,
        &asks,
        Hook::OnStop,
        &[
            (nothing, "=> TERM to main"),
            (timed_out, "=> TERM to main"),
            (other, "=> TERM to main"),
            (failed, "hook on_stop failed (line 3: no); => TERM to main"),
            (quit, "=> QUIT to main"),
            (wait, "is given 20s before the stop signal (on_stop.lua)"),
        ],
    );
    let given = (It::Hears(Hook::OnStop, wait), "is given 20s before the stop signal (on_stop.lua)");
    let killed = "still running after 10s; killing; => kill tree";
    let ends = [given, (It::Waits(20_000), "=> TERM to main"), (It::Waits(10_000), killed)];
    check(STOP, &[&asks[..], &ends].concat());
    let silent = [(It::Waits(60_000), "=> lapse; => TERM to main"), (It::Waits(10_000), killed)];
    check(STOP, &[&asks[..], &silent].concat());
    let dies = [(It::Exits(0), "=> lapse; stopped (pid 101, exit 0)")];
    check(STOP, &[&asks[..], &dies].concat());
    let back = [
        (It::IsTold(Order::Start { force: false }), ""),
        (It::Exits(0), "=> lapse; stopped (pid 101, exit 0); starting; => spawn"),
    ];
    check(STOP, &[&asks[..], &back].concat());
}

#[test]
fn on_change_decides_over_the_reload_file() {
    fn restart() -> Heard {
        Heard::Answer(Answer::Change(Change::Restart))
    }
    fn reload() -> Heard {
        Heard::Answer(Answer::Change(Change::Reload))
    }
    fn ignore() -> Heard {
        Heard::Answer(Answer::Change(Change::Ignore))
    }
    let asks = [LOADS, STARTS, RUNS, (It::Says(CHANGED), "changed; => ask on_change")];
    let restarts = "stopping; => TERM to main";
    hears(
        CHANGE,
        &asks,
        Hook::OnChange,
        &[
            (restart, restarts),
            (reload, "reloading (signal HUP to pid 101); => HUP to main"),
            (ignore, "runs on as it was started (on_change.lua)"),
            (nothing, restarts),
            (timed_out, restarts),
            (other, restarts),
            (failed, "hook on_change failed (line 3: no); stopping; => TERM to main"),
        ],
    );
    check(CHANGE, &[&asks[..], &[(It::Waits(1_000), "=> lapse; stopping; => TERM to main")]].concat());
}

#[test]
fn what_is_only_told_changes_nothing() {
    const TOLD: Settings<'_> =
        &[("restart", ""), ("on_ready.lua", "1"), ("on_exit.lua", "1"), ("on_tick.lua", "1")];
    check(
        TOLD,
        &[
            LOADS,
            STARTS,
            (It::Spawns, "running pid 101; => ask on_ready"),
            (It::Hears(Hook::OnReady, other), ""),
            (It::Waits(60_000), "=> ask on_tick"),
            (
                It::Exits(1),
                "=> lapse; died (pid 101, exit 1, after 1m 0s, restart at once); => ask on_exit; starting; => spawn",
            ),
            (It::Hears(Hook::OnExit, failed), "hook on_exit failed (line 3: no)"),
        ],
    );
}

#[test]
fn a_wish_is_granted_as_an_order_would_be() {
    let runs = [LOADS, STARTS, RUNS];
    for (wish, expect, idle) in [
        (
            (|| Wish::Stop("leaks".to_owned())) as fn() -> Wish,
            "stops: leaks (on_tick.lua); stopping; => ask on_stop",
            Some(Idle::Ordered),
        ),
        (
            || Wish::Restart("leaks".to_owned()),
            "restarts: leaks (on_tick.lua); stopping; => ask on_stop",
            None,
        ),
    ] {
        let mut life = check(STOP, &[&runs[..], &[(It::IsWished(wish), expect)]].concat());
        life.happens(It::Exits(0));
        assert_eq!(life.machine.idle(), idle);
    }
}
