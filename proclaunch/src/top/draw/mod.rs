//! How the dashboard looks: from what it knows to cells, and nothing else.

mod detail;
mod help;
mod palette;
mod table;
#[cfg(test)]
mod tests;
mod text;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

pub use palette::Palette;

use super::model::{Mode, Model, trouble};

/// The parts of a screen, from top to bottom.
struct Parts {
    head: Rect,
    table: Rect,
    detail: Rect,
    foot: Rect,
}

fn parts(area: Rect, model: &Model) -> Parts {
    let detail = if model.has_detail { area.height.saturating_sub(2) * 3 / 5 } else { 0 };
    let [head, table, detail, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(detail),
        Constraint::Length(1),
    ])
    .areas(area);
    Parts { head, table, detail, foot }
}

/// How many profiles can be seen on a screen of this size.
pub fn rows(area: Rect, model: &Model) -> usize {
    usize::from(parts(area, model).table.height.saturating_sub(1))
}

/// Draws everything.
pub fn screen(frame: &mut Frame<'_>, model: &Model, palette: Palette) {
    let parts = parts(frame.area(), model);
    frame.render_widget(head(model, palette), parts.head);
    table::draw(frame, parts.table, model, palette);
    if model.has_detail {
        detail::draw(frame, parts.detail, model, palette);
    }
    frame.render_widget(foot(model, palette), parts.foot);
    if model.mode == Mode::Help {
        help::draw(frame, frame.area(), palette);
    }
}

/// How the fleet stands; and whether this is how it stood.
fn head(model: &Model, palette: Palette) -> Line<'static> {
    let profiles = model.profiles();
    let count = |is: fn(&str) -> bool| profiles.iter().filter(|one| is(&one.standing)).count();
    let mut spans = vec![Span::styled("ProcLaunch", palette.strong())];
    spans.push(Span::raw(format!("  {} profiles", profiles.len())));
    let mut add = |number: usize, what: &str, style| {
        if number > 0 {
            spans.push(Span::raw(", "));
            spans.push(Span::styled(format!("{number} {what}"), style));
        }
    };
    add(count(|standing| standing == "serving"), "serving", palette.good());
    add(count(|standing| standing == "starting"), "starting", palette.busy());
    add(count(|standing| standing == "backoff"), "in backoff", palette.careful());
    add(profiles.iter().filter(|one| trouble(one) >= 4).count(), "in trouble", palette.bad());
    add(count(|standing| matches!(standing, "down" | "stopped" | "done")), "down or done", palette.quiet());
    let (shown, all) = model.counts();
    if shown < all {
        spans.push(Span::raw(format!("  ({shown} shown)")));
    }
    if model.supervising == "draining" {
        spans.push(Span::styled("  draining", palette.careful()));
    }
    if model.away.is_some() {
        spans.push(Span::styled("  connecting again ...", palette.bad()));
    }
    Line::from(spans)
}

/// What is asked, what is said, or what keys there are.
fn foot(model: &Model, palette: Palette) -> Line<'static> {
    match &model.mode {
        Mode::Confirm(name, order) => {
            let name = text::clean(name);
            return Line::styled(format!("{order} {name}?  y: yes  n: no"), palette.careful());
        }
        Mode::Filter(_) => return Line::raw(format!("/{}_", text::clean(&model.filter))),
        Mode::Browse | Mode::Help => {}
    }
    if let Some(why) = &model.away {
        return Line::styled(format!("not connected: {}", text::clean(why)), palette.bad());
    }
    if let Some(notice) = &model.notice {
        let style = if notice.is_bad { palette.bad() } else { palette.good() };
        return Line::styled(text::clean(&notice.text), style);
    }
    if let Some((name, order)) = model.under_way().last() {
        let others = model.under_way().len() - 1;
        let others = if others > 0 { format!(" (and {others} more)") } else { String::new() };
        return Line::styled(format!("{order} {} ...{others}", text::clean(name)), palette.busy());
    }
    let filter = match model.filter.as_str() {
        "" => String::new(),
        filter => format!("/{}  ", text::clean(filter)),
    };
    Line::from(vec![
        Span::raw(filter),
        Span::styled(
            "q quit  ? keys  / search  < > sort  Enter detail  s start  x stop  r restart",
            palette.quiet(),
        ),
    ])
}
