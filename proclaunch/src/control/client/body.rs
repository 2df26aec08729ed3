//! The body of an answer, as it comes.
//!
//! **Invariant:** an end that comes too early is an error and never looks like the end.

use std::io::{self, BufRead as _, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::Failure;

/// The longest body that is read whole: 10,000 profiles take a tenth of it.
const WHOLE_MAX: u64 = 256 * 1024 * 1024;
/// The longest line that tells a chunk's length.
const CHUNK_LINE_MAX: u64 = 256;

/// How the body is told from what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes are left.
    Length(u64),
    /// So many bytes of this chunk are left.
    Chunk {
        left: u64,
        /// No chunk was begun yet.
        is_first: bool,
    },
    /// Nothing is left.
    Ended,
    /// It ends with the connection.
    Close,
}

/// The body of an answer. Dropped, the connection is closed.
#[derive(Debug)]
pub struct Body {
    reader: BufReader<UnixStream>,
    framing: Framing,
    limit: Option<Duration>,
    changes: bool,
}

impl Body {
    pub(super) const fn new(
        reader: BufReader<UnixStream>,
        framing: Framing,
        limit: Duration,
        changes: bool,
    ) -> Self {
        Self { reader, framing, limit: Some(limit), changes }
    }

    /// How long silence may last from here on; `None`: for ever.
    pub(super) fn wait_at_most(&mut self, limit: Option<Duration>) {
        // It fails for a duration of zero alone.
        let _ = self.reader.get_ref().set_read_timeout(limit);
        self.limit = limit;
    }

    /// Another handle on the connection: to shut it down has a reader in another thread see the end.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn connection(&self) -> io::Result<UnixStream> {
        self.reader.get_ref().try_clone()
    }

    /// What an error while it was read means.
    pub fn failure(&self, error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::InvalidData => Failure::strange(error),
            _ => Failure::broken(error, self.reader.get_ref(), self.limit, self.changes),
        }
    }

    /// All of it.
    pub(super) fn text(mut self) -> Result<Vec<u8>, Failure> {
        let mut text = Vec::new();
        match (&mut self).take(WHOLE_MAX).read_to_end(&mut text) {
            Ok(_) => Ok(text),
            Err(error) => Err(self.failure(&error)),
        }
    }

    /// All of it, as what it stands for.
    pub(super) fn json<T: DeserializeOwned>(self) -> Result<T, Failure> {
        serde_json::from_slice(&self.text()?).map_err(Failure::strange)
    }

    /// Goes on to the next chunk.
    fn next_chunk(&mut self, is_first: bool) -> io::Result<()> {
        if !is_first && !self.line()?.is_empty() {
            return Err(bad("a chunk does not end where it should"));
        }
        let line = self.line()?;
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let digits = std::str::from_utf8(digits).map_err(|_| bad("a chunk has no length"))?;
        let left = u64::from_str_radix(digits, 16).map_err(|_| bad("a chunk has no length"))?;
        if left > 0 {
            self.framing = Framing::Chunk { left, is_first: false };
            return Ok(());
        }
        // Trailers, up to an empty line.
        while !self.line()?.is_empty() {}
        self.framing = Framing::Ended;
        Ok(())
    }

    /// A line without its end.
    fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        (&mut self.reader).take(CHUNK_LINE_MAX).read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(line)
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if let Framing::Chunk { left: 0, is_first } = self.framing {
            self.next_chunk(is_first)?;
        }
        let left = match self.framing {
            Framing::Length(left) | Framing::Chunk { left, .. } => left,
            Framing::Ended => 0,
            Framing::Close => return self.reader.read(buffer),
        };
        if left == 0 {
            return Ok(0);
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let got = self.reader.read(&mut buffer[..most])?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match &mut self.framing {
            Framing::Length(left) | Framing::Chunk { left, .. } => *left -= got as u64,
            Framing::Ended | Framing::Close => {}
        }
        Ok(got)
    }
}

fn bad(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// A body of these bytes, after which the connection is closed.
    fn body(framing: Framing, bytes: &[u8]) -> Body {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (&theirs).write_all(bytes).unwrap();
        Body::new(BufReader::new(ours), framing, Duration::from_secs(10), false)
    }

    const CHUNKED: Framing = Framing::Chunk { left: 0, is_first: true };

    #[test]
    fn a_body_ends_where_its_head_says() {
        assert_eq!(body(Framing::Length(3), b"abcdef").text().unwrap(), b"abc");
        assert_eq!(body(Framing::Close, b"abcdef").text().unwrap(), b"abcdef");
        assert_eq!(
            body(CHUNKED, b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\nmore").text().unwrap(),
            b"abc0123456789"
        );
        assert_eq!(body(CHUNKED, b"0\r\nTrailer: x\r\n\r\n").text().unwrap(), b"");
    }

    #[test]
    fn an_end_that_comes_too_early_is_an_error() {
        for (framing, bytes) in [
            (Framing::Length(4), &b"abc"[..]),
            (CHUNKED, b""),
            (CHUNKED, b"3\r\nab"),
            (CHUNKED, b"3\r\nabc"),
            (CHUNKED, b"3\r\nabc\r\n"),
            (CHUNKED, b"3\r\nabc\r\n0\r\n"),
        ] {
            let failure = body(framing, bytes).text().unwrap_err();
            assert!(matches!(failure, Failure::Broken { may_be_taken: false }), "{bytes:?}: {failure:?}");
        }
        for bytes in [&b"xyz\r\n"[..], b"3\r\nabcd\r\n", b"\r\n"] {
            let failure = body(CHUNKED, bytes).text().unwrap_err();
            assert!(matches!(failure, Failure::Strange { .. }), "{bytes:?}: {failure:?}");
        }
    }
}
