//! Chaos: whatever of ProcLaunch is killed whenever, nothing is lost.
//!
//! Thirty services of all kinds keep ledgers of their lives while keeper, supervisor and logger are killed at random,
//! one or two at once, and while files of profiles change. Afterwards ledgers, output and log must tell one story.
//!
//! `SEED=N` runs that seed alone, `SECONDS=N` each for so long; `KEEP=DIR` copies what there is to look at
//! there when one fails.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

use std::time::Duration;

mod changes;
mod checks;
mod killer;
mod ledger;
mod output;
mod run;
mod services;

use run::Run;

/// For each seed, where nobody says otherwise.
const SECONDS: u64 = 10;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number: {text}")))
}

/// Runs one seed, if it is the one that is asked for.
fn chaos(seed: u64, is_default: bool) {
    let asked = number("SEED");
    if asked.is_some() && !is_default {
        return;
    }
    let seed = asked.unwrap_or(seed);
    Run::new(seed).endure(Duration::from_secs(number("SECONDS").unwrap_or(SECONDS)));
}

#[test]
fn nothing_is_lost_with_seed_1() {
    chaos(1, true);
}

#[test]
fn nothing_is_lost_with_seed_2() {
    chaos(2, false);
}

#[test]
fn nothing_is_lost_with_seed_3() {
    chaos(3, false);
}
