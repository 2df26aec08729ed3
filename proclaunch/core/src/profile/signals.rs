//! The settings that name signals: `stop_signal` and `reload`.

use std::time::Duration;

use super::StopStep;
use super::numbers::seconds;
use super::values::Wrong;
use crate::signal::Signal;

/// The longest sequence of a stop.
const STEPS_MAX: usize = 16;

/// One signal by name or number.
pub(super) fn signal(text: &str) -> Result<Signal, Wrong> {
    Signal::parse(text).ok_or("not a signal")
}

/// `TERM`, or a sequence `QUIT 30 TERM 5 KILL`: signals and seconds by turns. A last signal without seconds waits
/// for `stop_timeout`.
///
/// The SIGKILL that ends every stop is not a step, so a KILL at the end of a sequence is left out. A KILL that
/// stands alone stays, with nothing to wait for: the steps are never empty.
pub(super) fn stop(text: &str, stop_timeout: Duration) -> Result<Box<[StopStep]>, Wrong> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut steps = Vec::new();
    for step in words.chunks(2) {
        let signal = signal(step[0])?;
        let wait = step.get(1).map_or(Ok(stop_timeout), |wait| seconds(wait))?;
        steps.push(StopStep { signal, wait });
    }
    if steps.len() > STEPS_MAX {
        return Err("more steps than a stop may have (16)");
    }
    if let Some(StopStep { signal: Signal::KILL, .. }) = steps.last() {
        steps.pop();
    }
    if steps.iter().any(|step| step.signal == Signal::KILL) {
        return Err("nothing can follow KILL");
    }
    if steps.is_empty() {
        steps.push(StopStep { signal: Signal::KILL, wait: Duration::ZERO });
    }
    Ok(steps.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<&[(&str, u64)]>) {
        let step = |(name, wait): &(&str, u64)| StopStep {
            signal: Signal::parse(name).unwrap(),
            wait: Duration::from_millis(*wait),
        };
        let expect = expect.map(|steps| steps.iter().map(step).collect());
        assert_eq!(stop(text, Duration::from_secs(10)).ok(), expect, "{text:?}");
    }

    #[test]
    fn a_stop_is_a_signal_or_a_sequence() {
        check("TERM", Some(&[("TERM", 10_000)]));
        check("SIGINT", Some(&[("INT", 10_000)]));
        check("15", Some(&[("TERM", 10_000)]));
        check("QUIT 30", Some(&[("QUIT", 30_000)]));
        check("QUIT 30 TERM", Some(&[("QUIT", 30_000), ("TERM", 10_000)]));
        check("QUIT 30 TERM 0.5 KILL", Some(&[("QUIT", 30_000), ("TERM", 500)]));
        check("QUIT 30 TERM 5 KILL 7", Some(&[("QUIT", 30_000), ("TERM", 5_000)]));
        check("15 10 9", Some(&[("TERM", 10_000)]));
        check("KILL", Some(&[("KILL", 0)]));
        check("KILL 5", Some(&[("KILL", 0)]));
    }

    #[test]
    fn what_is_no_stop_is_refused() {
        for text in
            ["0", "65", "TERMX", "TERM INT", "TERM 5 70", "TERM -1", "KILL 5 TERM", "TERM x", "5 KILL"]
        {
            check(text, None);
        }
        check(&"TERM 1 ".repeat(17), None);
        check(&"TERM 1 ".repeat(16), Some(&[("TERM", 1000); 16]));
    }
}
