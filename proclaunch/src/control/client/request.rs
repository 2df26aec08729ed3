//! A request as HTTP/1.1 writes it, and the head of its answer.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::body::Framing;
use super::{Body, Failure};

/// The longest head of an answer.
const HEAD_MAX: usize = 16 * 1024;
/// The most header lines of an answer.
const HEADERS_MAX: usize = 64;

/// What follows the path after `?`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(String);

impl Query {
    /// With one more pair.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        self.0.push(if self.0.is_empty() { '?' } else { '&' });
        self.0.push_str(key);
        self.0.push('=');
        self.0.push_str(&encoded(value));
        self
    }
}

/// One request, ready to be sent.
#[derive(Clone, Debug)]
pub(super) struct Request {
    text: String,
    changes: bool,
}

impl Request {
    pub(super) fn get(path: &str, query: &Query) -> Self {
        Self { text: head("GET", path, query, ""), changes: false }
    }

    pub(super) fn get_after(path: &str, query: &Query, last: &str) -> Self {
        // What the supervisor sent as an id becomes no header of its own.
        let last: String = last.chars().filter(|c| !c.is_control()).collect();
        Self { text: head("GET", path, query, &format!("Last-Event-ID: {last}\r\n")), changes: false }
    }

    pub(super) fn post(path: &str, query: &Query) -> Self {
        Self { text: head("POST", path, query, "Content-Length: 0\r\n"), changes: true }
    }

    /// Sends it, and reads the head of the answer; silence of so long is a failure.
    pub(super) fn send(&self, stream: UnixStream, silence: Duration) -> Result<Answer, Failure> {
        let broken = |stream: &UnixStream, error: &std::io::Error| {
            Failure::broken(error, stream, Some(silence), self.changes)
        };
        stream.set_read_timeout(Some(silence)).map_err(|error| broken(&stream, &error))?;
        stream.set_write_timeout(Some(silence)).map_err(|error| broken(&stream, &error))?;
        (&stream).write_all(self.text.as_bytes()).map_err(|error| broken(&stream, &error))?;
        let mut reader = BufReader::new(stream);
        let mut head = Vec::new();
        loop {
            let had = head.len();
            if let Err(error) = reader.fill_buf() {
                return Err(broken(reader.get_ref(), &error));
            }
            let seen = reader.buffer();
            if seen.is_empty() {
                return Err(Failure::Broken { may_be_taken: self.changes });
            }
            head.extend_from_slice(seen);
            let length = seen.len();
            if let Some((end, status, framing)) = parse(&head)? {
                reader.consume(end - had);
                return Ok(Answer { status, body: Body::new(reader, framing, silence, self.changes) });
            }
            reader.consume(length);
            if head.len() > HEAD_MAX {
                return Err(Failure::strange(format!("its head is longer than {HEAD_MAX} bytes")));
            }
        }
    }
}

/// The head of an answer, and what follows.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    body: Body,
}

impl Answer {
    /// The body of a success; anything else is what was refused.
    pub(super) fn or_refused(self) -> Result<Body, Failure> {
        let status = self.status;
        if (200..300).contains(&status) {
            return Ok(self.body);
        }
        let text = self.body.text()?;
        match serde_json::from_slice(&text) {
            Ok(error) => Err(Failure::Refused { status, error: Box::new(error) }),
            Err(_) => {
                Err(Failure::strange(format!("HTTP status {status} without an error that can be read")))
            }
        }
    }
}

/// The lines before the body. One connection carries one request: there is nothing to keep open.
fn head(method: &str, path: &str, query: &Query, more: &str) -> String {
    let agent = concat!("proclaunch/", env!("CARGO_PKG_VERSION"));
    format!(
        "{method} {path}{} HTTP/1.1\r\nHost: proclaunch\r\nUser-Agent: {agent}\r\nConnection: close\r\n{more}\r\n",
        query.0
    )
}

/// Where the head ends, the status, and how the body is told from what follows; `None` if more must be read.
fn parse(bytes: &[u8]) -> Result<Option<(usize, u16, Framing)>, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let end = match response.parse(bytes).map_err(Failure::strange)? {
        httparse::Status::Complete(end) => end,
        httparse::Status::Partial => return Ok(None),
    };
    let mut framing = Framing::Close;
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("transfer-encoding")
            && header.value.eq_ignore_ascii_case(b"chunked")
        {
            framing = Framing::Chunk { left: 0, is_first: true };
            break;
        }
        if header.name.eq_ignore_ascii_case("content-length") {
            let length = std::str::from_utf8(header.value).ok().and_then(|text| text.trim().parse().ok());
            framing = Framing::Length(length.ok_or_else(|| Failure::strange("its length is no number"))?);
        }
    }
    Ok(Some((end, response.code.unwrap_or_default(), framing)))
}

/// A text as part of a path or query (RFC 3986, section 2): what is not unreserved is escaped, but for `@`, which
/// names have and both parts may.
pub(super) fn encoded(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_escaped() {
        let query = Query::default().with("name", "web*").with("name", "a b&c=\u{e9}@");
        assert_eq!(query.0, "?name=web%2A&name=a%20b%26c%3D%C3%A9@");
    }

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let head = b"HTTP/1.1 409 Conflict\r\nContent-Length: 7\r\n\r\nrest of it";
        for end in 0..head.len() - 10 {
            assert!(parse(&head[..end]).unwrap().is_none(), "{end}");
        }
        assert_eq!(parse(head).unwrap(), Some((head.len() - 10, 409, Framing::Length(7))));
        assert!(parse(b"220 mail.example ESMTP\r\n\r\n").is_err());
    }
}
