//! The logger is killed at every step: nothing is lost, doubled or cut.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proclaunch_core::profile::LogSettings;

use super::super::current::{LINE_MAX, MARK};
use super::super::killpoint::{self, Killed};
use super::{Bench, numbered, settings};

/// Has the logger work, killed before its `steps`-th step; and says whether it was.
fn work_until_killed(bench: &mut Bench, steps: u64) -> bool {
    killpoint::after(steps);
    let worked = catch_unwind(AssertUnwindSafe(|| bench.work()));
    killpoint::after(u64::MAX);
    match worked {
        Ok(()) => false,
        Err(payload) => {
            assert!(payload.is::<Killed>(), "another panic");
            bench.kill();
            true
        }
    }
}

/// Has two pipes full of lines taken by loggers of which the first is killed at a step, for every step there is.
fn killed_once_at_every_step(log: LogSettings, text: &[u8], expect: &[u8]) {
    for steps in 0.. {
        let mut bench = Bench::new(log);
        let mut kills = 0;
        for piece in text.chunks(60_000) {
            bench.write(piece);
            if kills == 0 && work_until_killed(&mut bench, steps) {
                kills = 1;
            }
            bench.work();
        }
        check(&bench, expect, &format!("killed before step {steps} with each piece"));
        if kills == 0 {
            assert!(steps > 2, "there were steps");
            return;
        }
    }
}

fn check(bench: &Bench, expect: &[u8], context: &str) {
    let all = unstamped(&bench.all(), bench.log.timestamps);
    assert_eq!(all.len(), expect.len(), "{context}");
    assert!(all == expect, "{context}");
    for file in bench.files() {
        assert!(file.is_empty() || file.ends_with(b"\n"), "{context}: a line over two files");
    }
}

/// The lines without the times before them.
pub(super) fn unstamped(text: &[u8], timestamps: bool) -> Vec<u8> {
    if !timestamps {
        return text.to_vec();
    }
    let line = |line: &[u8]| {
        assert_eq!((line[4], line[10], line[23], line[24]), (b'-', b'T', b'Z', b' '), "{line:?}");
        line[25..].to_vec()
    };
    text.split_inclusive(|byte| *byte == b'\n').flat_map(line).collect()
}

#[test]
fn raw_lines_survive_a_kill_at_every_step() {
    let lines = numbered(1200);
    for size in [4096, 30_000, 1 << 20] {
        killed_once_at_every_step(settings(size, 1000, false), &lines, &lines);
    }
}

#[test]
fn lines_with_times_survive_a_kill_at_every_step() {
    let lines = numbered(700);
    for size in [8192, 1 << 20] {
        killed_once_at_every_step(settings(size, 1000, true), &lines, &lines);
    }
}

#[test]
fn completed_lines_and_other_settings_survive_a_kill_at_every_step() {
    for steps in 0.. {
        let mut bench = Bench::new(settings(4096, 100, true));
        let mut kills = 0;
        // Each with times or without, and what follows it ends a process, or renames the file, or nothing.
        for (timestamps, text, then) in [
            (true, "one\ntwo", "ends"),
            (true, "three\n", ""),
            (true, "four\nfi", ""),
            (false, "ve\nsix\n", "renames"),
            (true, "seven\n", "ends"),
            (true, "eight", "ends"),
            (false, "nine\nten", "ends"),
            (true, "eleven\n", ""),
        ] {
            bench.log.timestamps = timestamps;
            bench.profile().log.timestamps = timestamps;
            bench.write(text.as_bytes());
            for last in [false, true] {
                if then == "ends" {
                    bench.profile().ended();
                }
                // A kill in the first round; the second does what is left.
                if last || kills > 0 {
                    bench.work();
                } else if work_until_killed(&mut bench, steps) {
                    kills += 1;
                }
            }
            if then == "renames" {
                let (from, to) = (bench.path().join("current"), bench.path().join("current.9"));
                fs::rename(from, to).unwrap();
                bench.profile().reopen().unwrap();
            }
        }
        let all = bench.all();
        let text = String::from_utf8_lossy(&all);
        let words: Vec<&str> = text.lines().map(|line| line.rsplit(' ').next().unwrap_or(line)).collect();
        let expect =
            ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"];
        assert_eq!(words, expect, "killed before step {steps}: {text}");
        if kills == 0 {
            assert!(steps > 5, "there were steps");
            return;
        }
    }
}

#[test]
fn a_long_line_survives_a_kill_at_every_step() {
    let text = [&b"a".repeat(150_000)[..], b"\nb\n"].concat();
    let line = usize::try_from(LINE_MAX).unwrap();
    let piece = [&b"a".repeat(line)[..], MARK].concat();
    let expect = [&piece.repeat(2)[..], &b"a".repeat(150_000 - 2 * line), b"\nb\n"].concat();
    for size in [4096, 10 << 20] {
        killed_once_at_every_step(settings(size, 1000, false), &text, &expect);
    }
}

#[test]
fn a_mark_that_was_half_written_is_written_once() {
    let line = usize::try_from(LINE_MAX).unwrap();
    for written in 0..=MARK.len() {
        let mut bench = Bench::new(settings(1 << 20, 5, false));
        bench.work();
        let begun = [&b"a".repeat(line)[..], &MARK[..written]].concat();
        fs::write(bench.path().join("current"), [b"first\n", &begun[..]].concat()).unwrap();
        bench.kill();
        bench.pass(b"bcd\n");
        let expect = [b"first\n", &b"a".repeat(line)[..], MARK, b"bcd\n"].concat();
        assert!(bench.current() == expect, "{written} bytes of the mark");
    }
}

#[test]
fn twenty_thousand_lines_survive_a_kill_every_few_steps() {
    let lines = numbered(20_000);
    for timestamps in [false, true] {
        let mut bench = Bench::new(settings(64 << 10, 1000, timestamps));
        let mut kills = 0;
        for piece in lines.chunks(50_000) {
            bench.write(piece);
            // More steps each time, so that whatever there is to do is done at last.
            while work_until_killed(&mut bench, kills % 71) {
                kills += 1;
            }
        }
        assert!(kills >= 5, "{kills}");
        check(&bench, &lines, "killed every few steps");
    }
}
