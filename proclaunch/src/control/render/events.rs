//! `proclaunch events`: one event, one line, as in the log.

// Writing to a string cannot fail: what comes of it is dropped here.
use std::fmt::Write as _;

use super::paint::{Style, Tone, clean};
use super::units::{exit, span};
use crate::control::api::Event;

/// One event as a line: `<Timestamp> <Level> <Tag> <Message>`, as in the log.
pub fn event(style: Style, event: &Event) -> String {
    let level = event.level.to_uppercase();
    let tone = match level.as_str() {
        "WARN" => Tone::Warn,
        "ERROR" => Tone::Bad,
        _ => Tone::Plain,
    };
    let whose = event.profile.as_deref().unwrap_or("ProcLaunch");
    format!(
        "{} {} {} {}\n",
        style.paint(Tone::Dim, &clean(&event.time)),
        style.paint(tone, &format!("{:<5}", clean(&level))),
        style.paint(Tone::Strong, &clean(whose)),
        clean(message(event).trim_start())
    )
}

fn message(event: &Event) -> String {
    // What it is, the arrow says.
    let mut text = if event.kind == "transition" { String::new() } else { event.kind.clone() };
    match (&event.from, &event.to) {
        (Some(from), Some(to)) => _ = write!(text, " {from} -> {to}"),
        (None, Some(one)) | (Some(one), None) => _ = write!(text, " {one}"),
        (None, None) => {}
    }
    if let Some(pid) = event.pid {
        _ = write!(text, " pid {pid}");
    }
    if let Some(end) = &event.exit {
        _ = write!(text, " (pid {}, {}, after {})", end.pid, exit(end), span(end.uptime));
    }
    if !event.reason.is_empty() {
        _ = write!(text, ": {}", event.reason);
    }
    text
}
