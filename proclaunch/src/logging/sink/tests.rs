//! Troubles are scripted: the fake takes as many bytes as it is told, or fails as it is told.

use std::fs::{File, OpenOptions};
use std::io::Write;

use nix::errno::Errno;

use super::*;

#[derive(Default)]
struct Fake {
    out: Vec<u8>,
    /// What the next writes do; everything is taken when there is no more.
    script: VecDeque<Step>,
    other_on_reopen: bool,
}

#[derive(Clone, Copy)]
enum Step {
    Take(usize),
    Fail(Errno),
}

use Step::{Fail, Take};

impl Out for Fake {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = match self.script.pop_front() {
            None => bytes.len(),
            Some(Take(count)) => count.min(bytes.len()),
            Some(Fail(errno)) => return Err(errno.into()),
        };
        self.out.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn reopen(&mut self) -> Result<Reopened, Fatal> {
        if self.other_on_reopen {
            self.out.clear();
            return Ok(Reopened::Other);
        }
        Ok(Reopened::Same)
    }
}

fn sink(script: impl IntoIterator<Item = Step>) -> Sink<Fake> {
    Sink::new(Fake { script: script.into_iter().collect(), ..Fake::default() })
}

#[track_caller]
fn check(sink: &Sink<Fake>, expect: &str) {
    assert_eq!(String::from_utf8_lossy(&sink.out.out), expect);
}

#[test]
fn kept_lines_come_first_in_order_and_once() {
    let mut sink = sink([Take(99), Fail(Errno::ENOSPC), Fail(Errno::ENOSPC), Fail(Errno::EIO)]);
    for line in ["a\n", "b\n", "c\n"] {
        sink.write_line(line.as_bytes());
    }
    check(&sink, "a\n");
    assert!(sink.has_backlog());
    sink.retry();
    assert!(sink.has_backlog());
    assert_eq!(sink.take_recovered(), None);
    sink.write_line(b"d\n");
    check(&sink, "a\nb\nc\nd\n");
    assert!(!sink.has_backlog());
    let recovered = sink.take_recovered().unwrap();
    assert_eq!((recovered.delayed, recovered.dropped), (2, 0));
    assert_eq!(recovered.error, io::Error::from(Errno::EIO).to_string());
    assert_eq!(sink.take_recovered(), None);
}

#[test]
fn no_line_is_torn_by_a_partial_write() {
    let mut sink = sink([Take(3), Fail(Errno::ENOSPC), Take(1), Fail(Errno::ENOSPC)]);
    sink.write_line(b"abcdef\n");
    check(&sink, "abc");
    sink.retry();
    check(&sink, "abcd");
    sink.write_line(b"next\n");
    check(&sink, "abcdef\nnext\n");
}

#[test]
fn a_signal_in_the_middle_is_no_trouble_and_a_write_of_nothing_is() {
    let mut sink = sink([Fail(Errno::EINTR), Take(0)]);
    sink.write_line(b"a\n");
    check(&sink, "");
    assert!(sink.has_backlog());
    sink.retry();
    check(&sink, "a\n");
}

#[test]
fn a_torn_line_begins_anew_in_another_file_only() {
    for (other, expect) in [(false, "abcdef\n"), (true, "abcdef\n")] {
        let mut sink = sink([Take(3), Fail(Errno::ENOSPC)]);
        sink.out.other_on_reopen = other;
        sink.write_line(b"abcdef\n");
        sink.reopen().unwrap();
        check(&sink, expect);
    }
}

#[test]
fn the_queue_is_bounded_by_lines_and_the_oldest_stay() {
    let mut sink = sink(std::iter::repeat_n(Fail(Errno::ENOSPC), KEPT_LINES_MAX + 10));
    for number in 0..KEPT_LINES_MAX + 10 {
        sink.write_line(format!("{number}\n").as_bytes());
    }
    assert_eq!(sink.kept.len(), KEPT_LINES_MAX);
    sink.retry();
    let expect: Vec<_> = (0..KEPT_LINES_MAX).map(|number| format!("{number}\n")).collect();
    check(&sink, &expect.concat());
    let recovered = sink.take_recovered().unwrap();
    assert_eq!((recovered.delayed, recovered.dropped), (KEPT_LINES_MAX as u64, 10));
    assert_eq!(sink.kept_bytes, 0);
}

#[test]
fn the_queue_is_bounded_by_bytes() {
    let mut sink = sink(std::iter::repeat_n(Fail(Errno::ENOSPC), 100));
    let line = vec![b'x'; KEPT_BYTES_MAX / 4];
    for _ in 0..10 {
        sink.write_line(&line);
    }
    assert_eq!(sink.kept.len(), 4);
    assert_eq!(sink.kept_bytes, KEPT_BYTES_MAX);
}

#[test]
fn troubles_that_nobody_asked_about_are_told_together() {
    let mut sink = sink([Fail(Errno::ENOSPC), Take(99), Fail(Errno::EIO)]);
    sink.write_line(b"a\n");
    sink.retry();
    sink.write_line(b"b\n");
    sink.retry();
    assert_eq!(sink.take_recovered().unwrap().delayed, 2);
}

#[test]
fn any_script_of_troubles_loses_and_doubles_nothing() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for _ in 0..500 {
        let script: Vec<_> = (0..random() % 200)
            .map(|_| match random() % 4 {
                0 => Fail(Errno::ENOSPC),
                1 => Fail(Errno::EINTR),
                _ => Take(usize::try_from(random() % 6).unwrap()),
            })
            .collect();
        let mut sink = sink(script);
        let lines: Vec<_> = (0..100).map(|number| format!("line {number}\n")).collect();
        for line in &lines {
            sink.write_line(line.as_bytes());
        }
        while sink.has_backlog() {
            sink.retry();
        }
        check(&sink, &lines.concat());
    }
}

#[test]
fn a_full_device_is_a_trouble_and_not_a_panic() {
    struct Full(File);
    impl Out for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }
        fn reopen(&mut self) -> Result<Reopened, Fatal> {
            Ok(Reopened::Same)
        }
    }
    let mut sink = Sink::new(Full(OpenOptions::new().append(true).open("/dev/full").unwrap()));
    sink.write_line(b"a\n");
    sink.retry();
    assert!(sink.has_backlog());
    let trouble = sink.trouble.as_ref().unwrap();
    assert_eq!(trouble.error.kind(), ErrorKind::StorageFull);
}
