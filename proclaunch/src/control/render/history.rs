//! `proclaunch history`: what happened to a profile, in order.

use super::paint::{Style, Tone, clean};
use super::table::{Cell, Column, table};
use super::units::{exit, span};
use crate::control::api::{Exit, History, Transition};

/// Transitions and ends of one profile, oldest first.
pub fn history(style: Style, name: &str, history: &History) -> String {
    let mut text = format!("{}\n", style.paint(Tone::Strong, &clean(name)));
    if history.transitions.is_empty() && history.exits.is_empty() {
        text.push_str("  nothing happened yet\n");
        return text;
    }
    let columns = [Column::left("  WHEN"), Column::left("WHAT"), Column::left("WHY")];
    let mut rows = Vec::new();
    // Both lists are in order; an end comes before the transition that it caused, and after the others of its moment.
    let mut exits = history.exits.iter().peekable();
    for step in &history.transitions {
        // RFC 3339 in UTC with milliseconds sorts as text.
        let comes_of_it = step.from != "stopped" && step.to != "running";
        while let Some(exit) = exits.next_if(|exit| exit.at < step.at || (exit.at == step.at && comes_of_it))
        {
            rows.push(ended(exit));
        }
        rows.push(changed(step));
    }
    rows.extend(exits.map(ended));
    text.push_str(&table(style, &columns, &rows));
    text
}

fn ended(end: &Exit) -> Vec<Cell> {
    let tone = if end.requested || end.code == Some(0) { Tone::Plain } else { Tone::Warn };
    let told = if end.requested { ", as told" } else { "" };
    vec![
        Cell::new(Tone::Dim, &format!("  {}", end.at)),
        Cell::new(tone, &format!("pid {} ended", end.pid)),
        Cell::new(tone, &format!("{} after {}{told}", exit(end), span(end.uptime))),
    ]
}

fn changed(step: &Transition) -> Vec<Cell> {
    // The reason says what the event was, in better words.
    let why = if step.reason.is_empty() { &step.event } else { &step.reason };
    vec![
        Cell::new(Tone::Dim, &format!("  {}", step.at)),
        Cell::plain(&format!("{} -> {}", step.from, step.to)),
        Cell::plain(why),
    ]
}
