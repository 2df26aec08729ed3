//! What the simulation has found in the core's dealings with hooks.

use std::sync::Arc;

use proclaunch_core::hook::{
    Answer, Change, Farewell, Gate, Hook, Hooks, Outcome, QuestionId, Schedule, Verdict,
};
use proclaunch_core::machine::{Event, Idle, Look};
use proclaunch_core::profile::HookFiles;

use super::*;

/// A profile that is always restarted, with these hooks.
fn hooked(present: &[Hook]) -> Policy {
    Policy { hooks: HookFiles { present: present.into(), digest: Fingerprint(1) }, ..policy() }
}

/// The same profile with another `run`.
fn changed(policy: Policy) -> Input {
    let Input::Scan(mut scan) = scan(policy) else { unreachable!("it is a scan") };
    let profile = scan.profiles[0].1.profile.as_mut().expect("its files are good");
    Arc::make_mut(profile).shape.run = Fingerprint(2);
    Input::Scan(scan)
}

/// The same profile with a pid file.
fn daemon(policy: Policy) -> Input {
    let Input::Scan(mut scan) = scan(policy) else { unreachable!("it is a scan") };
    let profile = scan.profiles[0].1.profile.as_mut().expect("its files are good");
    Arc::make_mut(profile).shape.pid_file = Some("pid".into());
    Input::Scan(scan)
}

fn tell(event: Event) -> Input {
    Input::Hook(web(), Box::new(event))
}

fn loaded(hooks: &[Hook]) -> Input {
    let schedule = Schedule { every: Duration::from_secs(1), bad: 1, of: 1, ..Schedule::default() };
    let checks = if hooks.contains(&Hook::Health) { vec![schedule] } else { Vec::new() };
    tell(Event::HooksLoaded(
        Fingerprint(1),
        Arc::new(Hooks { loaded: hooks.into(), checks, ..Hooks::default() }),
    ))
}

fn broken() -> Input {
    let broken = vec![(Hook::OnStart, "it is no Luau".to_owned())];
    tell(Event::HooksLoaded(Fingerprint(1), Arc::new(Hooks { broken, ..Hooks::default() })))
}

fn answers(id: u64, hook: Hook, answer: Answer) -> Input {
    tell(Event::Decided { id: QuestionId(id), hook, outcome: Outcome::Answer(answer) })
}

fn order(order: Order) -> Input {
    Input::Order(OrderId(0), web(), order)
}

fn exited_leaving(serial: u64) -> Input {
    let remains = vec![ProcId { pid: 8, start: 1 }];
    Input::Report(Report::Exited {
        name: web(),
        ticket: ticket(serial),
        id: ID,
        exit: Exit::Code(1),
        remains,
    })
}

fn gone(serial: u64) -> Input {
    Input::Report(Report::Gone { name: web(), ticket: ticket(serial) })
}

/// Gives the inputs to a new fleet, a second apart. Gives it, and the effects of the last one.
fn play(inputs: impl IntoIterator<Item = Input>) -> (Fleet, Vec<String>) {
    let mut fleet = Fleet::new(Config { instance: 0, drain_on_term: false, exit_with: None });
    let (mut now, mut last) = (Moment::default(), Vec::new());
    for input in inputs {
        now = now.plus(Duration::from_secs(1));
        last = fleet.step(now, input);
    }
    (fleet, done(&last))
}

fn idle(fleet: &Fleet) -> Option<Idle> {
    fleet.machine(&web()).expect("it is kept").idle()
}

#[test]
fn a_scan_that_tells_nothing_new_does_not_start_what_a_broken_gate_holds() {
    let files = || daemon(hooked(&[Hook::OnStart]));
    let (fleet, last) = play([files(), broken(), Input::PidFile(web(), Look::Absent), files()]);
    assert_eq!((idle(&fleet), last), (Some(Idle::Held), Vec::new()));
    assert_eq!(fleet.machine(&web()).unwrap().trouble(), Some("on_start.lua: it is no Luau"));
}

#[test]
fn a_gate_whose_file_comes_while_the_pid_file_is_looked_at_is_not_passed_by() {
    let files = |policy| daemon(policy);
    let absent = Input::PidFile(web(), Look::Absent);
    let (fleet, last) = play([files(policy()), files(hooked(&[Hook::OnStart])), absent]);
    assert_eq!((idle(&fleet), last), (None, Vec::new()));
}

#[test]
fn a_gate_whose_file_is_gone_is_asked_no_more() {
    let not_yet = answers(1, Hook::OnStart, Answer::Start(Gate::NotYet("no".to_owned())));
    let (_, last) = play([
        scan(hooked(&[Hook::OnStart])),
        loaded(&[Hook::OnStart]),
        not_yet,
        scan(policy()),
        Input::Timeout,
    ]);
    let record = "web Remember Launching (order None)";
    assert_eq!(last, [record, "| INFO  web starting", "web Spawn 0000000000000000-3 (run 1)"]);
}

#[test]
fn a_gate_that_says_at_once_does_not_keep_the_supervisor_busy() {
    let again = answers(1, Hook::OnStart, Answer::Start(Gate::Again(Duration::ZERO, "soon".to_owned())));
    let (fleet, _) = play([scan(hooked(&[Hook::OnStart])), loaded(&[Hook::OnStart]), again]);
    let due = fleet.deadline().expect("it asks again");
    assert_eq!(due.since(Moment::default()), Duration::from_millis(3_100));
}

#[test]
fn what_waits_behind_its_gate_is_started_by_the_next_supervisor() {
    let hooks = [Hook::OnStart];
    let never = Policy { restart: Restart::Never, ..hooked(&hooks) };
    let passed = answers(1, Hook::OnStart, Answer::Nothing);
    let dies = [scan(never), loaded(&hooks), passed, spawned(2), exited(2, Exit::Code(0))];
    let (_, last) = play(dies.into_iter().chain([order(Order::Start { force: false })]));
    assert!(last.contains(&"web Remember Gate (order Some(Up))".to_owned()), "{last:?}");
}

#[test]
fn hooks_that_are_loaded_anew_do_not_drop_a_change_that_is_to_be_decided() {
    let hooks = [Hook::OnChange];
    let (_, last) = play([
        scan(hooked(&hooks)),
        loaded(&hooks),
        spawned(1),
        changed(hooked(&hooks)),
        loaded(&hooks),
        answers(2, Hook::OnChange, Answer::Change(Change::Restart)),
    ]);
    assert_eq!(last[..2], ["web Remember Stopping (order None, and owes signals)", "| INFO  web stopping"]);
}

#[test]
fn a_verdict_on_health_lapses_when_the_health_changes() {
    let hooks = [Hook::Health, Hook::ShouldRestart];
    let mut inputs = vec![scan(hooked(&hooks)), loaded(&hooks), spawned(1), Input::Timeout];
    inputs.push(answers(2, Hook::Health, Answer::Health(Err("bad".to_owned()))));
    let mut fleet = Fleet::new(Config { instance: 0, drain_on_term: false, exit_with: None });
    let mut now = Moment::default();
    for input in inputs {
        now = now.plus(Duration::from_secs(1));
        fleet.step(now, input);
    }
    assert_eq!(fleet.machine(&web()).unwrap().questions(), [QuestionId(3)]);
    fleet.step(now, Input::Timeout);
    let last = fleet.step(now, answers(4, Hook::Health, Answer::Health(Ok(()))));
    assert!(last.iter().any(|effect| trace::effect(effect) == "web Lapse(QuestionId(3))"), "{last:?}");
}

#[test]
fn an_order_to_start_outranks_should_restart() {
    let hooks = [Hook::ShouldRestart];
    let (fleet, _) = play([
        scan(hooked(&hooks)),
        loaded(&hooks),
        spawned(1),
        exited_leaving(1),
        order(Order::Start { force: false }),
        answers(3, Hook::ShouldRestart, Answer::Restart(Verdict::No("no".to_owned()))),
        gone(1),
    ]);
    assert_eq!(idle(&fleet), None);
}

#[test]
fn a_profile_that_comes_back_with_a_down_file_outranks_should_restart() {
    let hooks = [Hook::ShouldRestart];
    let (fleet, _) = play([
        scan(hooked(&hooks)),
        loaded(&hooks),
        spawned(1),
        exited_leaving(1),
        found(Vec::new()),
        scan(Policy { down: true, ..hooked(&hooks) }),
        answers(3, Hook::ShouldRestart, Answer::Restart(Verdict::Yes)),
        gone(1),
    ]);
    assert_eq!(idle(&fleet), Some(Idle::Down));
}

#[test]
fn a_change_of_the_settings_outranks_what_they_were_at_the_death() {
    let hooks = [Hook::ShouldRestart];
    let (_, last) = play([
        scan(Policy { restart: Restart::Never, ..hooked(&hooks) }),
        loaded(&hooks),
        spawned(1),
        exited(1, Exit::Code(1)),
        scan(hooked(&hooks)),
    ]);
    assert!(last.contains(&"| INFO  web starting".to_owned()), "{last:?}");
}

#[test]
fn giving_up_is_said_also_when_should_restart_has_no_opinion() {
    let hooks = [Hook::ShouldRestart];
    let give_up = Some(GiveUp { deaths: 1, within: Duration::from_secs(9) });
    let (_, last) = play([
        scan(Policy { give_up, ..hooked(&hooks) }),
        loaded(&hooks),
        spawned(1),
        exited(1, Exit::Code(1)),
        answers(2, Hook::ShouldRestart, Answer::Nothing),
    ]);
    assert_eq!(last, ["web Remember Rest(GaveUp) (order None)", "| ERROR web gave up (died once within 9s)"]);
}

#[test]
fn the_answer_of_on_stop_and_the_time_it_asks_for_have_one_budget() {
    let hooks = [Hook::OnStop];
    let wait = answers(2, Hook::OnStop, Answer::Stop(Farewell::Wait(Duration::from_secs(60))));
    let (fleet, _) = play([scan(hooked(&hooks)), loaded(&hooks), spawned(1), order(Order::Stop), wait]);
    assert_eq!(fleet.deadline(), Some(Moment::default().plus(Duration::from_secs(64))));
}

#[test]
fn a_stopped_process_is_woken_for_the_signal_of_on_stop_too() {
    let hooks = [Hook::OnStop];
    let signal = answers(2, Hook::OnStop, Answer::Stop(Farewell::Signal(Signal::INT)));
    let (_, last) = play([scan(hooked(&hooks)), loaded(&hooks), spawned(1), order(Order::Stop), signal]);
    let to = |number| {
        format!(
            "web Signal {{ ticket: Ticket {{ instance: 0, serial: 1 }}, scope: Main, signal: Signal({number}) }}"
        )
    };
    let record = |owes| format!("web Remember Stopping (order Some(Down){owes})");
    assert_eq!(last, [record(", and owes signals"), to(2), to(18), record("")]);
}

#[test]
fn a_schedule_of_no_time_at_all_does_not_keep_the_supervisor_busy() {
    let schedule =
        Schedule { every: Duration::ZERO, timeout: Duration::ZERO, bad: 0, of: 0, grace: Duration::ZERO };
    let hooks = Hooks {
        loaded: vec![Hook::Health, Hook::OnTick],
        checks: vec![schedule],
        tick: Some(Duration::ZERO),
        ..Hooks::default()
    };
    let hooks = tell(Event::HooksLoaded(Fingerprint(1), Arc::new(hooks)));
    let (fleet, _) = play([scan(hooked(&[Hook::Health, Hook::OnTick])), hooks, spawned(1), Input::Timeout]);
    assert!(fleet.deadline() > Some(Moment::default().plus(Duration::from_secs(4))));
}

#[test]
fn a_change_and_a_verdict_that_nobody_answers_are_both_decided_by_the_settings() {
    let hooks = [Hook::Health, Hook::ShouldRestart, Hook::OnChange];
    let files = || Policy { reload: Some(Signal::HUP), ..hooked(&hooks) };
    let (_, last) = play([
        scan(files()),
        loaded(&hooks),
        spawned(1),
        Input::Timeout,
        answers(2, Hook::Health, Answer::Health(Err("bad".to_owned()))),
        changed(files()),
        Input::Timeout,
    ]);
    assert!(last.contains(&"| INFO  web reloading (signal HUP to pid 7)".to_owned()), "{last:?}");
    assert!(last.contains(&"| INFO  web stopping".to_owned()), "{last:?}");
}

#[test]
fn checks_whose_file_is_gone_are_made_no_more() {
    let hooks = [Hook::Health];
    let (_, last) = play([scan(hooked(&hooks)), loaded(&hooks), spawned(1), scan(policy()), Input::Timeout]);
    assert_eq!(last, ["web Remember Running (order None)"]);
}
