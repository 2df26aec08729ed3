//! Readers against files that are written, rotated, cut and removed.

mod resumed;

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::super::convert::tests::{NOON, name};
use super::*;
use crate::logger::rotate;

/// The output of one profile, as a logger would keep it.
struct Output {
    temp: TempDir,
}

impl Output {
    fn new() -> Self {
        let output = Self { temp: TempDir::new().unwrap() };
        fs::create_dir_all(output.dir()).unwrap();
        output
    }

    fn dir(&self) -> PathBuf {
        self.temp.path().join("log/web")
    }

    fn write(&self, bytes: &[u8]) {
        let path = self.dir().join("current");
        let mut file = File::options().create(true).append(true).open(path).unwrap();
        file.write_all(bytes).unwrap();
    }

    fn rotate(&self, keep: u32) {
        rotate(&File::open(self.dir()).unwrap(), keep);
    }

    fn tail(&self, wanted: Wanted) -> Tail {
        Tail::new(self.temp.path(), &name("web"), wanted, NOON)
    }

    /// Everything that such a reader is given.
    fn all(&self, wanted: Wanted) -> String {
        drained(&mut self.tail(wanted))
    }
}

/// What there is at the moment.
fn drained(tail: &mut Tail) -> String {
    let mut all = Vec::new();
    while let Step::Piece(Piece { bytes, .. }) = tail.step() {
        assert!(bytes.len() <= CHUNK);
        all.extend_from_slice(&bytes);
    }
    String::from_utf8(all).unwrap()
}

fn last(lines: u64) -> Wanted {
    Wanted { lines: Some(lines), ..Wanted::default() }
}

const FOLLOW: Wanted = Wanted { lines: None, since: None, from: None, follow: true };

#[test]
fn lines_are_counted_across_rotations() {
    let output = Output::new();
    for text in ["one\ntwo\n", "three\n", "four\nfi"] {
        output.rotate_unless_new();
        output.write(text.as_bytes());
    }
    let all = "one\ntwo\nthree\nfour\nfi";
    assert_eq!(output.all(Wanted::default()), all);
    for (lines, begin) in [(0, 21), (1, 19), (2, 14), (3, 8), (4, 4), (5, 0), (6, 0), (u64::MAX, 0)] {
        assert_eq!(output.all(last(lines)), all[begin..], "{lines} lines");
    }
    output.write(b"ve\n");
    assert_eq!(output.all(last(1)), "five\n");
    assert_eq!(output.all(last(2)), "four\nfive\n");
}

impl Output {
    fn rotate_unless_new(&self) {
        if self.dir().join("current").exists() {
            self.rotate(9);
        }
    }
}

#[test]
fn a_line_that_is_longer_than_any_buffer_is_one() {
    let output = Output::new();
    let long = "x".repeat(3 * CHUNK + 17);
    output.write(format!("first\n{long}\nlast\n").as_bytes());
    assert_eq!(output.all(last(2)), format!("{long}\nlast\n"));
    assert_eq!(output.all(last(3)), format!("first\n{long}\nlast\n"));
}

#[test]
fn nothing_written_is_nothing_and_may_come() {
    let output = Output::new();
    assert_eq!(output.all(last(10)), "");
    let mut tail = output.tail(FOLLOW);
    assert!(matches!(tail.step(), Step::Nothing));
    output.write(b"hello\n");
    assert_eq!(drained(&mut tail), "hello\n");
    let nowhere = Tail::new(&output.temp.path().join("none"), &name("web"), FOLLOW, NOON).step();
    assert!(matches!(nowhere, Step::Nothing));
}

/// A line with the time of so many seconds before noon.
fn stamped(before: u32, text: &str) -> String {
    format!("2027-01-15T07:{:02}:{:02}.000Z {text}\n", 59 - before / 60, 59 - before % 60)
}

fn since(seconds: u64) -> Wanted {
    Wanted { since: Some(Duration::from_secs(seconds)), ..Wanted::default() }
}

/// Has it be written to so many seconds before noon.
fn touch(output: &Output, file: &str, before: u64) {
    let at = Duration::from_millis(NOON.wall.unsigned_abs()).saturating_sub(Duration::from_secs(before));
    let file = File::options().write(true).open(output.dir().join(file)).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + at).unwrap();
}

#[test]
fn since_is_exact_where_lines_have_times() {
    let output = Output::new();
    output.write((stamped(500, "a") + &stamped(400, "b")).as_bytes());
    output.rotate(5);
    output.write((stamped(300, "c") + &stamped(200, "d")).as_bytes());
    touch(&output, "current.1", 399);
    touch(&output, "current", 199);
    let all = [stamped(500, "a"), stamped(400, "b"), stamped(300, "c"), stamped(200, "d")];
    for (seconds, from) in [(1000, 0), (450, 1), (350, 2), (250, 3), (100, 4)] {
        assert_eq!(output.all(since(seconds)), all[from..].concat(), "{seconds} s");
    }
    let both = Wanted { lines: Some(1), ..since(450) };
    assert_eq!(output.all(both), all[3]);
    let both = Wanted { lines: Some(9), ..since(250) };
    assert_eq!(output.all(both), all[3]);
}

#[test]
fn since_is_never_less_than_asked_for_where_lines_have_no_times() {
    let output = Output::new();
    output.write(b"a\nb\n");
    output.rotate(5);
    output.write(b"c\n");
    touch(&output, "current.1", 399);
    touch(&output, "current", 199);
    for (seconds, expected) in [(1000, "a\nb\nc\n"), (399, "a\nb\nc\n"), (350, "c\n"), (100, "")] {
        assert_eq!(output.all(since(seconds)), expected, "{seconds} s");
    }
    // Times were switched on and off again: what has none comes along with what is new enough.
    output.write((stamped(50, "d") + "e\n" + &stamped(40, "f") + "g\n").as_bytes());
    touch(&output, "current", 30);
    assert_eq!(output.all(since(45)), format!("e\n{}g\n", stamped(40, "f")));
    assert_eq!(output.all(since(35)), "g\n");
}

#[test]
fn times_are_found_wherever_a_buffer_ends() {
    let output = Output::new();
    for offset in 0..60 {
        let filler = "x".repeat(CHUNK - 60 + offset);
        let old = stamped(300, &filler) + &stamped(200, "old");
        let new = stamped(100, "new");
        fs::write(output.dir().join("current"), old + &new).unwrap();
        touch(&output, "current", 50);
        assert_eq!(output.all(since(150)), new, "{offset}");
    }
}

#[test]
fn a_follower_goes_on_over_rotations_also_several_at_once() {
    let output = Output::new();
    output.write(b"1\n");
    let mut tail = output.tail(FOLLOW);
    assert_eq!(drained(&mut tail), "1\n");
    output.write(b"2\n");
    output.rotate(9);
    assert_eq!(drained(&mut tail), "2\n", "the new file is not there yet");
    for text in ["3\n", "4\n", "5\n"] {
        output.write(text.as_bytes());
        output.rotate(9);
    }
    output.write(b"6\n");
    assert_eq!(drained(&mut tail), "3\n4\n5\n6\n");
}

#[test]
fn who_does_not_follow_ends_where_it_was_when_it_began() {
    let output = Output::new();
    output.write(b"1\n");
    output.rotate(9);
    output.write(b"2\n");
    let mut tail = output.tail(Wanted::default());
    assert!(matches!(tail.step(), Step::Piece(piece) if &piece.bytes[..] == b"1\n"));
    output.write(b"3\n");
    output.rotate(1);
    output.write(b"4\n");
    output.rotate(1);
    assert_eq!(drained(&mut tail), "2\n", "although it is removed by then");
}

#[test]
fn files_that_are_moved_away_or_emptied_are_left() {
    let output = Output::new();
    output.write(b"1\n");
    output.rotate(9);
    output.write(b"2\n");
    let mut tail = output.tail(FOLLOW);
    assert_eq!(drained(&mut tail), "1\n2\n");
    fs::rename(output.dir().join("current"), output.dir().join("elsewhere")).unwrap();
    assert_eq!(drained(&mut tail), "");
    output.write(b"3\n");
    assert_eq!(drained(&mut tail), "3\n", "and not `current.1` again");
    fs::write(output.dir().join("current"), "").unwrap();
    assert_eq!(drained(&mut tail), "");
    output.write(b"4\n");
    assert_eq!(drained(&mut tail), "4\n");
    let long = "x".repeat(100_000);
    output.write(format!("{long}\n").as_bytes());
    assert_eq!(drained(&mut tail).len(), 100_001);
    fs::write(output.dir().join("current"), "5\n").unwrap();
    assert_eq!(drained(&mut tail), "");
    assert_eq!(drained(&mut tail), "5\n");
}

/// Numbered lines of random length, written in pieces, with rotations at random; gives what was written.
fn write_at_random(output: &Output, seed: u64, keep: u32) -> String {
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = move |limit: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % limit
    };
    let mut written = String::new();
    for index in 0..400 {
        let length = usize::try_from(if below(50) == 0 { below(200_000) } else { below(100) }).unwrap();
        let line = format!("{index} {}\n", "x".repeat(length));
        let cut = usize::try_from(below(line.len() as u64)).unwrap();
        output.write(&line.as_bytes()[..cut]);
        output.write(&line.as_bytes()[cut..]);
        written.push_str(&line);
        if below(8) == 0 {
            output.rotate(keep);
        }
    }
    written
}

/// What a follower is given while somebody writes.
fn followed(output: &Output, seed: u64, keep: u32) -> (String, String) {
    let mut tail = output.tail(FOLLOW);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| write_at_random(output, seed, keep));
        let mut read = String::new();
        while !writer.is_finished() {
            read.push_str(&drained(&mut tail));
        }
        read.push_str(&drained(&mut tail));
        (writer.join().unwrap(), read)
    })
}

#[test]
fn nothing_is_lost_or_doubled_while_files_are_rotated() {
    for seed in 1..=20 {
        let (written, read) = followed(&Output::new(), seed, 1000);
        assert!(written == read, "seed {seed}: {} bytes written, {} read", written.len(), read.len());
    }
}

#[test]
fn who_falls_behind_misses_files_and_gets_the_others_in_order() {
    for seed in 1..=20 {
        let (_, read) = followed(&Output::new(), seed, 1);
        let numbers: Vec<u32> =
            read.lines().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
        assert!(numbers.is_sorted_by(|one, next| one < next), "seed {seed}: {numbers:?}");
        assert_eq!(numbers.last(), Some(&399), "seed {seed}");
    }
}

#[test]
fn the_async_side_waits_for_what_comes() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let text = |piece: Option<Piece>| piece.map(|piece| piece.bytes);
    runtime.block_on(async {
        let output = Output::new();
        output.write(b"one\n");
        let mut ends = Reader::open(output.temp.path(), &name("web"), Wanted::default(), NOON);
        assert_eq!(text(ends.next().await).as_deref(), Some(&b"one\n"[..]));
        assert_eq!(ends.next().await, None);
        assert_eq!(ends.next().await, None);
        let wanted = Wanted { lines: Some(0), ..FOLLOW };
        let mut follows = Reader::open(output.temp.path(), &name("web"), wanted, NOON);
        let idle = tokio::time::timeout(Duration::from_millis(50), async { follows.next().await });
        assert!(idle.await.is_err(), "nothing has come");
        let mut follows = Reader::open(output.temp.path(), &name("web"), FOLLOW, NOON);
        assert_eq!(text(follows.next().await).as_deref(), Some(&b"one\n"[..]));
        let (next, ()) = tokio::join!(follows.next(), async { output.write(b"two\n") });
        assert_eq!(text(next).as_deref(), Some(&b"two\n"[..]));
    });
}
