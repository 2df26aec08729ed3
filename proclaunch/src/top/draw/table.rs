//! The table of profiles. Only rows that are seen are made, so that its cost does not grow with the fleet.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::Style;
use ratatui::text::Text;
use ratatui::widgets::{Cell, Row, Table};

use super::palette::Palette;
use super::text;
use crate::control::api::Profile;
use crate::top::model::{Model, Sort, Usage};

/// A column that is shown where the screen is at least so wide.
struct Column {
    head: &'static str,
    width: u16,
    from: u16,
    is_right: bool,
    cell: fn(&Profile, Option<&Usage>, Palette) -> (String, Style),
}

/// How many bars of a figure stand in the table.
const BARS: u16 = 10;
const NAME_MIN: u16 = 8;
const NAME_MAX: u16 = 32;
/// Less than this of "why" says nothing.
const WHY_MIN: u16 = 10;

const COLUMNS: [Column; 9] = [
    Column { head: "STATE", width: 9, from: 0, is_right: false, cell: state },
    Column { head: "HEALTH", width: 9, from: 90, is_right: false, cell: health },
    Column { head: "PID", width: 7, from: 60, is_right: true, cell: pid },
    Column { head: "UPTIME", width: 7, from: 40, is_right: true, cell: uptime },
    Column { head: "RST", width: 4, from: 50, is_right: true, cell: restarts },
    Column { head: "CPU%", width: 6, from: 30, is_right: true, cell: cpu },
    Column { head: "", width: BARS, from: 110, is_right: false, cell: cpu_bars },
    Column { head: "MEM", width: 6, from: 50, is_right: true, cell: memory },
    Column { head: "", width: BARS, from: 130, is_right: false, cell: memory_bars },
];

/// Draws it.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, model: &Model, palette: Palette) {
    let columns: Vec<&Column> = COLUMNS.iter().filter(|column| area.width >= column.from).collect();
    let fixed: u16 = columns.iter().map(|column| column.width + 1).sum();
    let rest = area.width.saturating_sub(fixed);
    let longest = model.profiles().iter().map(|profile| profile.name.len()).max().unwrap_or(0);
    let longest = u16::try_from(longest).unwrap_or(u16::MAX).clamp(NAME_MIN, NAME_MAX);
    let name = if rest > longest + WHY_MIN { longest } else { rest };
    let why = rest.saturating_sub(name + 1);
    let widths = [name].into_iter().chain(columns.iter().map(|column| column.width)).chain([why]);

    let style = |head: &str| if head == model.sort.column() { palette.chosen() } else { palette.strong() };
    let head = std::iter::once(Cell::new(Sort::Name.column()).style(style(Sort::Name.column())))
        .chain(columns.iter().map(|column| aligned(column, column.head.to_owned(), style(column.head))))
        .chain([Cell::new("WHY").style(palette.strong())]);

    let rows = model.seen().map(|profile| {
        let is_selected = model.selected().is_some_and(|selected| selected.name == profile.name);
        let usage = model.usage(&profile.name);
        let cells = columns.iter().map(|column| {
            let (text, style) = (column.cell)(profile, usage, palette);
            aligned(column, text, style)
        });
        let row = Row::new(
            std::iter::once(Cell::new(shortened(&text::clean(&profile.name), name)))
                .chain(cells)
                .chain([Cell::new(reason(profile)).style(palette.quiet())]),
        );
        if is_selected { row.style(palette.chosen()) } else { row }
    });
    let table = Table::new(rows, widths.map(Constraint::Length)).header(Row::new(head)).column_spacing(1);
    frame.render_widget(table, area);
}

fn aligned(column: &Column, text: String, style: Style) -> Cell<'static> {
    let text = Text::raw(text);
    Cell::new(if column.is_right { text.right_aligned() } else { text }).style(style)
}

/// A name that is too long keeps its end too: it is the end in which instances differ.
fn shortened(name: &str, width: u16) -> String {
    let width = usize::from(width);
    let count = name.chars().count();
    if count <= width || width < 4 {
        return name.to_owned();
    }
    let end = (width - 1) / 2;
    let start: String = name.chars().take(width - 1 - end).collect();
    let end: String = name.chars().skip(count - end).collect();
    format!("{start}…{end}")
}

/// What a reader wants to know first of a row: what is wrong with its files, else why it is as it is.
fn reason(profile: &Profile) -> String {
    let why = match &profile.trouble {
        Some(trouble) => trouble,
        None if !profile.why.is_empty() => &profile.why,
        None => &profile.reason,
    };
    let changed = if profile.changed { "(changed) " } else { "" };
    format!("{changed}{}", text::clean(why))
}

fn state(profile: &Profile, _: Option<&Usage>, palette: Palette) -> (String, Style) {
    if profile.state == "stopping" {
        return ("stopping".to_owned(), palette.busy());
    }
    (text::clean(&profile.standing).replace('_', " "), palette.standing(profile))
}

fn health(profile: &Profile, _: Option<&Usage>, palette: Palette) -> (String, Style) {
    // Nobody asks a profile without checks, or without a process.
    let health = if profile.has_checks && profile.pid.is_some() { profile.health.as_str() } else { "-" };
    (text::clean(health), palette.health(health))
}

fn pid(profile: &Profile, _: Option<&Usage>, palette: Palette) -> (String, Style) {
    or_dash(profile.pid.map(|pid| pid.to_string()), palette)
}

fn uptime(profile: &Profile, _: Option<&Usage>, palette: Palette) -> (String, Style) {
    or_dash(profile.uptime.map(text::span), palette)
}

fn restarts(profile: &Profile, _: Option<&Usage>, palette: Palette) -> (String, Style) {
    let style = if profile.failures > 0 { palette.careful() } else { Style::new() };
    (profile.restarts.to_string(), style)
}

fn cpu(profile: &Profile, _: Option<&Usage>, palette: Palette) -> (String, Style) {
    or_dash(profile.cpu_percent.map(|percent| format!("{percent:.1}")), palette)
}

fn cpu_bars(_: &Profile, usage: Option<&Usage>, palette: Palette) -> (String, Style) {
    let bars = usage.map(|usage| usage.cpu.bars(usize::from(BARS))).unwrap_or_default();
    (text::sparkline(&bars, usage.map_or(0.0, |usage| scale_of_cpu(usage.cpu.peak()))), palette.busy())
}

fn memory(profile: &Profile, _: Option<&Usage>, palette: Palette) -> (String, Style) {
    or_dash(profile.memory_bytes.map(text::bytes), palette)
}

fn memory_bars(_: &Profile, usage: Option<&Usage>, palette: Palette) -> (String, Style) {
    let bars = usage.map(|usage| usage.memory.bars(usize::from(BARS))).unwrap_or_default();
    (text::sparkline(&bars, usage.map_or(0.0, |usage| usage.memory.peak())), palette.busy())
}

fn or_dash(text: Option<String>, palette: Palette) -> (String, Style) {
    text.map_or_else(|| ("-".to_owned(), palette.quiet()), |text| (text, Style::new()))
}

/// The greatest bar of CPU: a service that hardly does anything is not to look busy.
pub(super) fn scale_of_cpu(peak: f64) -> f64 {
    peak.max(10.0)
}
