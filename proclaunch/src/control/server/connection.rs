//! One connection: its requests one after the other, and its deadlines.
//!
//! **Invariant:** whoever begins a request has [`REQUEST`] to send all of it, and whoever is answered has [`STALLED`] to
//! take some of the answer; whoever does neither costs a descriptor and no timer. Only a stream that has an end may be
//! read as slowly as people read.
//! **Invariant:** a follower for whom there is nothing is not slow: time counts from a write that found no room.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::Server;
use super::clients::Place;
use super::dispatch;
use super::rights::Peer;
use crate::control::bridge::{Ask, Inbox};

/// How long a client may take to send a request, from its first byte.
pub(super) const REQUEST: Duration = Duration::from_secs(10);

/// How long a client may take nothing of its answer although there is something for it.
pub(super) const STALLED: Duration = Duration::from_secs(30);

/// The largest head of a request, in bytes. A query names many profiles.
const HEAD_MAX: usize = 64 * 1024;

/// How many headers a request may have.
const HEADERS_MAX: usize = 64;

/// What a connection is doing, as its deadlines see it.
#[derive(Debug)]
pub(super) struct Watch {
    place: Place,
    phase: Cell<Phase>,
    /// Since when the client takes nothing.
    stalled: Cell<Option<Instant>>,
    /// It reads a stream that has an end, in a pager perhaps.
    is_patient: Cell<bool>,
    /// What was asked for last.
    asked: RefCell<String>,
    /// To be asked for once its answer is out.
    upgrade: RefCell<Option<Upgrade>>,
    changed: Notify,
}

/// An upgrade, which is asked of the reactor when this is dropped.
///
/// This process is killed for it, and an answer that is not out by then is lost. So it waits for that, or until the
/// client has gone.
#[derive(Debug)]
pub(super) struct Upgrade(pub(super) Arc<Inbox>);

impl Drop for Upgrade {
    fn drop(&mut self) {
        self.0.ask(Ask::Upgrade);
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Reading(Instant),
    Busy,
}

/// What a client has taken too long for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Overdue {
    /// To send a request.
    Request,
    /// To take some of an answer.
    Answer,
}

impl Watch {
    fn new(place: Place) -> Rc<Self> {
        Rc::new(Self {
            place,
            phase: Cell::new(Phase::Idle),
            stalled: Cell::new(None),
            is_patient: Cell::new(false),
            asked: RefCell::default(),
            upgrade: RefCell::default(),
            changed: Notify::new(),
        })
    }

    /// What is asked for, in the log's words.
    pub(super) fn asks(&self, what: String) {
        *self.asked.borrow_mut() = what;
    }

    /// Has an upgrade follow the answer.
    pub(super) fn upgrade(&self, upgrade: Upgrade) {
        *self.upgrade.borrow_mut() = Some(upgrade);
    }

    /// A request has come.
    pub(super) fn begin(self: &Rc<Self>) -> Busy {
        self.set(Phase::Busy);
        Busy(Rc::clone(self))
    }

    fn set(&self, phase: Phase) {
        let was_idle = self.phase.replace(phase) == Phase::Idle;
        if was_idle != (phase == Phase::Idle) {
            self.place.set_idle(!was_idle);
        }
        if matches!(phase, Phase::Reading(_)) {
            self.changed.notify_one();
        }
    }

    fn deadline(&self) -> Option<(Instant, Overdue)> {
        let stalled = self.stalled.get().filter(|_| !self.is_patient.get());
        let stalled = stalled.map(|since| (since + STALLED, Overdue::Answer));
        let request = match self.phase.get() {
            Phase::Reading(since) => Some((since + REQUEST, Overdue::Request)),
            Phase::Idle | Phase::Busy => None,
        };
        [stalled, request].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    fn took(&self, took: bool) {
        if took {
            self.stalled.set(None);
        } else if self.stalled.get().is_none() {
            self.stalled.set(Some(Instant::now()));
            self.changed.notify_one();
        }
    }

    /// Resolves when the client has taken too long.
    async fn overdue(&self) -> Overdue {
        loop {
            let Some((at, _)) = self.deadline() else {
                self.changed.notified().await;
                continue;
            };
            tokio::select! {
                () = sleep_until(at) => match self.deadline() {
                    Some((at, what)) if at <= Instant::now() => return what,
                    Some(_) | None => {}
                },
                () = self.changed.notified() => {}
            }
        }
    }
}

/// That a connection has a request to answer; dropped when it is answered.
#[derive(Debug)]
pub(super) struct Busy(Rc<Watch>);

impl Busy {
    /// The answer may be taken as slowly as people read.
    pub(super) fn be_patient(&self) {
        self.0.is_patient.set(true);
        self.0.changed.notify_one();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.is_patient.set(false);
        self.0.set(Phase::Idle);
    }
}

/// A stream that is watched.
struct Watched<S> {
    stream: S,
    watch: Rc<Watch>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before && self.watch.phase.get() == Phase::Idle {
            self.watch.set(Phase::Reading(Instant::now()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.watch.took(written.is_ready());
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        // Only when it has nothing left to write does hyper flush.
        if flushed.is_ready() && self.watch.phase.get() == Phase::Idle {
            drop(self.watch.upgrade.take());
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Serves one connection until it ends.
pub(super) async fn serve<S>(server: Rc<Server>, stream: S, peer: Peer, place: Place)
where
    S: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let watch = Watch::new(place);
    let io = TokioIo::new(Watched { stream, watch: Rc::clone(&watch) });
    let peer = Rc::new(peer);
    let (ends, watched, client) = (Rc::clone(&server), Rc::clone(&watch), Rc::clone(&peer));
    let service = hyper::service::service_fn(move |request| {
        dispatch::answer(Rc::clone(&server), Rc::clone(&client), Rc::clone(&watched), request)
    });
    let mut http = http1::Builder::new();
    http.max_buf_size(HEAD_MAX).max_headers(HEADERS_MAX).keep_alive(true).half_close(false);
    let mut connection = pin!(http.serve_connection(io, service));
    let is_ending = tokio::select! {
        // A client that has gone, or wrote what is no HTTP, is nobody's trouble but its own.
        _ = connection.as_mut() => false,
        what = watch.overdue() => {
            if what == Overdue::Answer {
                ends.complaints.dropped(&ends.log, &peer, &watch.asked.borrow(), STALLED);
            }
            false
        }
        () = watch.place.lost() => false,
        () = ends.ending() => true,
    };
    if is_ending {
        // What is being answered is answered; then there is no next request.
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

#[cfg(test)]
mod tests {
    use proclaunch_core::clock::Moment;
    use proclaunch_core::ids::ProfileName;
    use proclaunch_core::log::Level;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::{Duration, pause, timeout};

    use super::super::rights::{Owner, Rights};
    use super::super::tests::{server, within};
    use super::*;
    use crate::control::bridge::Told;
    use crate::control::convert::Clocks;

    /// A client of a server whose log is in this directory, who has asked for that and has taken no more of the answer
    /// than `buffer` bytes; and the end of its connection.
    async fn asking(
        dir: &std::path::Path,
        target: &str,
        buffer: usize,
    ) -> (Rc<Server>, DuplexStream, tokio::task::JoinHandle<()>) {
        let (server, _inbox) = server(dir);
        let (mut client, stream) = duplex(buffer);
        let (owner, shown) = (Owner::User(1001), "user web, pid 7".to_owned());
        let rights = Rights { controls: true, reads: true };
        let peer = Peer { owner, rights, is_trusted: false, shown };
        let place = server.clients.admit(owner, false).unwrap();
        let served = tokio::task::spawn_local(serve(Rc::clone(&server), stream, peer, place));
        client.write_all(format!("{target} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
        (server, client, served)
    }

    fn happen(server: &Server, count: usize) {
        let told = Told::Own {
            at: Moment::default(),
            kind: "supervisor",
            level: Level::Info,
            name: ProfileName::parse("web"),
            text: "a line".to_owned(),
        };
        for _ in 0..count {
            server.events.push(&Clocks { now: Moment::default(), wall: 0 }, &told);
        }
    }

    #[test]
    fn a_follower_that_takes_nothing_of_what_there_is_for_it_is_dropped_and_named() {
        let temp = tempfile::tempdir().unwrap();
        within(async {
            pause();
            let (server, mut client, served) = asking(temp.path(), "GET /v1/events?follow=true", 4096).await;
            client.read_exact(&mut [0; 100]).await.unwrap();
            happen(&server, 2000);
            // It lags, but reads.
            for _ in 0..5 {
                tokio::time::sleep(STALLED / 2).await;
                client.read_exact(&mut [0; 2000]).await.unwrap();
            }
            assert!(!served.is_finished());
            timeout(STALLED * 2, served).await.expect("it is dropped").unwrap();
            assert!(server.complaints.has_dropped(Owner::User(1001)));
            // It sees an end that is none of the stream.
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await.unwrap();
            assert!(!rest.ends_with(b"0\r\n\r\n"));
        });
    }

    #[test]
    fn a_follower_for_whom_there_is_nothing_and_a_reader_of_what_has_an_end_stay() {
        let temp = tempfile::tempdir().unwrap();
        within(async {
            pause();
            let (server, mut client, served) = asking(temp.path(), "GET /v1/events?follow=true", 4096).await;
            // The comments of some hours are 8 bytes each, and fit into the buffer.
            tokio::time::sleep(Duration::from_secs(3600)).await;
            client.read_exact(&mut [0; 100]).await.unwrap();
            happen(&server, 1);
            tokio::time::sleep(Duration::from_secs(3600)).await;
            assert!(!served.is_finished());
            happen(&server, 2000);
            let (_, mut reader, read) = asking(temp.path(), "GET /v1/events", 4096).await;
            tokio::time::sleep(Duration::from_secs(3600)).await;
            assert!(served.is_finished(), "it had taken nothing for an hour");
            assert!(!read.is_finished());
            reader.read_exact(&mut [0; 20]).await.unwrap();
        });
    }

    #[test]
    fn an_upgrade_is_asked_for_once_its_answer_is_out_or_nobody_wants_it() {
        let temp = tempfile::tempdir().unwrap();
        within(async {
            pause();
            let moment = Duration::from_secs(1);
            for reads in [true, false] {
                let (server, mut client, _served) = asking(temp.path(), "POST /v1/upgrade", 64).await;
                tokio::time::sleep(moment).await;
                assert!(server.inbox.take().0.is_empty(), "the answer is longer than what was taken");
                if reads {
                    while client.read_u8().await.unwrap() != b'}' {}
                } else {
                    drop(client);
                }
                tokio::time::sleep(moment).await;
                assert!(matches!(server.inbox.take().0[..], [Ask::Upgrade]), "{reads}");
            }
        });
    }
}
