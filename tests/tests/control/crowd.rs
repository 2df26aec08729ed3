//! Many clients with orders that contradict, and supervisors that are killed amid them: everybody is answered, and
//! nothing is doubled.

use std::collections::BTreeMap;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use std::{fs, thread};

use nix::sys::signal::Signal;
use proclaunch::control::api::{Explanation, Profile};
use proclaunch_tests::daemon::Daemon;
use proclaunch_tests::rng::Rng;
use proclaunch_tests::sandbox::{Sandbox, binary};
use proclaunch_tests::wait;

use crate::SLEEP;

const NAMES: [&str; 3] = ["a", "b", "deaf"];
const VERBS: [&str; 3] = ["start", "stop", "restart"];

/// Says when it lives twice.
const ONCE: &str = "exec 9>lock; flock --nonblock 9 || echo twice >>twice;";

fn fleet() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in ["a", "b"] {
        sandbox.profile(name, &format!("{ONCE} {SLEEP}"));
    }
    let deaf = format!("{ONCE} trap '' TERM; while :; do sleep 0.1; done");
    sandbox.profile("deaf", &deaf).set("stop_timeout", "0.3");
    sandbox
}

fn order(rng: &mut Rng) -> (&'static str, &'static str) {
    (*rng.pick(&NAMES), *rng.pick(&VERBS))
}

/// Each profile is at last what was ordered last, and has never been there twice.
#[track_caller]
fn all_is_as_ordered(daemon: &Daemon) {
    for name in NAMES {
        let is_settled = |profile: &Profile| match profile.want.as_str() {
            "up" => profile.state == "running",
            _ => profile.state == "stopped",
        };
        let profile = daemon.wait_for_profile(name, is_settled);
        let explanation: Explanation = daemon.control().get(&format!("/v1/profiles/{name}/explain")).json();
        let last = explanation.decisions.iter().rev().find(|decision| decision.by == "order");
        let last = last.map(|decision| decision.what.as_str());
        let is_down = profile.want == "down";
        assert_eq!(last == Some("stops"), is_down, "{name}: {last:?} was ordered last: {profile:?}");
        let twice = fs::read_to_string(daemon.sandbox.profiles().join(name).join("twice"));
        assert!(twice.is_err(), "{name} was there twice:\n{}", daemon.log());
    }
}

#[test]
fn twenty_clients_with_orders_that_contradict_are_all_answered() {
    let daemon = fleet().daemonize();
    for name in NAMES {
        daemon.wait_for_profile(name, |profile| profile.state == "running");
    }
    let control = daemon.control();
    let client = |seed| {
        let mut rng = Rng::new(seed);
        let order_once = |_| {
            let (name, verb) = order(&mut rng);
            let answer = control.post(&format!("/v1/profiles/{name}/{verb}"));
            match answer.status {
                200 => "done".to_owned(),
                _ => answer.error(409).result.unwrap(),
            }
        };
        (0..10).map(order_once).collect::<Vec<_>>()
    };
    let answers: Vec<String> = thread::scope(|scope| {
        let clients: Vec<_> = (1..=20).map(|seed| scope.spawn(move || client(seed))).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for answer in &answers {
        *counts.entry(answer).or_default() += 1;
    }
    println!("{counts:?}");
    assert_eq!(counts.values().sum::<u32>(), 200);
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), ["done", "overtaken"]);
    all_is_as_ordered(&daemon);
    daemon.end(Signal::SIGHUP);
}

fn run(daemon: &Daemon, words: [&str; 2]) -> Output {
    let mut command = Command::new(binary());
    command.arg("--state").arg(daemon.sandbox.state()).args(words).stdin(Stdio::null());
    command.output().unwrap()
}

#[test]
fn orders_amid_which_supervisors_are_killed_have_an_answer_or_an_honest_error() {
    let daemon = fleet().daemonize();
    for name in NAMES {
        daemon.wait_for_profile(name, |profile| profile.state == "running");
    }
    let client = |seed| {
        let mut rng = Rng::new(seed);
        for _ in 0..8 {
            let (name, verb) = order(&mut rng);
            let output = run(&daemon, [verb, name]);
            let said = String::from_utf8_lossy(&output.stderr);
            // One that breaks each time that it is asked who is meant has ordered nothing.
            let is_broken = said == "proclaunch: the connection broke before the supervisor had answered\n";
            let is_honest = match output.status.code() {
                Some(0) => said.is_empty(),
                Some(1) => said.starts_with(&format!("proclaunch: {name} {verb} was overtaken: ")),
                // It may have been taken, and does not say that it was not.
                Some(111) => is_broken || said.contains("may have been taken"),
                _ => false,
            };
            assert!(is_honest, "{verb} {name}: {output:?}\n{}", daemon.log());
        }
    };
    let mut kills = 0;
    thread::scope(|scope| {
        let clients: Vec<_> = (1..=4).map(|seed| scope.spawn(move || client(seed))).collect();
        let mut rng = Rng::new(99);
        while clients.iter().any(|client| !client.is_finished()) {
            // Most of what an order passes through is over in some milliseconds.
            wait::pass(Duration::from_millis(*rng.pick(&[0, 1, 3, 10, 30, 100])));
            if let Some(supervisor) = daemon.supervisor() {
                supervisor.signal(Signal::SIGKILL);
                kills += 1;
            }
        }
    });
    println!("{kills} kills");
    assert!(kills > 0);
    all_is_as_ordered(&daemon);
    daemon.end(Signal::SIGHUP);
}
