//! `proclaunch status`: a line for each profile, trouble first to be seen, and a sum.

use super::paint::{Style, Tone, clean};
use super::table::{Cell, Column, fitted};
use super::units::{percent, size, span};
use crate::control::api::{Profile, Profiles};

/// The standings in the order of the sum: what must be looked at comes first.
const STANDINGS: [(&str, &str); 10] = [
    ("held", "held"),
    ("gave_up", "given up"),
    ("unhealthy", "unhealthy"),
    ("backoff", "in backoff"),
    ("dead", "dead"),
    ("starting", "starting"),
    ("stopped", "stopped"),
    ("down", "down"),
    ("done", "done"),
    ("serving", "serving"),
];

/// What a narrow terminal does not show, to have room for why; the least important first.
const LEAST: [&str; 6] = ["CPU", "MEMORY", "RESTARTS", "HEALTH", "UPTIME", "PID"];

/// All of these as a table, with a sum if there are several.
pub fn profiles(style: Style, profiles: &Profiles) -> String {
    let columns = [
        Column::left("  NAME"),
        Column::left("STATE"),
        Column::left("HEALTH"),
        Column::right("PID"),
        Column::right("UPTIME"),
        Column::right("RESTARTS"),
        Column::right("CPU"),
        Column::right("MEMORY"),
        Column::left("WHY"),
    ];
    let rows: Vec<Vec<Cell>> = profiles.profiles.iter().map(row).collect();
    let mut text = String::new();
    if profiles.mode != "supervising" {
        let mode = format!("ProcLaunch is {}.\n", clean(&profiles.mode));
        text.push_str(&style.paint(Tone::Warn, &mode));
    }
    text.push_str(&fitted(style, &columns, &rows, &LEAST));
    if profiles.profiles.len() > 1 {
        text.push_str(&sum(style, &profiles.profiles));
    }
    text
}

fn row(profile: &Profile) -> Vec<Cell> {
    let tone = tone(profile);
    let mark = if is_trouble(profile) { "!" } else { " " };
    let health = match profile.health.as_str() {
        "healthy" => Cell::new(Tone::Good, "healthy"),
        "unhealthy" => Cell::new(Tone::Bad, "unhealthy"),
        other if profile.has_checks => Cell::plain(other),
        _ => Cell::or_none(None),
    };
    vec![
        Cell::new(tone, &format!("{mark} {}", profile.name)),
        Cell::new(tone, &state(profile)),
        health,
        Cell::or_none(profile.pid.map(|pid| pid.to_string())),
        Cell::or_none(profile.uptime.map(span)),
        Cell::plain(&profile.restarts.to_string()),
        Cell::or_none(profile.cpu_percent.map(percent)),
        Cell::or_none(profile.memory_bytes.map(size)),
        Cell::plain(&why(profile)),
    ]
}

/// The public state, and what is to be known beyond it: `stopped (backoff)`.
pub fn state(profile: &Profile) -> String {
    let detail = match profile.standing.as_str() {
        "gave_up" => "gave up",
        standing @ ("done" | "down" | "dead" | "backoff" | "held") => standing,
        _ if matches!(profile.state.as_str(), "starting" | "stopping") => &profile.phase,
        _ => "",
    };
    if detail.is_empty() || detail == profile.state {
        profile.state.clone()
    } else {
        format!("{} ({detail})", profile.state)
    }
}

/// Whether somebody should look.
pub fn is_trouble(profile: &Profile) -> bool {
    tone(profile) == Tone::Bad || profile.trouble.is_some() || !profile.hooks_off.is_empty()
}

/// How the profile stands, as a colour.
pub fn tone(profile: &Profile) -> Tone {
    match profile.standing.as_str() {
        "serving" => Tone::Good,
        "starting" => Tone::Warn,
        "done" | "down" | "stopped" => Tone::Dim,
        "dead" => match &profile.exit {
            Some(exit) if exit.code == Some(0) => Tone::Dim,
            // Nobody but an operator starts it again.
            Some(_) | None => Tone::Bad,
        },
        "backoff" | "unhealthy" | "gave_up" | "held" => Tone::Bad,
        _ => Tone::Plain,
    }
}

/// What is wrong with its files and hooks, what comes by itself, and why it is as it is: a narrow terminal shows the
/// beginning.
pub fn why(profile: &Profile) -> String {
    // What holds it is why it is as it is, and may be why a hook is off as well: it is said once.
    let trouble = profile.trouble.as_deref().filter(|trouble| *trouble != profile.why);
    let is_said = |reason: &str| profile.trouble.as_deref().is_some_and(|trouble| trouble.contains(reason));
    let off = profile.hooks_off.iter().filter(|off| !is_said(&off.reason));
    let off = off.map(|off| format!("hook {} off: {}", off.hook, off.reason));
    let trouble = trouble.map(|trouble| format!("files not in force: {trouble}"));
    let next = profile.next.as_ref().map(|next| format!("{} in {}", next.what, span(next.after)));
    let why = Some(profile.why.clone()).filter(|why| !why.is_empty());
    let changed = profile.changed.then(|| "changed: the files differ from what runs".to_owned());
    let own = match (next, why) {
        (Some(next), Some(why)) => Some(format!("{next}: {why}")),
        (next, why) => next.or(why),
    };
    trouble.into_iter().chain(off).chain(own).chain(changed).collect::<Vec<_>>().join("; ")
}

fn sum(style: Style, profiles: &[Profile]) -> String {
    let mut parts = Vec::new();
    for (standing, words) in STANDINGS {
        let count = profiles.iter().filter(|profile| profile.standing == standing).count();
        if count > 0 {
            parts.push(format!("{count} {words}"));
        }
    }
    let troubles = profiles.iter().filter(|profile| is_trouble(profile)).count();
    let tone = if troubles > 0 { Tone::Bad } else { Tone::Good };
    let sum = format!("{} profiles: {}", profiles.len(), parts.join(", "));
    format!("\n{}\n", style.paint(tone, &sum))
}
