//! What is answered: JSON or text at once, or bytes as they come.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use tokio::sync::mpsc::Receiver;

use super::connection::Busy;
use super::request::Refusal;
use crate::control::api;

/// The end of a stream that has one.
pub(super) const END: Bytes = Bytes::new();

/// The supervisor has ended in the midst of a stream that has an end: to be cut off, so that it does not look whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the supervisor ends")
    }
}

impl std::error::Error for Cut {}

/// A whole answer.
pub(super) type Answer = Response<Content>;

/// The body of an answer.
#[derive(Debug)]
pub(super) struct Content {
    rest: Rest,
    /// Dropped with the body, when all of it is sent or nobody wants it any more.
    busy: Option<Busy>,
}

#[derive(Debug)]
enum Rest {
    /// All of it; taken when it is sent.
    Whole(Option<Bytes>),
    /// What comes through a channel, which is as long as what a slow reader may owe. [`END`] ends it; the channel may
    /// only be closed before that where it has no end of its own.
    Stream {
        receiver: Receiver<Bytes>,
        /// It has no end of its own.
        follows: bool,
    },
}

impl Content {
    /// Has the connection be busy until this is sent.
    pub(super) fn keep(&mut self, busy: Busy) {
        if matches!(self.rest, Rest::Stream { follows: false, .. }) {
            busy.be_patient();
        }
        self.busy = Some(busy);
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let bytes = match &mut self.get_mut().rest {
            Rest::Whole(bytes) => Poll::Ready(bytes.take().map(Ok)),
            Rest::Stream { receiver, follows } => receiver.poll_recv(cx).map(|next| match next {
                Some(bytes) => (!bytes.is_empty()).then_some(Ok(bytes)),
                None => (!*follows).then_some(Err(Cut)),
            }),
        };
        bytes.map(|bytes| bytes.map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.rest, Rest::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.rest {
            Rest::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Rest::Stream { .. } => SizeHint::default(),
        }
    }
}

/// An answer of this type of content.
pub(super) fn whole(status: StatusCode, kind: &'static str, bytes: impl Into<Bytes>) -> Answer {
    answer(status, kind, Rest::Whole(Some(bytes.into())))
}

/// An answer that goes on; `follows` says that it does so for ever.
pub(super) fn stream(kind: &'static str, receiver: Receiver<Bytes>, follows: bool) -> Answer {
    answer(StatusCode::OK, kind, Rest::Stream { receiver, follows })
}

fn answer(status: StatusCode, kind: &'static str, rest: Rest) -> Answer {
    let mut answer = Response::new(Content { rest, busy: None });
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // It is another one in a moment.
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// JSON, with a line end for those who read it in a terminal.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let mut bytes =
        serde_json::to_vec(value).expect("what is answered has no maps with keys that are no text");
    bytes.push(b'\n');
    whole(status, "application/json", bytes)
}

/// A text of one line.
pub(super) fn text(status: StatusCode, line: &str) -> Answer {
    whole(status, "text/plain; charset=utf-8", format!("{line}\n"))
}

/// An error, in one sentence, and what would be right.
pub(super) fn error(status: StatusCode, error: impl Into<String>, hint: Option<String>) -> Answer {
    json(status, &api::Error { error: error.into(), hint, result: None, profile: None })
}

/// The answer to a request that leads nowhere.
pub(super) fn refusal(refusal: Refusal) -> Answer {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut answer = error(status, refusal.error, refusal.hint);
    if let Some(allow) = refusal.allow.and_then(|allow| HeaderValue::try_from(allow).ok()) {
        answer.headers_mut().insert(ALLOW, allow);
    }
    answer
}

/// The supervisor does not answer: it ends, or this server is another one's already.
pub(super) fn no_reactor() -> Answer {
    error(
        StatusCode::SERVICE_UNAVAILABLE,
        "the supervisor has ended before it answered",
        Some("the next one answers in a moment; an order that was taken stays in force".to_owned()),
    )
}
