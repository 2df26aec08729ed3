//! `logs` and `events`: what comes as it comes, across connections that break, until nobody reads.

use std::io::{BufRead as _, BufReader};
use std::sync::atomic::{AtomicUsize, Ordering};

use proclaunch::control::api::Event;
use proclaunch_tests::wait;

use crate::fake::{Answer, Fake, printed, serving, wrong};

const TEXT: &str = "text/plain";
const EVENTS: &str = "text/event-stream";

fn bytes(pieces: &[&str]) -> Vec<Vec<u8>> {
    pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect()
}

/// Pieces of output with their places, the first of which is this; and the last line, if the body has an end.
fn placed(offset: usize, pieces: &[&[u8]], ends: bool) -> Vec<Vec<u8>> {
    let mut all = vec![format!("7-8:{offset} 0\n").into_bytes()];
    let mut at = offset;
    for piece in pieces {
        all.push([format!("7-8:{at} {}\n", piece.len()).as_bytes(), piece].concat());
        at += piece.len();
    }
    all.extend(ends.then(|| b"end\n".to_vec()));
    all
}

#[test]
fn logs_of_one_are_its_bytes_and_of_several_whole_lines_with_names() {
    let fake = Fake::of(vec![serving("db"), serving("web-1")], |asked| {
        let (path, query) = asked.line.split_once('?').unwrap();
        assert_eq!(query, "lines=100&positions=true", "{asked:?}");
        match path {
            "GET /v1/profiles/db/log" => Answer::Whole(TEXT, placed(0, &[b"one\ntw", b"o\n\xff"], true)),
            "GET /v1/profiles/web-1/log" => Answer::Whole(TEXT, placed(0, &[b"\x1b[31mred\x1b[0m\n"], true)),
            other => panic!("nobody asks for {other}"),
        }
    });
    let output = fake.run(&["logs", "db"]);
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b"one\ntwo\n\xff"[..]));
    let output = fake.run(&["logs", "*"]);
    assert_eq!(
        output.stdout, b"db    | one\ndb    | two\ndb    | \xff\nweb-1 | \x1b[31mred\x1b[0m\n",
        "{output:?}"
    );
    let (out, _) = fake.printed(&["logs", "db", "--json"], 0);
    assert_eq!(out.lines().next(), Some("{\"name\":\"db\",\"line\":\"one\"}"));
    let (_, err) = fake.printed(&["logs", "dbx"], 4);
    assert!(err.contains("did you mean `db`?"), "{err}");
}

#[test]
fn logs_ask_for_what_was_typed() {
    let fake = Fake::of(vec![serving("db")], |_| Answer::Whole(TEXT, bytes(&["end\n"])));
    fake.printed(&["logs", "db", "-n", "5"], 0);
    fake.printed(&["logs", "db", "--since", "10m"], 0);
    fake.printed(&["logs", "db", "--since", "1.5", "-n", "7"], 0);
    fake.printed(&["logs", "db", "--since", "yesterday"], 2);
    let path = "GET /v1/profiles/db/log";
    let asked =
        ["lines=5", "since=600", "lines=7&since=1.5"].map(|query| format!("{path}?{query}&positions=true"));
    assert_eq!(fake.seen(), asked);
}

#[test]
fn logs_that_are_followed_go_on_at_the_next_byte_after_a_break_and_end_when_nobody_reads() {
    let count = AtomicUsize::new(0);
    let fake = Fake::of(vec![serving("db")], move |asked| {
        let path = "GET /v1/profiles/db/log?";
        let query = asked.line.strip_prefix(path).unwrap();
        match count.fetch_add(1, Ordering::SeqCst) {
            0 => {
                assert_eq!(query, "lines=100&follow=true&positions=true");
                let mut pieces = placed(5, &[b"one\n", b"tw"], false);
                // It breaks in the midst of a piece.
                pieces.push(b"7-8:11 100\no".to_vec());
                Answer::Torn(TEXT, pieces)
            }
            1 => {
                assert_eq!(query, "follow=true&from=7-8%3A12&positions=true");
                Answer::Whole(TEXT, placed(12, &[b"\nthr"], false))
            }
            2 => wrong(503, "the supervisor ends", None),
            3 => {
                assert_eq!(query, "follow=true&from=7-8%3A16&positions=true");
                Answer::Torn(TEXT, placed(16, &[b"ee\n"], false))
            }
            _ => {
                assert_eq!(query, "follow=true&from=7-8%3A19&positions=true");
                Answer::Held(TEXT, bytes(&["missing\n9-9:0 5\nnine\n"]))
            }
        }
    });
    let mut child = fake.spawn(&["logs", "-f", "db"]);
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    for _ in 0..4 {
        out.read_line(&mut text).unwrap();
    }
    assert_eq!(text, "one\ntwo\nthree\nnine\n");
    drop(out);
    let (_, err) = printed(&child.wait_with_output().unwrap(), 0);
    assert_eq!(err.matches("lines of db are missing here").count(), 1, "{err}");
    assert_eq!(err.lines().count(), 1, "nothing was missing before: {err}");
}

#[test]
fn logs_that_are_not_followed_go_on_too_and_a_strange_answer_ends_them() {
    let count = AtomicUsize::new(0);
    let fake = Fake::of(vec![serving("db")], move |_| match count.fetch_add(1, Ordering::SeqCst) {
        // Without its last line it is not whole, although HTTP's end is there.
        0 => Answer::Whole(TEXT, placed(0, &[b"one\n"], false)),
        1 => Answer::Whole(TEXT, placed(4, &[b"two\n"], true)),
        _ => Answer::Whole(TEXT, bytes(&["what is this?\n"])),
    });
    assert_eq!(fake.printed(&["logs", "db"], 0).0, "one\ntwo\n");
    let (_, err) = fake.printed(&["logs", "db"], 111);
    assert!(err.contains("a piece of output has no place"), "{err}");
}

fn event(serial: u32) -> String {
    let event = Event {
        id: format!("abc-{serial}"),
        time: "2026-11-23T14:31:05.123Z".to_owned(),
        profile: Some("web".to_owned()),
        kind: "transition".to_owned(),
        level: "info".to_owned(),
        from: Some("starting".to_owned()),
        to: Some("running".to_owned()),
        reason: String::new(),
        pid: Some(4242),
        exit: None,
    };
    let data = serde_json::to_string(&event).unwrap();
    format!("id: abc-{serial}\nevent: transition\ndata: {data}\n\n")
}

#[test]
fn events_are_lines_and_end_with_what_is_kept() {
    let fake = Fake::new(|asked| {
        assert_eq!(asked.line, "GET /v1/events?profile=web%2A&profile=db");
        Answer::Whole(EVENTS, bytes(&[&event(1), ": heartbeat\n\n", &event(2)[..30], &event(2)[30..]]))
    });
    let words = ["events", "--profile", "web*", "--profile", "db"];
    let (out, _) = fake.printed(&words, 0);
    assert_eq!(out, "2026-11-23T14:31:05.123Z INFO  web starting -> running pid 4242\n".repeat(2));
    let (out, _) = fake.printed(&[&words[..], &["--json"]].concat(), 0);
    assert_eq!(out.lines().count(), 2, "{out}");
    let fake = Fake::new(|_| wrong(403, "you may not look", None));
    assert_eq!(fake.printed(&["events"], 111).1, "proclaunch: you may not look\n");
}

#[test]
fn events_go_on_after_the_last_one_seen() {
    let count = AtomicUsize::new(0);
    let fake = Fake::new(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::Torn(EVENTS, bytes(&[&event(1), &event(2), "id: abc-3\nda"])),
        1 => Answer::Break,
        2 => wrong(503, "the supervisor ends", None),
        3 => Answer::Whole(EVENTS, bytes(&[&event(3)])),
        _ => Answer::Held(EVENTS, bytes(&[&event(4)])),
    });
    let mut child = fake.spawn(&["events", "--follow", "--json"]);
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    for _ in 0..4 {
        out.read_line(&mut text).unwrap();
    }
    let ids: Vec<String> = text.lines().map(|line| serde_json::from_str::<Event>(line).unwrap().id).collect();
    assert_eq!(ids, ["abc-1", "abc-2", "abc-3", "abc-4"]);
    let last: Vec<Option<String>> = fake.asked().into_iter().map(|asked| asked.last).collect();
    let some = |id: &str| Some(id.to_owned());
    assert_eq!(last, [None, some("abc-2"), some("abc-2"), some("abc-2"), some("abc-3")]);
    drop(out);
    let code = wait::until(|| child.try_wait().unwrap()).expect("it ends when nobody reads");
    assert_eq!(code.code(), Some(0));
}
