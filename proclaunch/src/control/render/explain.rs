//! `proclaunch explain`: why a profile is as it is, and what comes next.

// Writing to a string cannot fail: what comes of it is dropped here.
use std::fmt::Write as _;

use super::paint::{Style, Tone, clean};
use super::status::{state, tone, why};
use super::table::{Cell, Column, table};
use super::units::{exit, span};
use crate::control::api::{Decision, Explanation, Outlook, Profile};

/// One profile's explanation.
pub fn explanation(style: Style, explanation: &Explanation) -> String {
    let mut text = head(style, &explanation.profile);
    if !explanation.decisions.is_empty() {
        _ = write!(text, "\n{}\n", style.paint(Tone::Strong, "What was decided"));
        for decision in &explanation.decisions {
            text.push_str(&decided(style, decision));
        }
    }
    if !explanation.outlook.is_empty() {
        _ = write!(text, "\n{}\n", style.paint(Tone::Strong, "What would come of what"));
        text.push_str(&outlook(style, &explanation.outlook));
    }
    text
}

fn head(style: Style, profile: &Profile) -> String {
    let mut first = format!(
        "{} is {}",
        style.paint(Tone::Strong, &clean(&profile.name)),
        style.paint(tone(profile), &clean(&state(profile)))
    );
    if let Some(seconds) = profile.state_for {
        _ = write!(first, " for {}", span(seconds));
    }
    if let Some(pid) = profile.pid {
        _ = write!(first, ", pid {pid}");
    }
    let mut text = first + "\n";
    let mut line = |head: &str, rest: &str| {
        if !rest.is_empty() {
            _ = writeln!(text, "  {:<8}  {}", head, clean(rest));
        }
    };
    line("wanted", &profile.want);
    if profile.has_checks {
        line("health", &profile.health);
    }
    line("why", &why(profile));
    if let Some(last) = &profile.exit {
        let told = if last.requested { ", as told" } else { "" };
        line("last end", &format!("{} after {}{told}, at {}", exit(last), span(last.uptime), last.at));
    }
    let cause = [profile.cause.as_str(), &profile.reason];
    line(
        "cause",
        &cause.map(str::trim).into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": "),
    );
    text
}

fn decided(style: Style, decision: &Decision) -> String {
    let by = match decision.by.as_str() {
        "default" => "by default".to_owned(),
        "order" => "by order".to_owned(),
        file => format!("by {}", clean(file)),
    };
    let mut text = format!(
        "  {}  {} {}\n",
        style.paint(Tone::Dim, &clean(&decision.at)),
        clean(&decision.what),
        style.paint(Tone::Dim, &by)
    );
    for (head, rest) in [("on", &decision.inputs), ("because", &decision.reason)] {
        if !rest.is_empty() {
            _ = writeln!(text, "  {:24}  {head} {}", "", clean(rest));
        }
    }
    text
}

fn outlook(style: Style, outlook: &[Outlook]) -> String {
    let columns = [Column::left("  EVENT"), Column::left("IN"), Column::left("THEN")];
    let rows: Vec<Vec<Cell>> = outlook
        .iter()
        .map(|one| {
            vec![
                Cell::plain(&format!("  {}", one.event)),
                Cell::or_none(one.after.map(span)),
                Cell::plain(&one.then),
            ]
        })
        .collect();
    table(style, &columns, &rows)
}
