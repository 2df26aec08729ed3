//! A profile's output, across connections that break: what comes after the last byte that was taken is asked for again.
//!
//! **Invariant:** no byte is doubled, and where some are missing because they are not kept any more, that is told.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read};

use super::{Body, Client, Failure, Output};
use crate::control::logs::Position;

/// The longest line before a piece.
const HEAD_MAX: u64 = 256;
/// How often a connection may break without any byte that has come, where nothing is followed.
const BREAKS_MAX: u32 = 50;

/// A reader of a profile's output. What it fails with is a [`Failure`] in an [`io::Error`]; see [`failure`].
pub struct Tail {
    client: Client,
    name: String,
    wanted: Output,
    /// Where the next byte is, once it is known.
    next: Option<Position>,
    connection: Connection,
    /// Since the last byte.
    breaks: u32,
    on_gap: Box<dyn FnMut() + Send>,
}

#[derive(Debug)]
enum Connection {
    /// One is there; and how many bytes of the piece are still to come.
    Open(BufReader<Body>, u64),
    /// It broke, and another one is to be made.
    Broken,
    /// Nothing comes any more.
    Ended,
}

/// What stands before a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    Piece(Position, u64),
    Missing,
    End,
}

impl Tail {
    /// Begins; `on_gap` is called where output is missing.
    pub(super) fn open(
        client: Client,
        name: &str,
        wanted: Output,
        on_gap: impl FnMut() + Send + 'static,
    ) -> Result<Self, Failure> {
        let body = client.positioned(name, &wanted, None)?;
        Ok(Self {
            client,
            name: name.to_owned(),
            wanted,
            next: None,
            connection: Connection::Open(BufReader::new(body), 0),
            breaks: 0,
            on_gap: Box::new(on_gap),
        })
    }

    fn reopen(&mut self) -> Result<(), Failure> {
        self.breaks += 1;
        if !self.wanted.follow && self.breaks > BREAKS_MAX {
            return Err(Failure::Broken { may_be_taken: false });
        }
        self.client.wait_for_the_next()?;
        // Without a place nothing was written yet: then everything is wanted.
        let wanted = Output { lines: None, since: None, follow: self.wanted.follow };
        match self.client.positioned(&self.name, &wanted, self.next) {
            Ok(body) => self.connection = Connection::Open(BufReader::new(body), 0),
            Err(failure) if failure.is_passing() => {}
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    /// Reads some of the piece that is begun, or what stands before the next one.
    fn advance(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Failure> {
        let Connection::Open(reader, left) = &mut self.connection else { return Ok(None) };
        if *left > 0 {
            let most = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
            let got = match reader.read(&mut buffer[..most]) {
                Ok(0) => return Err(Failure::Broken { may_be_taken: false }),
                Ok(got) => got,
                Err(error) => return Err(reader.get_ref().failure(&error)),
            };
            *left -= got as u64;
            self.next = self.next.map(|next| next.after(got as u64));
            self.breaks = 0;
            return Ok(Some(got));
        }
        match head(reader)? {
            Head::Piece(at, length) => {
                *left = length;
                self.next = Some(at);
            }
            Head::Missing => (self.on_gap)(),
            Head::End => self.connection = Connection::Ended,
        }
        Ok(None)
    }
}

impl Read for Tail {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let step = match self.connection {
                Connection::Ended => return Ok(0),
                Connection::Broken => self.reopen().map(|()| None),
                Connection::Open(..) => match self.advance(buffer) {
                    Err(failure) if failure.is_passing() => {
                        self.connection = Connection::Broken;
                        continue;
                    }
                    step => step,
                },
            };
            match step {
                Ok(Some(got)) => return Ok(got),
                Ok(None) => {}
                Err(failure) => {
                    self.connection = Connection::Ended;
                    return Err(io::Error::other(failure));
                }
            }
        }
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail").field("name", &self.name).field("next", &self.next).finish_non_exhaustive()
    }
}

/// What a [`Tail`] has failed with.
pub fn failure(error: io::Error) -> Failure {
    error.downcast().unwrap_or_else(Failure::strange)
}

/// The line before a piece.
fn head(reader: &mut BufReader<Body>) -> Result<Head, Failure> {
    let mut line = Vec::new();
    if let Err(error) = reader.by_ref().take(HEAD_MAX).read_until(b'\n', &mut line) {
        return Err(reader.get_ref().failure(&error));
    }
    // The supervisor ends what is followed when it ends itself.
    if line.is_empty() {
        return Err(Failure::Broken { may_be_taken: false });
    }
    parse(&line).ok_or_else(|| Failure::strange("a piece of output has no place"))
}

fn parse(line: &[u8]) -> Option<Head> {
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    match line {
        "missing" => Some(Head::Missing),
        "end" => Some(Head::End),
        _ => {
            let (at, length) = line.split_once(' ')?;
            Some(Head::Piece(Position::parse(at)?, length.parse().ok()?))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_a_piece_is_one_of_three() {
        let at = Position::parse("7-8:9").unwrap();
        assert_eq!(parse(b"7-8:9 100\n"), Some(Head::Piece(at, 100)));
        assert_eq!(parse(b"missing\n"), Some(Head::Missing));
        assert_eq!(parse(b"end\n"), Some(Head::End));
        for line in [&b"end"[..], b"\n", b"7-8:9\n", b"7-8:9 -1\n", b"7-8 1\n", b"\xff\n", b"7-8:9 1 \n"] {
            assert_eq!(parse(line), None, "{line:?}");
        }
    }
}
