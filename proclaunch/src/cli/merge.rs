//! Lines of several sources in the order of time, as far as they begin with a time.
//!
//! **Invariant:** of each source one line is held, however much it has; the lines of one source stay in their order.

use std::io::{self, BufRead, Read as _};

use crate::control::logs::stamp;

/// A longer line comes in pieces, so that it takes no more memory than this.
pub(super) const PIECE_MAX: u64 = 1024 * 1024;

/// What is read from all of them.
#[derive(Debug)]
pub(super) struct Merge<R> {
    sources: Vec<Source<R>>,
    /// Whose line came last: of the same time, what follows it is its own first.
    last: usize,
}

#[derive(Debug)]
struct Source<R> {
    id: usize,
    reader: R,
    /// The next line; empty at the end.
    line: Vec<u8>,
    /// The time that it begins with, or that the last one before it has begun with that has one.
    time: Vec<u8>,
    error: Option<io::Error>,
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    /// A line of this source.
    Line(usize, Vec<u8>),
    /// A source that could not be read to its end.
    Failed(io::Error),
}

impl<R: BufRead> Merge<R> {
    pub(super) const fn new() -> Self {
        Self { sources: Vec::new(), last: usize::MAX }
    }

    /// Adds a source. It is waited for until it has a line.
    pub(super) fn add(&mut self, id: usize, reader: R) {
        let mut source = Source { id, reader, line: Vec::new(), time: Vec::new(), error: None };
        source.advance();
        self.sources.push(source);
    }

    /// The next of all, until nothing more comes.
    pub(super) fn next(&mut self) -> Option<Next> {
        self.sources.retain(|source| !source.line.is_empty() || source.error.is_some());
        if let Some(index) = self.sources.iter().position(|source| source.line.is_empty()) {
            let source = self.sources.remove(index);
            return source.error.map(Next::Failed);
        }
        let last = self.last;
        let source = self.sources.iter_mut().min_by_key(|source| (source.time.clone(), source.id != last))?;
        self.last = source.id;
        let line = std::mem::take(&mut source.line);
        source.advance();
        Some(Next::Line(self.last, line))
    }
}

impl<R: BufRead> Source<R> {
    fn advance(&mut self) {
        if self.error.is_some() {
            return;
        }
        // What came before an error is a line all the same.
        let read = self.reader.by_ref().take(PIECE_MAX).read_until(b'\n', &mut self.line);
        self.error = read.err();
        if let Some(time) = stamp(&self.line) {
            self.time = time.to_vec();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines as `SOURCE:LINE`.
    fn merged(sources: &[&str]) -> Vec<String> {
        let mut merge = Merge::new();
        for (id, text) in sources.iter().enumerate() {
            merge.add(id, text.as_bytes());
        }
        let mut all = Vec::new();
        while let Some(Next::Line(id, line)) = merge.next() {
            all.push(format!("{id}:{}", String::from_utf8(line).unwrap().trim_end()));
        }
        all
    }

    #[test]
    fn lines_with_times_are_in_their_order_and_what_follows_a_line_stays_with_it() {
        let at = |second: u32, text: &str| format!("2026-11-23T14:31:{second:02}.123Z {text}\n");
        let one = [at(1, "a"), "  at line 7\n".to_owned(), at(3, "c")].concat();
        let two = [at(1, "b"), at(2, "b"), at(4, "d")].concat();
        let times: Vec<_> =
            merged(&[&one, &two]).iter().map(|line| line.replace("2026-11-23T14:31:", "")).collect();
        assert_eq!(
            times,
            ["0:01.123Z a", "0:  at line 7", "1:01.123Z b", "1:02.123Z b", "0:03.123Z c", "1:04.123Z d"]
        );
    }

    #[test]
    fn sources_without_times_come_one_after_the_other_and_first() {
        assert_eq!(merged(&["a\nb\n", "c\nd", ""]), ["0:a", "0:b", "1:c", "1:d"]);
        let stamped = "2026-11-23T14:31:01.123Z x\n";
        assert_eq!(merged(&[stamped, "a\nb\n"])[..2], ["1:a", "1:b"]);
    }

    #[test]
    fn a_source_that_breaks_gives_what_it_has_and_then_its_error() {
        #[derive(Debug)]
        struct Breaks;
        impl io::Read for Breaks {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
        let mut merge = Merge::new();
        merge.add(0, io::BufReader::new((&b"half a line"[..]).chain(Breaks)));
        merge.add(1, io::BufReader::new((&b""[..]).chain(Breaks)));
        let mut lines = 0;
        let mut errors = 0;
        while let Some(next) = merge.next() {
            match next {
                Next::Line(0, line) if line == b"half a line" => lines += 1,
                Next::Failed(error) if error.kind() == io::ErrorKind::ConnectionReset => errors += 1,
                other @ (Next::Line(..) | Next::Failed(..)) => panic!("{other:?}"),
            }
        }
        assert_eq!((lines, errors), (1, 2));
    }
}
