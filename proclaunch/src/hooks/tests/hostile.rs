//! Scripts that try to hold the thread up, to eat all memory or to wreck the interpreter.

mod cases;

use std::time::Duration;

use proclaunch_core::hook::{Answer, Hook, Outcome};

use self::cases::{ANY, STOPPED};
use super::support::{Bench, LONG, question, run};
use crate::sys::clock;

/// What a call may take; then it is to be over.
const BUDGET: Duration = Duration::from_millis(100);

/// What it may take altogether on a machine where much else runs.
const PATIENCE: Duration = Duration::from_secs(2);

/// How much CPU it may take: its budget, and 20 ms for what cannot be interrupted. On CPU and not on the clock, for what
/// others do on a busy machine is nobody's fault; unoptimized code takes several times as long for one such step.
const CPU: Duration = Duration::from_millis(if cfg!(debug_assertions) { 200 } else { 120 });

const GOOD: &str =
    "return function(service) return ('ok'):upper() == 'OK' and #table.concat({ 'a', 'b' }) == 2 end";

fn attack(name: &str, body: &str) -> Outcome {
    run(async {
        let text = format!("return function(service)\ndo {body} end\nreturn true end");
        let bench = Bench::new(&[(Hook::Health, &text), (Hook::Ready, GOOD)]).await;
        assert_eq!(bench.host.hooks().broken, [], "{name}");
        let (began, began_cpu) = (clock::now(), clock::thread_cpu());
        let outcome = bench.host.call(&question(Hook::Health, BUDGET)).await;
        let (took, used) = (clock::now().since(began), clock::thread_cpu().saturating_sub(began_cpu));
        assert!(took < PATIENCE && used < CPU, "{name}: took {took:?}, {used:?} of CPU, {outcome:?}");
        bench.host.tidy().await;
        let after = bench.host.call(&question(Hook::Ready, LONG)).await;
        assert_eq!(after, Outcome::Answer(Answer::Ready(Ok(()))), "{name}: the interpreter afterwards");
        outcome
    })
}

#[test]
fn every_attack_is_stopped_and_leaves_the_interpreter_usable() {
    assert!(STOPPED.len() + ANY.len() >= 100, "{}", STOPPED.len() + ANY.len());
    let mut bad = Vec::new();
    for (name, body) in STOPPED {
        let outcome = attack(name, body);
        if !matches!(outcome, Outcome::Failed(_) | Outcome::TimedOut) {
            bad.push(format!("{name}: {outcome:?}"));
        }
    }
    for (name, body) in ANY {
        attack(name, body);
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn a_file_that_never_ends_its_loading_is_broken() {
    for text in [
        "while true do end",
        "for _ = 1, 1e12 do end return print",
        "local s = 'x' while true do s = s .. s end",
        "return (('a'):rep(2000)):find(('.-'):rep(20) .. 'b')",
        "table.sort({1, 2, 3}, function() while true do end end)",
        "pcall(function() while true do end end) while true do end",
        "error()",
    ] {
        run(async {
            let bench = Bench::new(&[(Hook::Health, text), (Hook::Ready, GOOD)]).await;
            assert_eq!(bench.host.hooks().broken.len(), 1, "{text}");
            let after = bench.host.call(&question(Hook::Ready, LONG)).await;
            assert_eq!(after, Outcome::Answer(Answer::Ready(Ok(()))), "{text}");
        });
    }
}

#[test]
fn waking_up_after_a_slice_is_never_missed() {
    // Spins for about a slice, so that the interpreter is left in the middle of things, and waits for next to nothing.
    let text = "return function()
        for turn = 1, 100 do
            local t = clock.monotonic()
            while clock.monotonic() - t < 0.0009 + turn * 0.000002 do end
            sleep(0.001)
        end
        return true
    end";
    run(async {
        let bench = Bench::new(&[(Hook::OnExit, text)]).await;
        for _ in 0..3 {
            let outcome = bench.host.call(&question(Hook::OnExit, Duration::from_secs(20))).await;
            assert!(
                matches!(&outcome, Outcome::Answer(_))
                    || matches!(&outcome, Outcome::Failed(why) if why.contains("CPU")),
                "{outcome:?}"
            );
        }
    });
}

#[test]
fn a_hostile_neighbour_delays_the_others_by_milliseconds() {
    for body in [
        "while true do pcall(function() while true do end end) end",
        "table.sort(table.create(1000, 1), function() while true do end end)",
        "local s = ('a'):rep(30) return s:find(('a?'):rep(30) .. s)",
        "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end",
    ] {
        run(async {
            let text = format!("return function() {body} end");
            let bad = std::rc::Rc::new(Bench::new(&[(Hook::Health, &text)]).await);
            let good = Bench::new(&[(Hook::Ready, GOOD)]).await;
            let neighbour = std::rc::Rc::clone(&bad);
            let attacker = tokio::task::spawn_local(async move {
                loop {
                    neighbour.host.call(&question(Hook::Health, Duration::from_secs(5))).await;
                    neighbour.host.tidy().await;
                    // As on the thread, where every call is a task of its own.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            });
            let mut delays = Vec::new();
            for _ in 0..60 {
                tokio::time::sleep(Duration::from_millis(5)).await;
                let began = clock::now();
                tokio::time::sleep(Duration::from_millis(1)).await;
                assert_eq!(good.ask(Hook::Ready).await, Outcome::Answer(Answer::Ready(Ok(()))));
                delays.push(clock::now().since(began));
            }
            attacker.abort();
            delays.sort();
            println!("{body}: p50 {:?}, p90 {:?}, max {:?}", delays[30], delays[54], delays[59]);
            assert!(delays[30] < Duration::from_millis(40), "{body}: {delays:?}");
        });
    }
}
