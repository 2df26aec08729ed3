//! What is told of a run: lines for people, or one JSON object.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;

use super::run::{Failure, Tested};
use super::timeline::span;

/// What became of one test, as lines.
pub fn lines(tested: &Tested) -> String {
    let Tested { profile, name, failure, simulated, real, timeline, .. } = tested;
    let word = if failure.is_some() { "FAIL" } else { "ok" };
    let mut text =
        format!("{word:<5} {profile}: {name} (simulated {}, {})\n", span(*simulated), brief(*real));
    if let Some(failure) = failure {
        explain(&mut text, failure);
    }
    if !timeline.is_empty() {
        text.push('\n');
        for line in timeline {
            add(&mut text, format_args!("  {line}\n"));
        }
        text.push('\n');
    }
    text
}

fn explain(text: &mut String, Failure { what, mismatch }: &Failure) {
    match mismatch {
        Some((expected, was)) => {
            let place = what.split(": expected ").next().unwrap_or(what);
            add(text, format_args!("      {place}\n      expected  {expected}\n      was       {was}\n"));
        }
        None => add(text, format_args!("      {what}\n")),
    }
}

/// The last line.
pub fn summary(all: &[Tested]) -> String {
    let failed = all.iter().filter(|tested| tested.failure.is_some()).count();
    let passed = all.len() - failed;
    let noun = if passed == 1 { "test" } else { "tests" };
    let sum = |time: fn(&Tested) -> Duration| all.iter().map(time).sum::<Duration>();
    let simulated = span(sum(|tested| tested.simulated));
    let real = sum(|tested| tested.real).as_secs_f64();
    format!("{passed} {noun} passed, {failed} failed (simulated {simulated} in {real:.1} s)\n")
}

/// Everything, as one JSON object on one line.
pub fn json(all: &[Tested]) -> String {
    let failed = all.iter().filter(|tested| tested.failure.is_some()).count();
    let tests: Vec<_> = all
        .iter()
        .map(|tested| {
            let mismatch = tested.failure.as_ref().and_then(|failure| failure.mismatch.as_ref());
            json!({
                "profile": tested.profile,
                "name": tested.name,
                "ok": tested.failure.is_none(),
                "error": tested.failure.as_ref().map(|failure| &failure.what),
                "expected": mismatch.map(|(expected, _)| expected),
                "was": mismatch.map(|(_, was)| was),
                "simulated_seconds": tested.simulated.as_secs_f64(),
                "real_seconds": tested.real.as_secs_f64(),
                "hook_memory_bytes": tested.memory,
                "timeline": tested.timeline,
            })
        })
        .collect();
    format!("{}\n", json!({ "passed": all.len() - failed, "failed": failed, "tests": tests }))
}

fn brief(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

fn add(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(more);
}
