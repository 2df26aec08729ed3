//! What has happened lately, and who is told of it.
//!
//! **Invariant:** a slow reader holds nothing up and costs nothing: it reads from what is kept for all, and is told how
//! much it has missed.
//! **Invariant:** an id is never used twice: it names this server and counts its events.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use hyper::body::Bytes;
use proclaunch_core::ids::ProfileName;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::Server;
use super::answer::END;
use crate::control::api::Event;
use crate::control::bridge::Told;
use crate::control::convert::Clocks;
use crate::control::glob::{Glob, any_matches};

/// How many are kept.
const KEPT_MAX: usize = 4096;

/// How many of them are kept as they are sent: whoever follows is rarely further behind.
const READY_MAX: usize = 64;

/// How often a follower that is told nothing is sent a comment, so that both sides know that the other lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How many bytes are handed over in one piece, more or less.
const PIECE: usize = 16 * 1024;

/// How many pieces a reader may be behind before it reads from what is kept.
const PIECES_MAX: usize = 4;

/// The last events.
#[derive(Debug)]
pub(super) struct Events {
    instance: u64,
    kept: RefCell<VecDeque<Kept>>,
    /// The newest, as they are sent, once somebody was sent them.
    ready: RefCell<VecDeque<Option<Bytes>>>,
    /// How many there were; the newest has this number.
    newest: Cell<u64>,
    more: Notify,
}

#[derive(Debug)]
struct Kept {
    name: Option<ProfileName>,
    /// A fifth of what it is as JSON: without its id, which its place tells.
    event: Box<[u8]>,
}

/// Where a reader begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// After the event of this number.
    after: u64,
    /// What it has read last is not known here: it has missed some.
    misses: bool,
}

impl Events {
    /// None yet. `instance` is a number that no other server has.
    pub(super) fn new(instance: u64) -> Self {
        Self {
            instance,
            kept: RefCell::default(),
            ready: RefCell::default(),
            newest: Cell::new(0),
            more: Notify::new(),
        }
    }

    /// Keeps what has happened, and wakes who waits for it.
    pub(super) fn push(&self, clocks: &Clocks, told: &Told) {
        let serial = self.newest.get() + 1;
        let name = match told {
            Told::Happened { name, .. } => Some(name.clone()),
            Told::Own { name, .. } => name.clone(),
            Told::Lost(_) => None,
        };
        let event = pack(&clocks.event(String::new(), told));
        push_up_to(KEPT_MAX, &mut self.kept.borrow_mut(), Kept { name, event });
        push_up_to(READY_MAX, &mut self.ready.borrow_mut(), None);
        self.newest.set(serial);
        self.more.notify_waiters();
    }

    /// Resolves with the next one, which counts from this call on.
    pub(super) fn next(&self) -> Pin<Box<Notified<'_>>> {
        let mut next = Box::pin(self.more.notified());
        next.as_mut().enable();
        next
    }

    fn id(&self, serial: u64) -> String {
        format!("{:016x}-{serial}", self.instance)
    }

    /// The number of the oldest that is kept, or that the first one will have.
    fn oldest(&self) -> u64 {
        self.newest.get() + 1 - self.kept.borrow().len() as u64
    }

    /// Where a reader goes on that has read `last`; one that has read nothing begins with what is kept.
    pub(super) fn start(&self, last: Option<&str>) -> Start {
        let Some(last) = last else { return Start { after: self.oldest() - 1, misses: false } };
        let known = last.split_once('-').and_then(|(instance, serial)| {
            let is_own = u64::from_str_radix(instance, 16) == Ok(self.instance);
            is_own.then(|| serial.parse().ok()).flatten()
        });
        match known.filter(|serial| *serial <= self.newest.get()) {
            Some(after) => Start { after, misses: false },
            None => Start { after: self.oldest() - 1, misses: true },
        }
    }

    /// What comes after a number, as much of it as is sent in one piece; and the number to go on from.
    fn piece(&self, start: Start, globs: &[Glob]) -> (Vec<u8>, Start) {
        let oldest = self.oldest();
        let mut after = start.after;
        let mut piece = Vec::new();
        if start.misses || after + 1 < oldest {
            let count = (!start.misses).then(|| oldest - 1 - after);
            after = after.max(oldest - 1);
            piece.extend_from_slice(&frame(&Clocks::read().missed(self.id(after), count)));
        }
        let (kept, mut ready) = (self.kept.borrow(), self.ready.borrow_mut());
        let packed = self.newest.get() - ready.len() as u64;
        let skipped = usize::try_from(after + 1 - oldest).unwrap_or(usize::MAX);
        for event in kept.iter().skip(skipped) {
            if piece.len() >= PIECE {
                break;
            }
            after += 1;
            let is_wanted = match &event.name {
                Some(name) => any_matches(globs, name),
                None => globs.is_empty(),
            };
            if !is_wanted {
                continue;
            }
            let made = || frame(&Event { id: self.id(after), ..unpack(&event.event) });
            let place = after.checked_sub(packed + 1).and_then(|place| usize::try_from(place).ok());
            match place.and_then(|place| ready.get_mut(place)) {
                Some(ready) => piece.extend_from_slice(ready.get_or_insert_with(made)),
                None => piece.extend_from_slice(&made()),
            }
        }
        (piece, Start { after, misses: false })
    }
}

fn push_up_to<T>(most: usize, items: &mut VecDeque<T>, item: T) {
    if items.len() >= most {
        items.pop_front();
    }
    items.push_back(item);
}

fn pack(event: &Event) -> Box<[u8]> {
    postcard::to_stdvec(event).expect("an event has nothing without a known length").into()
}

fn unpack(bytes: &[u8]) -> Event {
    postcard::from_bytes(bytes).expect("it was packed by this process")
}

/// An event as the standard for server-sent events has it: JSON has no line ends.
fn frame(event: &Event) -> Bytes {
    let data = serde_json::to_string(event).expect("an event has no maps with keys that are no text");
    format!("id: {}\nevent: {}\ndata: {data}\n\n", event.id, event.kind).into()
}

/// Tells a client what has happened, and with `follow` what happens, until it goes.
pub(super) fn tell(server: Rc<Server>, start: Start, globs: Vec<Glob>, follow: bool) -> Receiver<Bytes> {
    let (sender, receiver) = channel(PIECES_MAX);
    let own = Rc::clone(&server);
    own.spawn(async move {
        tokio::select! {
            () = pour(&server.events, &sender, start, &globs, follow) => {}
            () = sender.closed() => {}
            () = server.ending() => {}
        }
    });
    receiver
}

async fn pour(events: &Events, sender: &Sender<Bytes>, mut start: Start, globs: &[Glob], follow: bool) {
    if follow {
        // The head of the answer comes with the first piece: whoever follows is to know that it does.
        let _ = sender.send(Bytes::from_static(b":\n\n")).await;
    }
    loop {
        let more = events.next();
        while start.misses || start.after < events.newest.get() {
            let (piece, next) = events.piece(start, globs);
            start = next;
            if !piece.is_empty() && sender.send(piece.into()).await.is_err() {
                return;
            }
        }
        if !follow {
            let _ = sender.send(END).await;
            return;
        }
        if tokio::time::timeout(HEARTBEAT, more).await.is_err()
            && sender.send(Bytes::from_static(b":\n\n")).await.is_err()
        {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use proclaunch_core::clock::Moment;
    use proclaunch_core::log::Level;

    use super::*;

    fn events(count: u64) -> Events {
        let events = Events::new(0xab);
        for index in 0..count {
            push(&events, index % 2 == 0);
        }
        events
    }

    fn push(events: &Events, is_web: bool) {
        let name = ProfileName::parse(if is_web { "web" } else { "db" });
        let told = Told::Own {
            at: Moment::default(),
            kind: "supervisor",
            level: Level::Info,
            name,
            text: "a line\nand another".to_owned(),
        };
        events.push(&Clocks { now: Moment::default(), wall: 0 }, &told);
    }

    /// The ids and kinds of everything from a start on.
    fn all(events: &Events, mut start: Start, globs: &[Glob]) -> Vec<(String, String)> {
        let mut text = String::new();
        while start.misses || start.after < events.newest.get() {
            let (piece, next) = events.piece(start, globs);
            assert!(next.after > start.after || start.misses, "it goes on");
            text.push_str(std::str::from_utf8(&piece).unwrap());
            start = next;
        }
        let frame = |frame: &str| {
            let lines: Vec<&str> = frame.lines().collect();
            let [id, kind, data] = lines[..] else { panic!("{frame}") };
            let event: Event = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(id.strip_prefix("id: "), Some(&*event.id));
            assert_eq!(kind.strip_prefix("event: "), Some(&*event.kind));
            (event.id, event.kind)
        };
        text.split_terminator("\n\n").map(frame).collect()
    }

    #[test]
    fn all_that_is_kept_comes_once_and_in_order() {
        let events = events(1000);
        let found = all(&events, events.start(None), &[]);
        let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
        let expect: Vec<String> = (1..=1000).map(|serial| format!("00000000000000ab-{serial}")).collect();
        assert_eq!(ids, expect);
        let last = events.start(Some("00000000000000ab-997"));
        assert_eq!(all(&events, last, &[]).len(), 3);
        assert_eq!(all(&events, last, &[Glob::parse("web").unwrap()]).len(), 1);
        assert_eq!(all(&events, events.start(Some("00000000000000ab-1000")), &[]), []);
    }

    #[test]
    fn whoever_lags_or_comes_from_elsewhere_is_told_that_it_has_missed_something() {
        let events = events(KEPT_MAX as u64 + 10);
        let late = all(&events, events.start(Some("00000000000000ab-4")), &[]);
        assert_eq!(late[0], ("00000000000000ab-10".to_owned(), "missed".to_owned()), "6 are gone");
        assert_eq!((late.len(), &*late[1].0), (KEPT_MAX + 1, "00000000000000ab-11"));
        for id in ["00000000000000cd-4", "00000000000000ab-99999", "00000000000000ab-", "x"] {
            let found = all(&events, events.start(Some(id)), &[]);
            assert_eq!((found.len(), &*found[0].1), (KEPT_MAX + 1, "missed"), "{id}");
        }
        assert_eq!(all(&events, events.start(None), &[]).len(), KEPT_MAX, "a new reader has missed nothing");
    }
}
