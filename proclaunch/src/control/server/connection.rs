//! One connection: its requests one after the other, and its deadlines.
//!
//! **Invariant:** whoever begins a request has [`REQUEST`] to send all of it, and whoever is answered has [`STALLED`] to
//! take some of the answer; whoever does neither, and follows nothing, costs a descriptor and no timer.

use std::cell::Cell;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
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

/// How long a client may take to send a request, from its first byte.
pub(super) const REQUEST: Duration = Duration::from_secs(10);

/// How long a client may take nothing of its answer; one that follows something may take as long as it likes.
const STALLED: Duration = Duration::from_secs(30);

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
    /// What it is sent goes on and on.
    follows: Cell<bool>,
    changed: Notify,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Idle,
    Reading(Instant),
    Busy,
}

impl Watch {
    fn new(place: Place) -> Rc<Self> {
        Rc::new(Self {
            place,
            phase: Cell::new(Phase::Idle),
            stalled: Cell::new(None),
            follows: Cell::new(false),
            changed: Notify::new(),
        })
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

    fn deadline(&self) -> Option<Instant> {
        let stalled = self.stalled.get().filter(|_| !self.follows.get()).map(|since| since + STALLED);
        match self.phase.get() {
            Phase::Reading(since) => Some(stalled.map_or(since + REQUEST, |at| at.min(since + REQUEST))),
            Phase::Idle | Phase::Busy => stalled,
        }
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
    async fn overdue(&self) {
        loop {
            let Some(at) = self.deadline() else {
                self.changed.notified().await;
                continue;
            };
            tokio::select! {
                () = sleep_until(at) => if self.deadline().is_some_and(|at| at <= Instant::now()) { return },
                () = self.changed.notified() => {}
            }
        }
    }
}

/// That a connection has a request to answer; dropped when it is answered.
#[derive(Debug)]
pub(super) struct Busy(Rc<Watch>);

impl Busy {
    /// The answer goes on and on.
    pub(super) fn follow(&self) {
        self.0.follows.set(true);
        self.0.changed.notify_one();
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.follows.set(false);
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
        Pin::new(&mut self.stream).poll_flush(cx)
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
    let (peer, watched) = (Rc::new(peer), Rc::clone(&watch));
    let ends = Rc::clone(&server);
    let service = hyper::service::service_fn(move |request| {
        dispatch::answer(Rc::clone(&server), Rc::clone(&peer), Rc::clone(&watched), request)
    });
    let mut http = http1::Builder::new();
    http.max_buf_size(HEAD_MAX).max_headers(HEADERS_MAX).keep_alive(true).half_close(false);
    let mut connection = pin!(http.serve_connection(io, service));
    let is_ending = tokio::select! {
        // A client that has gone, or wrote what is no HTTP, is nobody's trouble but its own.
        _ = connection.as_mut() => false,
        () = watch.overdue() => false,
        () = watch.place.lost() => false,
        () = ends.ending() => true,
    };
    if is_ending {
        // What is being answered is answered; then there is no next request.
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}
