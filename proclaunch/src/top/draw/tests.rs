//! What stands on the screen.

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Color, Modifier};

use super::*;
use crate::control::api::Profile;
use crate::top::fixture::{history, in_backoff, profile, profiles, standing};
use crate::top::model::News;
use crate::top::source::{Order, Trouble};

const COLORS: Palette = Palette { has_colors: true };

fn model(all: Vec<Profile>) -> Model {
    let mut model = Model::default();
    model.heed(News::Profiles(Ok(profiles(all))));
    model
}

fn press(model: &mut Model, code: KeyCode) {
    assert_eq!(model.press(KeyEvent::new(code, KeyModifiers::NONE)), None);
}

fn drawn(model: &mut Model, (width, height): (u16, u16), palette: Palette) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    model.fit(rows(Rect::new(0, 0, width, height), model));
    terminal.draw(|frame| screen(frame, model, palette)).unwrap();
    terminal.backend().buffer().clone()
}

fn lines(buffer: &Buffer) -> Vec<String> {
    let width = usize::from(buffer.area.width);
    let symbols: Vec<&str> = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
    symbols.chunks(width).map(|line| line.concat().trim_end().to_owned()).collect()
}

#[track_caller]
fn shows(model: &mut Model, size: (u16, u16), expect: &str) {
    let found = lines(&drawn(model, size, COLORS)).join("\n");
    assert_eq!(found.trim_end(), expect.trim_end(), "\n{found}\n");
}

#[test]
fn the_table_says_how_each_profile_stands() {
    let mut down = standing("cron", "down");
    (down.state, down.pid, down.uptime, down.has_checks) = ("stopped".to_owned(), None, None, false);
    (down.cpu_percent, down.memory_bytes, down.why) = (None, None, "down by its own `down` file".to_owned());
    let mut model = model(vec![in_backoff("api"), down, profile("web")]);
    shows(&mut model, (110, 8), include_str!("snapshots/table.txt"));
    shows(&mut model, (50, 6), include_str!("snapshots/narrow.txt"));
}

#[test]
fn the_detail_has_facts_history_and_output() {
    let mut model = model(vec![in_backoff("api"), profile("web")]);
    press(&mut model, KeyCode::Enter);
    model.heed(News::History("api".to_owned(), history()));
    model.heed(News::OutputBegins("api".to_owned()));
    model.heed(News::Output("api".to_owned(), b"listening\n\x1b[31mpanic\x1b[0m: no database\n".to_vec()));
    shows(&mut model, (120, 24), include_str!("snapshots/wide.txt"));
    shows(&mut model, (80, 24), include_str!("snapshots/output.txt"));
    press(&mut model, KeyCode::Tab);
    shows(&mut model, (80, 24), include_str!("snapshots/history.txt"));
}

#[test]
fn the_last_line_asks_and_says() {
    let mut model = model(vec![profile("web")]);
    let foot = |model: &mut Model| lines(&drawn(model, (80, 6), COLORS)).pop().unwrap();
    press(&mut model, KeyCode::Char('x'));
    assert_eq!(foot(&mut model), "stop web?  y: yes  n: no");
    assert!(model.press(KeyEvent::new(KeyCode::Char('y'), KeyModifiers::NONE)).is_some());
    assert_eq!(foot(&mut model), "stop web ...");
    let why = Trouble::Refused("it \u{1b}[2J is held".to_owned());
    model.heed(News::Ordered("web".to_owned(), Order::Stop, Err(why)));
    assert_eq!(foot(&mut model), "stop web: it \\u{1b}[2J is held");
    model.heed(News::Profiles(Err(Trouble::Away("nobody listens".to_owned()))));
    assert_eq!(foot(&mut model), "not connected: nobody listens");
    let head = lines(&drawn(&mut model, (80, 6), COLORS)).remove(0);
    assert!(head.ends_with("connecting again ..."), "{head}");
}

#[test]
fn trouble_is_red_and_the_selected_row_is_reversed() {
    let mut model = model(vec![profile("a"), standing("b", "gave_up"), in_backoff("c")]);
    let buffer = drawn(&mut model, (100, 8), COLORS);
    let style = |row: u16| buffer[(9, row + 2)].style();
    assert_eq!(style(0).fg, Some(Color::Green));
    assert!(style(0).add_modifier.contains(Modifier::REVERSED));
    assert_eq!(style(1).fg, Some(Color::Red));
    assert_eq!(style(2).fg, Some(Color::Yellow));
    let plain = drawn(&mut model, (100, 8), Palette { has_colors: false });
    assert!(plain.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    assert!(plain[(9, 3)].modifier.contains(Modifier::BOLD), "without colours trouble is bold");
}

#[test]
fn any_size_can_be_drawn() {
    let name = "n".repeat(128);
    let mut model = model(vec![profile(&name), in_backoff("b")]);
    press(&mut model, KeyCode::Enter);
    model.heed(News::OutputBegins("b".to_owned()));
    for help in [false, true] {
        if help {
            press(&mut model, KeyCode::Char('?'));
        }
        for width in [1, 2, 3, 10, 29, 30, 59, 109, 110, 300] {
            for height in [1, 2, 3, 5, 9, 24, 80] {
                drawn(&mut model, (width, height), COLORS);
            }
        }
    }
}

#[test]
fn five_hundred_profiles_cost_no_more_than_the_rows_that_are_seen() {
    let many = |count: usize| model((0..count).map(|number| profile(&format!("p{number:04}"))).collect());
    let text = |count: usize| lines(&drawn(&mut many(count), (120, 30), COLORS));
    let (few, all) = (text(40), text(500));
    assert_eq!(few[1..], all[1..]);
    assert!(all[0].starts_with("ProcLaunch  500 profiles, 500 serving"), "{}", all[0]);
}

#[test]
fn nothing_from_outside_reaches_the_terminal_as_it_is() {
    let evil = "\u{1b}]0;evil\u{7}\n\u{202e}";
    let mut bad = in_backoff("a");
    (bad.why, bad.reason, bad.standing) = (evil.to_owned(), evil.to_owned(), evil.to_owned());
    (bad.trouble, bad.phase, bad.health) = (Some(evil.to_owned()), evil.to_owned(), evil.to_owned());
    bad.next = Some(crate::control::api::Next { what: evil.to_owned(), after: 1.0 });
    bad.has_checks = true;
    let mut model = model(vec![bad]);
    press(&mut model, KeyCode::Enter);
    let mut past = history();
    past.transitions[0].reason = evil.to_owned();
    model.heed(News::History("a".to_owned(), past));
    model.heed(News::OutputBegins("a".to_owned()));
    model.heed(News::Output("a".to_owned(), evil.as_bytes().to_vec()));
    let text = lines(&drawn(&mut model, (160, 40), COLORS)).concat();
    assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text}");
}
