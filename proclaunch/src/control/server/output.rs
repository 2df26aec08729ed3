//! What a profile has written, piece by piece as it is taken.
//!
//! As bytes alone, or, with `positions=true`, with a line before each piece, so that whoever has taken some of it knows
//! where to go on, also after the files were rotated meanwhile:
//!
//! ```text
//! POSITION LENGTH    that many bytes follow, which begin there; 0 at the beginning, to say where that is
//! missing            here files are missing that were to be read
//! end                nothing follows, which is so only where nothing is followed
//! ```

use std::fmt::Write as _;
use std::rc::Rc;

use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{HeaderName, HeaderValue};
use proclaunch_core::ids::ProfileName;
use tokio::sync::mpsc::{Sender, channel};

use super::Server;
use super::answer::{self, Answer};
use super::request::Request;
use crate::control::convert::Clocks;
use crate::control::logs::{Here, Piece, Reader, Wanted};
use crate::control::routes::{OUTPUT_MISSING, OUTPUT_POSITION};

/// How many pieces of output a slow reader may be behind.
const PIECES_MAX: usize = 4;

impl Server {
    /// The output of a profile that there is.
    pub(super) async fn log(self: &Rc<Self>, name: &ProfileName, request: &Request) -> Answer {
        let wanted = Wanted {
            lines: request.count("lines"),
            since: request.seconds("since"),
            from: request.position("from"),
            follow: request.flag("follow").unwrap_or(false),
        };
        if wanted.from.is_some() && (wanted.lines.is_some() || wanted.since.is_some()) {
            let hint = Some("leave `lines` and `since` out".to_owned());
            let error = "`from` says where to begin, and so does another parameter";
            return answer::error(StatusCode::BAD_REQUEST, error, hint);
        }
        let has_positions = request.flag("positions").unwrap_or(false);
        let mut reader = Reader::open(&self.config.state_dir, name, wanted, Clocks::read());
        let begun = reader.begin().await;
        let (sender, receiver) = channel(PIECES_MAX);
        let server = Rc::clone(self);
        self.spawn(async move {
            tokio::select! {
                () = pour(reader, begun, has_positions, &sender) => {}
                () = sender.closed() => {}
                () = server.ending() => {}
            }
        });
        let mut answer = answer::stream("text/plain", receiver, wanted.follow);
        if let Some(here) = begun {
            mark(&mut answer, here);
        }
        answer
    }
}

/// Says in the head where the body begins.
fn mark(answer: &mut Answer, here: Here) {
    let position = HeaderValue::from_str(&here.position.to_string());
    answer.headers_mut().insert(
        HeaderName::from_static(OUTPUT_POSITION),
        position.expect("digits, a dash and a colon are a value"),
    );
    if here.is_after_gap {
        let name = HeaderName::from_static(OUTPUT_MISSING);
        answer.headers_mut().insert(name, HeaderValue::from_static("true"));
    }
}

async fn pour(mut reader: Reader, begun: Option<Here>, has_positions: bool, sender: &Sender<Bytes>) {
    if let Some(at) = begun.filter(|_| has_positions)
        && sender.send(framed(&Piece { at, bytes: Bytes::new() })).await.is_err()
    {
        return;
    }
    let mut is_said = begun.is_some_and(|here| here.is_after_gap);
    while let Some(mut piece) = reader.next().await {
        // The first piece is where the beginning was.
        piece.at.is_after_gap &= !std::mem::take(&mut is_said);
        let bytes = if has_positions { framed(&piece) } else { piece.bytes };
        if sender.send(bytes).await.is_err() {
            return;
        }
    }
    if has_positions && sender.send(Bytes::from_static(b"end\n")).await.is_err() {
        return;
    }
    // So that an end that comes too early does not look like this one.
    let _ = sender.send(answer::END).await;
}

/// A piece with the line before it.
fn framed(piece: &Piece) -> Bytes {
    let Piece { at, bytes } = piece;
    let mut head = String::new();
    if at.is_after_gap {
        head.push_str("missing\n");
    }
    let _ = writeln!(head, "{} {}", at.position, bytes.len());
    let mut framed = head.into_bytes();
    framed.extend_from_slice(bytes);
    framed.into()
}
