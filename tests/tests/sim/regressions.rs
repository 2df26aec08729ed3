//! What the simulation has found in the core, each as the shortest series of inputs that shows it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proclaunch_core::clock::Moment;
use proclaunch_core::exit::Exit;
use proclaunch_core::fleet::{Config, Effect, Fleet, Input, OrderId, Recall, Scan};
use proclaunch_core::ids::{ProcId, ProfileName, Ticket};
use proclaunch_core::machine::{Found, Order, Phase, Recalled, Remembered, Start, StateName, Want};
use proclaunch_core::process::{Report, SpawnError, Stage};
use proclaunch_core::profile::{
    Fault, Fingerprint, GiveUp, Instances, Parsed, Policy, Problem, Profile, Restart, Shape, StopStep,
};
use proclaunch_core::signal::Signal;

use crate::trace;

mod hooks;

const ID: ProcId = ProcId { pid: 7, start: 1 };

fn web() -> ProfileName {
    ProfileName::parse("web").expect("a legal name")
}

fn ticket(serial: u64) -> Ticket {
    Ticket { instance: 0, serial }
}

fn policy() -> Policy {
    Policy { restart: Restart::Always, ..Policy::default() }
}

fn down() -> Policy {
    Policy { down: true, ..policy() }
}

fn scan(policy: Policy) -> Input {
    let shape = Shape {
        run: Fingerprint(1),
        pid_file: None,
        oneshot: false,
        user: None,
        env: Box::default(),
        directory: None,
        umask: 0o022,
        nice: None,
        limits: Box::default(),
        instance: None,
    };
    found(vec![(web(), Ok(Profile { shape, policy }))])
}

fn broken() -> Input {
    found(vec![(web(), Err(vec![Problem { file: "run".to_owned(), line: None, fault: Fault::Missing }]))])
}

fn found(profiles: Vec<(ProfileName, Result<Profile, Vec<Problem>>)>) -> Input {
    let parsed = |(name, profile): (_, Result<_, _>)| {
        let profile = profile.map(Arc::new);
        (name, Parsed { profile, warnings: Vec::new(), instances: Instances::None })
    };
    let profiles = profiles.into_iter().map(parsed).collect();
    Input::Scan(Scan { complete: true, profiles, ..Scan::default() })
}

fn spawned(serial: u64) -> Input {
    Input::Report(Report::Spawned { name: web(), ticket: ticket(serial), id: ID })
}

fn exited(serial: u64, exit: Exit) -> Input {
    Input::Report(Report::Exited { name: web(), ticket: ticket(serial), id: ID, exit, remains: Vec::new() })
}

fn spawn_failed(serial: u64) -> Input {
    let (stage, error) = (Stage::Clone, SpawnError::Errno(11));
    Input::Report(Report::SpawnFailed { name: web(), ticket: ticket(serial), stage, error })
}

fn recalled(up: Duration) -> Input {
    let start = Start { ticket: ticket(99), since: None, shape: None, daemonizes: false };
    let phase = Phase::Running { start, id: ID, attention: None };
    let remembered = Remembered { phase, ..Remembered::default() };
    let recalled = Recalled { remembered, found: Found::Alive { id: ID, up } };
    Input::Recall(Recall { profiles: BTreeMap::from([(web(), recalled)]), ..Recall::default() })
}

/// What is done, but for words to others.
fn done(effects: &[Effect]) -> Vec<String> {
    let is_done = |effect: &&Effect| !matches!(effect, Effect::Reply(..) | Effect::Happened { .. });
    effects.iter().filter(is_done).map(trace::effect).collect()
}

/// Gives the inputs to a new fleet, a second apart, and compares the effects of the last one.
fn check(inputs: impl IntoIterator<Item = Input>, expect: &[&str]) -> Fleet {
    let mut fleet = Fleet::new(Config { instance: 0, drain_on_term: false, exit_with: None });
    let (mut now, mut last) = (Moment::default(), Vec::new());
    for input in inputs {
        now = now.plus(Duration::from_secs(1));
        last = fleet.step(now, input);
    }
    assert_eq!(done(&last), expect);
    fleet
}

#[test]
fn the_steps_of_a_stop_may_wait_for_no_time() {
    let step = |signal| StopStep { signal, wait: Duration::ZERO };
    let policy = Policy { stop: Box::new([step(Signal::TERM), step(Signal::INT)]), ..policy() };
    check(
        [scan(policy), spawned(1), Input::Order(OrderId(0), web(), Order::Stop), Input::Timeout],
        &[
            "web Remember Stopping (order Some(Down), and owes signals)",
            "| WARN  web still running 1s after the stop signal; sending INT",
            "web Signal { ticket: Ticket { instance: 0, serial: 1 }, scope: Main, signal: Signal(2) }",
            "web Signal { ticket: Ticket { instance: 0, serial: 1 }, scope: Main, signal: Signal(18) }",
            "web Remember Stopping (order Some(Down))",
            "web Remember Stopping (order Some(Down))",
            "| WARN  web still running after 1s; killing",
            "web KillTree { ticket: Ticket { instance: 0, serial: 1 } }",
        ],
    );
}

#[test]
fn adding_a_down_file_starts_nothing() {
    let give_up = Some(GiveUp { deaths: 1, within: Duration::from_secs(9) });
    let on_failure = Policy { restart: Restart::OnFailure, ..policy() };
    for (what, phase, policy, input) in [
        ("waits out a backoff", "Backoff", policy(), spawn_failed(1)),
        ("gave up", "Rest(GaveUp)", Policy { give_up, ..policy() }, spawn_failed(1)),
        ("ended well", "Rest(Dead)", on_failure, exited(1, Exit::Code(0))),
    ] {
        let with_down = Policy { down: true, ..policy.clone() };
        let mut inputs = vec![scan(policy)];
        if what == "ended well" {
            inputs.push(spawned(1));
        }
        inputs.extend([input, scan(with_down)]);
        let fleet = check(inputs, &[&format!("web Remember {phase} (order None)")]);
        assert_eq!(fleet.machine(&web()).unwrap().state(), StateName::Stopped, "{what}");
    }
}

#[test]
fn a_start_that_was_ordered_while_the_files_were_bad_outranks_down() {
    check(
        [broken(), Input::Order(OrderId(0), web(), Order::Start { force: false }), scan(down())],
        &[
            "web Remember Launching (order Some(Up))",
            "| INFO  web starting",
            "web Spawn 0000000000000000-1 (run 1)",
        ],
    );
}

#[test]
fn a_drain_before_the_first_scan_stops_what_was_recalled() {
    let hup = Input::Signal(Signal::HUP);
    let fleet = check(
        [recalled(Duration::from_secs(60)), hup],
        &[
            "RememberFleet(Memo { draining: Some(Draining { code: 111, why: \"received HUP\" }) })",
            "| INFO  ProcLaunch received HUP. Stopping all profiles.",
            "web Remember Stopping (order None, and owes signals)",
            "web Adopt { ticket: Ticket { instance: 0, serial: 99 }, id: ProcId { pid: 7, start: 1 } }",
            "| INFO  web running pid 7 (adopted, up 1m 0s)",
            "| INFO  web stopping",
            "web Signal { ticket: Ticket { instance: 0, serial: 99 }, scope: Main, signal: Signal(15) }",
            "web Signal { ticket: Ticket { instance: 0, serial: 99 }, scope: Main, signal: Signal(18) }",
            "web Remember Stopping (order None)",
        ],
    );
    assert_eq!(fleet.ended(), None);
}

#[test]
fn a_profile_that_comes_back_with_a_down_file_while_it_is_being_stopped_stays_down() {
    let gone = found(Vec::new());
    let fleet = check(
        [scan(policy()), spawned(1), gone, scan(down()), exited(1, Exit::Code(0))],
        &[
            "web Remember Down (order None)",
            "| INFO  web stopped (pid 7, exit 0)",
            "web Release { ticket: Ticket { instance: 0, serial: 1 } }",
        ],
    );
    assert_eq!(fleet.machine(&web()).unwrap().want(), Want::Up);
}

#[test]
fn a_record_never_orders_a_profile_to_be_gone() {
    check(
        [
            scan(policy()),
            Input::Order(OrderId(0), web(), Order::Start { force: false }),
            spawned(1),
            found(Vec::new()),
        ],
        &[
            "web Remember Stopping (order None, and owes signals)",
            "| INFO  web disappeared. Stopping and not restarting.",
            "| INFO  web stopping",
            "web Signal { ticket: Ticket { instance: 0, serial: 1 }, scope: Main, signal: Signal(15) }",
            "web Signal { ticket: Ticket { instance: 0, serial: 1 }, scope: Main, signal: Signal(18) }",
            "web Remember Stopping (order None)",
        ],
    );
}
