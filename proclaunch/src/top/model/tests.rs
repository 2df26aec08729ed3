//! What keys and news do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::*;
use crate::top::fixture::{in_backoff, profile, profiles, standing};

fn fleet(names: &[&str]) -> Model {
    let mut model = Model::default();
    model.fit(10);
    model.heed(news(names.iter().map(|name| profile(name)).collect()));
    model
}

fn news(all: Vec<Profile>) -> News {
    News::Profiles(Ok(profiles(all)))
}

fn press(model: &mut Model, keys: &str) -> Vec<Wish> {
    let code = |c| match c {
        '\n' => KeyCode::Enter,
        '\t' => KeyCode::Tab,
        '\u{1b}' => KeyCode::Esc,
        '\u{8}' => KeyCode::Backspace,
        '↓' => KeyCode::Down,
        '↑' => KeyCode::Up,
        c => KeyCode::Char(c),
    };
    keys.chars().filter_map(|c| model.press(KeyEvent::new(code(c), KeyModifiers::NONE))).collect()
}

fn seen(model: &Model) -> Vec<&str> {
    model.seen().map(|profile| profile.name.as_str()).collect()
}

fn selected(model: &Model) -> &str {
    &model.selected().unwrap().name
}

#[test]
fn an_order_is_given_for_what_was_asked_about_and_only_after_yes() {
    for (key, order) in [('s', Order::Start), ('x', Order::Stop), ('r', Order::Restart)] {
        let mut model = fleet(&["a", "b"]);
        assert_eq!(press(&mut model, &format!("↓{key}")), []);
        assert_eq!(model.mode, Mode::Confirm("b".to_owned(), order));
        assert_eq!(press(&mut model, "zs\n ↓"), [], "no other key is a yes");
        // The list changes under the question.
        model.heed(news(vec![profile("a"), profile("aa"), profile("b")]));
        assert_eq!(press(&mut model, "y"), [Wish::Order("b".to_owned(), order)]);
        assert_eq!(model.under_way(), [("b".to_owned(), order)]);
        model.heed(News::Ordered("b".to_owned(), order, Ok(())));
        assert!(model.under_way().is_empty());
        assert_eq!(model.notice.as_ref().unwrap().text, format!("{order} b: done"));
    }
    for no in ["n", "N", "\u{1b}", "q"] {
        let mut model = fleet(&["a"]);
        assert_eq!(press(&mut model, &format!("x{no}y")), []);
        assert_eq!(model.mode, Mode::Browse);
    }
}

#[test]
fn an_order_that_fails_says_why_for_a_while() {
    let mut model = fleet(&["a"]);
    press(&mut model, "sy");
    let refused = Err(Trouble::Refused("it is held: no run".to_owned()));
    model.heed(News::Ordered("a".to_owned(), Order::Start, refused));
    let notice = model.notice.clone().unwrap();
    assert_eq!((notice.text.as_str(), notice.is_bad), ("start a: it is held: no run", true));
    for _ in 0..NOTICE_STAYS {
        model.heed(news(vec![profile("a")]));
    }
    assert_eq!(model.notice, None);
}

#[test]
fn nothing_is_ordered_of_nobody_or_without_connection() {
    let mut model = Model::default();
    assert_eq!(press(&mut model, "xy"), []);
    let mut model = fleet(&["a"]);
    model.heed(News::Profiles(Err(Trouble::Away("gone".to_owned()))));
    assert_eq!(press(&mut model, "xy"), []);
    assert!(model.notice.as_ref().unwrap().text.contains("not connected"));
    assert_eq!(seen(&model), ["a"], "what was known is still shown");
    model.heed(news(vec![profile("a")]));
    assert_eq!(model.away, None);
}

#[test]
fn the_selection_goes_with_its_profile() {
    let mut model = fleet(&["a", "b", "c"]);
    press(&mut model, "↓");
    model.heed(news(["0", "a", "b", "c"].map(profile).to_vec()));
    assert_eq!((selected(&model), model.place()), ("b", Some(2)));
    model.heed(news(["0", "a", "c"].map(profile).to_vec()));
    assert_eq!(selected(&model), "c", "its place is taken by the next");
    model.heed(news(vec![profile("0")]));
    assert_eq!(selected(&model), "0");
    model.heed(news(Vec::new()));
    assert!(model.selected().is_none() && model.watched().is_none());
}

#[test]
fn searching_shows_what_is_meant_while_it_is_typed() {
    let mut model = fleet(&["api", "web@1", "web@2"]);
    press(&mut model, "/WEB");
    assert_eq!(seen(&model), ["web@1", "web@2"]);
    press(&mut model, "@2");
    assert_eq!((seen(&model), model.counts()), (vec!["web@2"], (1, 3)));
    press(&mut model, "\u{8}1\n");
    assert_eq!((seen(&model), &model.mode), (vec!["web@1"], &Mode::Browse));
    press(&mut model, "/x\u{1b}");
    assert_eq!(seen(&model), ["web@1"], "Esc leaves it as it was");
    press(&mut model, "\u{1b}");
    assert_eq!(seen(&model).len(), 3);
    press(&mut model, "/q");
    assert!(seen(&model).is_empty() && model.selected().is_none());
    press(&mut model, "\u{8}\u{8}");
    assert_eq!((model.mode.clone(), seen(&model).len()), (Mode::Browse, 3));
    model.heed(news(vec![profile("a"), in_backoff("b")]));
    press(&mut model, "/backoff b\n");
    assert_eq!(seen(&model), ["b"]);
}

#[test]
fn columns_sort_and_sort_the_other_way_round() {
    let mut model = Model::default();
    model.fit(10);
    let mut busy = profile("b");
    (busy.cpu_percent, busy.memory_bytes, busy.uptime, busy.restarts) = (Some(99.0), Some(1), Some(1.0), 9);
    let all = vec![profile("a"), busy, in_backoff("c"), standing("d", "gave_up")];
    model.heed(news(all));
    for (keys, order) in [
        ("P", ["b", "a", "d", "c"]),
        ("P", ["c", "d", "a", "b"]),
        ("M", ["a", "d", "b", "c"]),
        ("T", ["a", "d", "b", "c"]),
        ("R", ["c", "b", "a", "d"]),
        ("S", ["d", "c", "a", "b"]),
        ("N", ["a", "b", "c", "d"]),
        ("I", ["d", "c", "b", "a"]),
        (">", ["d", "c", "a", "b"]),
        ("<", ["a", "b", "c", "d"]),
        ("<", ["a", "d", "b", "c"]),
    ] {
        press(&mut model, keys);
        assert_eq!(seen(&model), order, "{keys}");
    }
}

#[test]
fn five_hundred_profiles_scroll() {
    let names: Vec<String> = (0..500).map(|number| format!("p{number:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut model = fleet(&names);
    let mut check = |keys: &str, first: &str, chosen: &str| {
        press(&mut model, keys);
        assert_eq!((seen(&model)[0], selected(&model), seen(&model).len()), (first, chosen, 10), "{keys}");
    };
    check("↑", "p000", "p000");
    check("↓↓", "p000", "p002");
    check("G", "p490", "p499");
    check("↓", "p490", "p499");
    check("↑", "p490", "p498");
    check("g", "p000", "p000");
    check("  ", "p009", "p018");
    model.fit(5);
    assert_eq!((seen(&model)[0], seen(&model).len()), ("p014", 5));
    model.fit(0);
    model.fit(10);
    assert!(seen(&model).contains(&"p018"));
}

#[test]
fn history_and_output_are_those_of_the_selected() {
    let mut model = fleet(&["a", "b"]);
    assert_eq!(model.watched(), None);
    press(&mut model, "\n");
    assert_eq!(model.watched(), Some("a"));
    model.heed(News::OutputBegins("a".to_owned()));
    model.heed(News::Output("a".to_owned(), b"one\n".to_vec()));
    model.heed(News::Output("b".to_owned(), b"late\n".to_vec()));
    model.heed(News::History("a".to_owned(), crate::top::fixture::history()));
    assert_eq!(model.output().unwrap().last(9), ["one"]);
    assert!(model.history().is_some());
    press(&mut model, "↓");
    assert_eq!(model.watched(), Some("b"));
    assert!(model.output().is_none() && model.history().is_none());
    press(&mut model, "\u{1b}");
    assert_eq!(model.watched(), None);
}

#[test]
fn quitting_is_q_and_ctrl_c_even_in_a_question() {
    let mut model = fleet(&["a"]);
    assert_eq!(press(&mut model, "q"), [Wish::Quit]);
    for keys in ["", "/", "x", "?"] {
        press(&mut model, keys);
        let end = model.press(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL));
        assert_eq!(end, Some(Wish::Quit), "{keys}");
    }
    assert_eq!(press(&mut fleet(&["a"]), "/q?q"), [], "in a search they are letters");
    assert_eq!(press(&mut fleet(&["a"]), "?q"), [], "help is left by any key");
}

#[test]
fn what_a_gone_profile_used_is_forgotten() {
    let mut model = fleet(&["a", "b"]);
    assert!(model.usage("b").is_some());
    model.heed(news(vec![profile("a")]));
    assert!(model.usage("b").is_none());
    assert!(model.usage("a").unwrap().cpu.peak() > 12.0);
}
