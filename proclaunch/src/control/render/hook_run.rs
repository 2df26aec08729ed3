//! `proclaunch run-hook`: what a hook answered, and what it did.

// Writing to a string cannot fail: what comes of it is dropped here.
use std::fmt::Write as _;

use super::paint::{Style, Tone, clean};
use super::units::span;
use crate::control::api::HookRun;

/// One run of a hook.
pub fn hook_run(style: Style, name: &str, run: &HookRun) -> String {
    let (tone, what) = match run.outcome.as_str() {
        "answer" => (Tone::Good, format!("answered {}", clean(&run.answer))),
        "nothing" => (Tone::Good, "answered nothing".to_owned()),
        "failed" => (Tone::Bad, "failed".to_owned()),
        "timeout" => (Tone::Bad, "ran out of its time".to_owned()),
        other => (Tone::Warn, clean(other)),
    };
    let mut text = format!(
        "{} {} {} after {}\n",
        style.paint(Tone::Strong, &clean(name)),
        clean(&run.hook),
        style.paint(tone, &what),
        milliseconds(run.seconds)
    );
    let mut line = |head: &str, rest: &str| _ = writeln!(text, "  {head:<7}  {}", clean(rest));
    if let Some(reason) = run.reason.as_deref().filter(|reason| !reason.is_empty()) {
        line("reason", reason);
    }
    for said in &run.log {
        line("log", said);
    }
    for request in &run.requests {
        line("request", request);
    }
    if !run.applied {
        line("applied", "no: its requests and variables were dropped");
    }
    text
}

/// A hook takes less than people count in.
fn milliseconds(seconds: f64) -> String {
    if seconds < 0.1 { format!("{:.1}ms", seconds.max(0.0) * 1000.0) } else { span(seconds) }
}
