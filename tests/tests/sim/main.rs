//! The simulation: the fleet in the loop of production, against a world in which everything goes wrong that can, on
//! a virtual clock, from a seed.
//!
//! `SEEDS=n` runs that many seeds, `SEED=n` runs one and prints all of its trace. A seed that fails prints itself
//! and the end of its trace; one that has found a bug is kept in [`KEPT`], with what it found.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};

use checks::describe;
use happening::Unwound;
use world::Sim;

mod book;
mod checks;
mod directory;
mod faults;
mod happening;
mod hooks;
mod keeper;
mod lines;
mod model;
mod orders;
mod outcomes;
mod perform;
mod plan;
mod processes;
mod questions;
mod regressions;
mod rng;
mod timetable;
mod trace;
mod world;

/// How many seeds run unless `SEEDS` says otherwise.
const SEEDS: u64 = 200;

/// Seeds that have found a bug, and which: they run first.
const KEPT: [(u64, &str); 5] = [
    (9, "a stop whose steps wait for no time made the fleet panic"),
    (0, "a change of files started a profile with `down`"),
    (37, "a drain before the first scan left everything running"),
    (145, "a record ordered a profile to be gone that was there"),
    (623, "a profile that came back with `down` while it was being stopped was started"),
];

/// Runs one seed to its end. Gives the simulation, and what was wrong.
fn run(seed: u64, keeps_trace: bool) -> (Sim, Option<String>) {
    let mut sim = Sim::new(seed, keeps_trace);
    loop {
        let mut fleet = sim.boot();
        let end = catch_unwind(AssertUnwindSafe(|| proclaunch_core::world::run(&mut fleet, &mut sim)));
        let wrong = match end {
            Ok(code) => sim.has_ended(code).err(),
            Err(payload) => match payload.downcast::<Unwound>() {
                Ok(unwound) => match *unwound {
                    Unwound::Killed => None,
                    Unwound::Violated(wrong) => Some(wrong),
                },
                Err(payload) => Some(format!("the core panics: {}", describe(payload.as_ref()))),
            },
        };
        if wrong.is_some() || sim.timetable.has_ended {
            return (sim, wrong);
        }
        sim.be_alone();
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} must be a number, not {text:?}")))
}

#[test]
fn whatever_goes_wrong_nothing_is_lost_doubled_or_forgotten() {
    if let Some(seed) = number("SEED") {
        let (sim, wrong) = run(seed, true);
        println!("{}", sim.trace.text());
        assert_eq!(wrong, None, "SEED={seed}");
        return;
    }
    let kept = KEPT.iter().map(|(seed, _)| *seed);
    let mut failed: Vec<(u64, String)> = Vec::new();
    for seed in kept.chain(0..number("SEEDS").unwrap_or(SEEDS)) {
        let (sim, wrong) = run(seed, false);
        if let Some(wrong) = wrong {
            if failed.is_empty() {
                println!("{}", sim.trace.text());
            }
            println!("SEED={seed}: {wrong}");
            failed.push((seed, wrong));
        }
    }
    assert!(failed.is_empty(), "{} seeds have failed; the first is SEED={}", failed.len(), failed[0].0);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..20 {
        assert_eq!(run(seed, false).0.trace.digest(), run(seed, false).0.trace.digest(), "SEED={seed}");
    }
    assert_ne!(run(0, false).0.trace.digest(), run(1, false).0.trace.digest());
}
