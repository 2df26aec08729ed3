//! A client of the control socket: as much of HTTP as the tests need, byte by byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use proclaunch::control::api::{Error, Event, Ordered, Profile};
use serde_json::Value;

use crate::view::View;
use crate::wait;

/// How long an answer may take: as long as anything may on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The socket of one supervisor.
#[derive(Clone, Debug)]
pub struct Control {
    path: PathBuf,
}

/// An answer whose body is still to be read.
#[derive(Debug)]
pub struct Reply {
    /// The status: 200 is good.
    pub status: u16,
    /// The head as it came.
    pub head: String,
    body: BufReader<UnixStream>,
    left: Left,
}

#[derive(Clone, Copy, Debug)]
enum Left {
    Bytes(usize),
    Chunks,
}

/// A whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status: 200 is good.
    pub status: u16,
    /// The head as it came.
    pub head: String,
    /// The body.
    pub body: String,
}

impl View {
    /// The supervisor's control socket.
    pub fn control(&self) -> Control {
        Control::at(&self.sandbox.state())
    }

    /// Looks at a profile until it is as it should be.
    #[track_caller]
    pub fn wait_for_profile(&self, name: &str, is_right: impl Fn(&Profile) -> bool) -> Profile {
        let control = self.control();
        self.wait_for(&format!("{name} to be as it should"), || {
            let profile = control.try_get(&format!("/v1/profiles/{name}"))?;
            let profile: Profile = serde_json::from_str(&profile.body).ok()?;
            is_right(&profile).then_some(profile)
        })
    }
}

impl Control {
    /// The socket in this state directory.
    pub fn at(state_dir: &Path) -> Self {
        Self { path: state_dir.join("proclaunch.sock") }
    }

    /// The socket itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A connection, as soon as somebody listens.
    #[track_caller]
    pub fn connect(&self) -> UnixStream {
        let stream = wait::closely(|| UnixStream::connect(&self.path).ok());
        let stream = stream.unwrap_or_else(|| panic!("nobody listens at {}", self.path.display()));
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends a request, and takes the head of its answer.
    #[track_caller]
    pub fn send(&self, method: &str, target: &str, headers: &[&str]) -> Reply {
        let mut stream = self.connect();
        stream.write_all(request(method, target, headers).as_bytes()).unwrap();
        Reply::read(stream).expect("an answer comes")
    }

    /// `GET`.
    #[track_caller]
    pub fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[]).all()
    }

    /// `POST`.
    #[track_caller]
    pub fn post(&self, target: &str) -> Answer {
        self.send("POST", target, &[]).all()
    }

    /// `GET`, if there is an answer: the supervisor may just be going.
    pub fn try_get(&self, target: &str) -> Option<Answer> {
        let mut stream = UnixStream::connect(&self.path).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.write_all(request("GET", target, &[]).as_bytes()).ok()?;
        Reply::read(stream)?.try_all()
    }

    /// A profile as it is.
    #[track_caller]
    pub fn profile(&self, name: &str) -> Profile {
        self.get(&format!("/v1/profiles/{name}")).json()
    }

    /// Gives an order that is done.
    #[track_caller]
    pub fn order(&self, name: &str, verb: &str) -> Ordered {
        let answer = self.post(&format!("/v1/profiles/{name}/{verb}"));
        assert_eq!(answer.status, 200, "{verb} {name}: {answer:?}");
        answer.json()
    }
}

/// A request without a body.
pub fn request(method: &str, target: &str, headers: &[&str]) -> String {
    let first = format!("{method} {target} HTTP/1.1");
    let lines = [&*first, "Host: proclaunch"].into_iter().chain(headers.iter().copied()).chain(["", ""]);
    lines.collect::<Vec<_>>().join("\r\n")
}

impl Reply {
    /// Takes the head of the answer that comes over a connection; none if it is closed before.
    pub fn read(stream: UnixStream) -> Option<Self> {
        let mut body = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if body.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let length = header(&head, "content-length").and_then(|length| length.parse().ok());
        let left = match length {
            Some(length) => Left::Bytes(length),
            None if header(&head, "transfer-encoding") == Some("chunked") => Left::Chunks,
            None => Left::Bytes(0),
        };
        Some(Self { status, head, body, left })
    }

    /// The next piece of a body that comes in pieces; none at its end.
    pub fn piece(&mut self) -> Option<Vec<u8>> {
        let mut length = String::new();
        self.body.read_line(&mut length).ok()?;
        let length = usize::from_str_radix(length.trim(), 16).ok()?;
        let mut piece = vec![0; length + 2];
        self.body.read_exact(&mut piece).ok()?;
        piece.truncate(length);
        (length > 0).then_some(piece)
    }

    /// Whether the other side has closed the connection, whatever was not read yet: POLLHUP is told unasked (`poll(2)`).
    pub fn is_closed(&self) -> bool {
        let mut fds = [PollFd::new(self.body.get_ref().as_fd(), PollFlags::empty())];
        poll(&mut fds, PollTimeout::ZERO).unwrap() > 0
    }

    /// Everything, and the connection for another request.
    pub fn rest(mut self) -> Option<(Answer, UnixStream)> {
        let body = match self.left {
            Left::Bytes(length) => {
                let mut body = vec![0; length];
                self.body.read_exact(&mut body).ok()?;
                body
            }
            Left::Chunks => {
                let mut body = Vec::new();
                while let Some(piece) = self.piece() {
                    body.extend(piece);
                }
                body
            }
        };
        let body = String::from_utf8_lossy(&body).into_owned();
        Some((Answer { status: self.status, head: self.head, body }, self.body.into_inner()))
    }

    /// Everything, if it comes.
    pub fn try_all(self) -> Option<Answer> {
        self.rest().map(|(answer, _)| answer)
    }

    /// Everything.
    #[track_caller]
    pub fn all(self) -> Answer {
        self.try_all().expect("the body is as long as it says")
    }

    /// The events of a stream, as they come.
    pub fn events(self) -> Events {
        Events { reply: self, buffer: String::new() }
    }
}

impl Answer {
    /// The body as a value of this type.
    #[track_caller]
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body as JSON of whatever kind.
    #[track_caller]
    pub fn value(&self) -> Value {
        self.json()
    }

    /// What is wrong, checked to be of this status.
    #[track_caller]
    pub fn error(&self, status: u16) -> Error {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    /// The events of a stream that has ended.
    pub fn events(&self) -> Vec<Event> {
        self.body.split("\n\n").filter_map(event).collect()
    }
}

/// The events of a stream.
#[derive(Debug)]
pub struct Events {
    reply: Reply,
    buffer: String,
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            while let Some((frame, rest)) = self.buffer.split_once("\n\n") {
                let (found, rest) = (event(frame), rest.to_owned());
                self.buffer = rest;
                if found.is_some() {
                    return found;
                }
            }
            self.buffer.push_str(&String::from_utf8(self.reply.piece()?).ok()?);
        }
    }
}

/// One event of a stream; a comment is none.
fn event(frame: &str) -> Option<Event> {
    let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
    let event: Event = serde_json::from_str(field("data: ")?).unwrap();
    assert_eq!((field("id: "), field("event: ")), (Some(&*event.id), Some(&*event.kind)), "{frame}");
    Some(event)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}
