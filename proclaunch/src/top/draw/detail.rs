//! The detail of the selected profile: why it is as it is, what it used, what happened to it, what it prints.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};

use super::palette::Palette;
use super::{table, text};
use crate::control::api::{Exit, Profile};
use crate::top::model::{Model, Pane, Usage};

/// From this width on, history and output stand beside each other.
const WIDE: u16 = 110;
/// How many lines the facts and the two figures take.
const FACTS: u16 = 6;

/// Draws it.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model, palette: Palette) {
    let Some(profile) = model.selected() else { return };
    let title = format!(" {} ", text::clean(&profile.name));
    let block = Block::new().borders(Borders::TOP).title(Span::styled(title, palette.strong()));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [facts, rest] = Layout::vertical([Constraint::Max(FACTS), Constraint::Min(0)]).areas(inner);
    self::facts(frame, facts, model, profile, palette);
    if inner.width >= WIDE {
        let [left, right] =
            Layout::horizontal([Constraint::Percentage(45), Constraint::Percentage(55)]).areas(rest);
        history(frame, left, model, palette, "");
        output(frame, right, model, palette, "");
    } else {
        match model.pane {
            Pane::Output => output(frame, rest, model, palette, ", Tab: history"),
            Pane::History => history(frame, rest, model, palette, ", Tab: output"),
        }
    }
}

fn facts(frame: &mut Frame<'_>, area: Rect, model: &Model, profile: &Profile, palette: Palette) {
    let mut lines = vec![headline(profile, palette)];
    let why = if profile.why.is_empty() { &profile.reason } else { &profile.why };
    lines.push(named("why", text::clean(why), palette));
    let next = profile.next.as_ref().map(|next| format!("{} in {}", next.what, text::span(next.after)));
    let exit = profile.exit.as_ref().map(|exit| format!("{}, {}", last_exit(exit), text::moment(&exit.at)));
    let then = match (next, exit) {
        (Some(next), Some(exit)) => format!("{next}; last exit: {exit}"),
        (Some(next), None) => next,
        (None, Some(exit)) => format!("nothing by itself; last exit: {exit}"),
        (None, None) => "nothing by itself".to_owned(),
    };
    lines.push(named("next", text::clean(&then), palette));
    if let Some(wrong) = wrong(profile) {
        lines.push(Line::styled(text::clean(&wrong), palette.careful()));
    }
    if let Some(usage) = model.usage(&profile.name) {
        lines.extend(figures(profile, usage, area.width, palette));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn headline(profile: &Profile, palette: Palette) -> Line<'static> {
    let mut spans =
        vec![Span::styled(text::clean(&profile.standing).replace('_', " "), palette.standing(profile))];
    spans.push(Span::raw(text::clean(&format!(
        " ({}, {}; wanted {})",
        profile.state, profile.phase, profile.want
    ))));
    if profile.has_checks {
        spans.push(Span::raw(", "));
        spans.push(Span::styled(text::clean(&profile.health), palette.health(&profile.health)));
    }
    if let Some(pid) = profile.pid {
        let others = profile.processes.filter(|count| *count > 1);
        let others = others.map(|count| format!(" and {} more", count - 1)).unwrap_or_default();
        spans.push(Span::raw(format!(", pid {pid}{others}")));
    }
    spans.push(Span::raw(format!(
        ", restarted {}, failed {} in a row",
        times(profile.restarts),
        times(u64::from(profile.failures))
    )));
    Line::from(spans)
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// What keeps the files from being in force, or hooks from being called.
fn wrong(profile: &Profile) -> Option<String> {
    let hooks = profile.hooks_off.iter().map(|off| format!("{} is off: {}", off.hook, off.reason));
    let all: Vec<String> = profile.trouble.iter().cloned().chain(hooks).collect();
    if all.is_empty() {
        return profile.changed.then(|| "the files differ from what runs".to_owned());
    }
    Some(all.join("; "))
}

/// How a process ended.
fn last_exit(exit: &Exit) -> String {
    let how = match (exit.code, &exit.signal) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown".to_owned(),
    };
    let oom = if exit.oom { ", out of memory" } else { "" };
    let core = if exit.core { ", core dumped" } else { "" };
    format!("{how}{core}{oom} after {}", text::span(exit.uptime))
}

fn figures(profile: &Profile, usage: &Usage, width: u16, palette: Palette) -> [Line<'static>; 2] {
    let cpu = profile.cpu_percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent:.1}%"));
    let memory = profile.memory_bytes.map_or_else(|| "-".to_owned(), text::bytes);
    let width = usize::from(width.saturating_sub(34)).min(60);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sample came from a u64")]
    let peak = usage.memory.peak() as u64;
    let line = |what: &'static str, now: String, bars: String, peak: String| {
        Line::from(vec![
            Span::styled(format!("{what:<5}"), palette.quiet()),
            Span::raw(format!("{now:>7} ")),
            Span::styled(bars, palette.busy()),
            Span::styled(format!(" 5m peak {peak}"), palette.quiet()),
        ])
    };
    let scale = table::scale_of_cpu(usage.cpu.peak());
    [
        line("cpu", cpu, text::sparkline(&usage.cpu.bars(width), scale), format!("{:.1}%", usage.cpu.peak())),
        line(
            "mem",
            memory,
            text::sparkline(&usage.memory.bars(width), usage.memory.peak()),
            text::bytes(peak),
        ),
    ]
}

fn named(name: &'static str, text: String, palette: Palette) -> Line<'static> {
    Line::from(vec![Span::styled(format!("{name:<5}"), palette.quiet()), Span::raw(text)])
}

fn history(frame: &mut Frame<'_>, area: Rect, model: &Model, palette: Palette, hint: &str) {
    let block = titled(&format!("history, UTC{hint}"), palette);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let lines: Vec<Line<'_>> = match model.history() {
        None => vec![Line::styled("asking ...", palette.quiet())],
        Some(history) if history.transitions.is_empty() => {
            vec![Line::styled("nothing has happened yet", palette.quiet())]
        }
        Some(history) => {
            let count = usize::from(inner.height);
            let from = history.transitions.len().saturating_sub(count);
            let line = |one: &crate::control::api::Transition| {
                Line::from(vec![
                    Span::styled(format!("{} ", text::moment(&one.at)), palette.quiet()),
                    Span::raw(text::clean(&format!("{} → {}", one.from, one.to))),
                    Span::styled(text::clean(&format!("  {}", one.reason)), palette.quiet()),
                ])
            };
            history.transitions.iter().skip(from).map(line).collect()
        }
    };
    frame.render_widget(Paragraph::new(lines), inner);
}

fn output(frame: &mut Frame<'_>, area: Rect, model: &Model, palette: Palette, hint: &str) {
    let block = titled(&format!("output{hint}"), palette);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let lines = model.output().map(|tail| tail.last(usize::from(inner.height)));
    let paragraph = match lines {
        None => Paragraph::new(Line::styled("asking ...", palette.quiet())),
        Some(lines) if lines.is_empty() => Paragraph::new(Line::styled("nothing yet", palette.quiet())),
        Some(lines) => {
            // A long line is continued below: the newest is to be seen, so the oldest give way.
            let folded: Vec<String> = lines.iter().flat_map(|line| text::folded(line, inner.width)).collect();
            let above = folded.len().saturating_sub(usize::from(inner.height));
            Paragraph::new(folded.into_iter().skip(above).map(Line::raw).collect::<Vec<_>>())
        }
    };
    frame.render_widget(paragraph, inner);
}

fn titled(title: &str, palette: Palette) -> Block<'static> {
    Block::new().borders(Borders::TOP).border_style(palette.quiet()).title(format!(" {title} "))
}
