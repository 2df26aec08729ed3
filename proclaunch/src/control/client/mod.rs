//! The client: asks the supervisor over its unix socket, and waits for the answer.
//!
//! Every request has a connection of its own, so that a [`Client`] can be shared by threads and an answer can be left
//! unread. Nothing here prints.
//!
//! **Invariant:** what may have changed something is never asked twice by itself, unless asking twice is the same as
//! asking once: reading, `start`, `stop` and `scale`.

mod body;
mod connect;
mod events;
mod failure;
mod place;
mod request;
mod tail;

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::api;
use super::logs::Position;
use crate::sys::clock;

pub use body::Body;
pub use events::Events;
pub use failure::Failure;
pub use place::{By, Place};
pub use request::Query;
pub use tail::{Tail, failure};

use connect::Patience;
use request::Request;

/// How long reading may take: the supervisor answers from memory.
const READING: Duration = Duration::from_secs(10);
/// What an answer may be late, after the supervisor's own limit on waiting.
const LATE: Duration = Duration::from_secs(10);
/// How often reading is tried: of supervisors that are killed one after the other, one has the time for an answer.
const READ_MAX: u32 = 10;
/// How often an order is given again: a supervisor that ends each time is not only being replaced.
const ASKED_MAX: u32 = 50;
/// How long a profile's order is waited for, unless told otherwise.
pub const ORDER_TIMEOUT: Duration = Duration::from_secs(300);

/// Asks one supervisor. Cheap to copy; holds no connection.
#[derive(Clone, Debug)]
pub struct Client {
    place: Place,
}

/// What is ordered of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Be up.
    Start {
        /// Without asking `on_start`.
        force: bool,
    },
    /// Be down.
    Stop,
    /// Stop, then start.
    Restart,
    /// Send the reload signal.
    Reload,
    /// Send the signal of this name.
    Signal(String),
}

impl Order {
    /// The word for it, as in the path and on the command line.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Reload => "reload",
            Self::Signal(_) => "signal",
        }
    }

    /// Whether to order it twice is the same as once.
    const fn is_repeatable(&self) -> bool {
        match self {
            Self::Start { .. } | Self::Stop => true,
            Self::Restart | Self::Reload | Self::Signal(_) => false,
        }
    }
}

/// How an order's end is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Not at all: the answer says that it was taken.
    No,
    /// For at most so long.
    For(Duration),
}

/// Which output is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Output {
    /// So many of the last lines.
    pub lines: Option<u64>,
    /// What was written in the last so many seconds.
    pub since: Option<f64>,
    /// And what comes.
    pub follow: bool,
}

impl Output {
    fn query(&self) -> Query {
        let mut query = Query::default();
        if let Some(lines) = self.lines {
            query = query.with("lines", &lines.to_string());
        }
        if let Some(since) = self.since {
            query = query.with("since", &since.to_string());
        }
        if self.follow {
            query = query.with("follow", "true");
        }
        query
    }
}

impl Client {
    /// One that asks the supervisor of this place.
    pub const fn new(place: Place) -> Self {
        Self { place }
    }

    /// Which supervisor it asks.
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// The pid of the instance, if it lives.
    pub fn instance(&self) -> Option<i32> {
        connect::instance(&self.place.state_dir)
    }

    /// The profiles that one of these names or globs means, by name; without any, all.
    ///
    /// # Errors
    /// There is no answer. A name that means nothing is none.
    pub fn profiles(&self, names: &[String]) -> Result<api::Profiles, Failure> {
        let query = names.iter().fold(Query::default(), |query, name| query.with("name", name));
        self.read(&Request::get("/v1/profiles", &query))
    }

    /// One profile.
    pub fn profile(&self, name: &str) -> Result<api::Profile, Failure> {
        self.read(&Request::get(&of(name, ""), &Query::default()))
    }

    /// What happened to a profile.
    pub fn history(&self, name: &str) -> Result<api::History, Failure> {
        self.read(&Request::get(&of(name, "/history"), &Query::default()))
    }

    /// Why a profile is as it is.
    pub fn explain(&self, name: &str) -> Result<api::Explanation, Failure> {
        self.read(&Request::get(&of(name, "/explain"), &Query::default()))
    }

    /// ProcLaunch's own processes.
    pub fn own(&self) -> Result<api::Own, Failure> {
        self.read(&Request::get("/v1/self", &Query::default()))
    }

    /// A profile's output, as it comes: to be read to its end, which a followed one has only when the connection breaks.
    pub fn output(&self, name: &str, output: &Output) -> Result<Body, Failure> {
        self.body(name, output, &output.query())
    }

    /// The same across connections that break; `on_gap` is called where some of it is missing, because it is not kept
    /// any more.
    pub fn tail(
        &self,
        name: &str,
        output: Output,
        on_gap: impl FnMut() + Send + 'static,
    ) -> Result<Tail, Failure> {
        Tail::open(self.clone(), name, output, on_gap)
    }

    /// Output with its places, from one of them on.
    fn positioned(&self, name: &str, output: &Output, from: Option<Position>) -> Result<Body, Failure> {
        let query = output.query();
        let query = from.iter().fold(query, |query, from| query.with("from", &from.to_string()));
        self.body(name, output, &query.with("positions", "true"))
    }

    fn body(&self, name: &str, output: &Output, query: &Query) -> Result<Body, Failure> {
        let mut body = self.again(|| self.exchange(&Request::get(&of(name, "/log"), query), READING))?;
        body.wait_at_most(if output.follow { None } else { Some(READING) });
        Ok(body)
    }

    /// The events of the profiles that one of these globs means, and of ProcLaunch itself; without any, of all.
    ///
    /// With `follow` it has no end, and goes on by itself where it was after a connection that breaks.
    pub fn events(&self, globs: &[String], follow: bool) -> Events {
        Events::new(self.clone(), globs, follow)
    }

    /// Gives an order, and waits for what becomes of it.
    ///
    /// A connection that breaks meanwhile is made again for up to five seconds, and the order given again, where that
    /// is the same as once.
    ///
    /// # Errors
    /// [`Failure::Refused`] tells what became of the order if it is not done: its error's `result`.
    pub fn order(&self, name: &str, order: &Order, wait: Wait) -> Result<api::Ordered, Failure> {
        let query = match order {
            Order::Start { force: true } => Query::default().with("force", "true"),
            Order::Signal(signal) => Query::default().with("signal", signal),
            Order::Start { force: false } | Order::Stop | Order::Restart | Order::Reload => Query::default(),
        };
        self.insist(&of(name, &format!("/{}", order.verb())), &query, wait, order.is_repeatable())
    }

    /// Has so many instances of a directory run, and waits for it as for an order.
    ///
    /// # Errors
    /// As for [`Self::order`].
    pub fn scale(&self, name: &str, count: u16, wait: Wait) -> Result<api::Scaled, Failure> {
        let query = Query::default().with("count", &count.to_string());
        self.insist(&of(name, "/scale"), &query, wait, true)
    }

    /// Asks for something that is waited for, and again if the connection breaks and that is the same as once.
    fn insist<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &Query,
        wait: Wait,
        is_repeatable: bool,
    ) -> Result<T, Failure> {
        let begun = clock::now();
        let mut passed = Duration::ZERO;
        let mut asked = 0;
        loop {
            asked += 1;
            let query = query.clone();
            let (query, limit, patience) = match wait {
                Wait::No => (query.with("wait", "false"), READING, READING),
                Wait::For(time) => {
                    let left = time.saturating_sub(passed).max(Duration::from_millis(1));
                    (query.with("timeout", &seconds(left)), left + LATE, time)
                }
            };
            match self.exchange(&Request::post(path, &query), limit).and_then(Body::json) {
                Err(failure)
                    if failure.is_passing() && is_repeatable && passed < patience && asked < ASKED_MAX =>
                {
                    self.wait_for_the_next()?;
                    passed = clock::now().since(begun);
                }
                answer => return answer,
            }
        }
    }

    /// Runs a hook of a live profile once. The supervisor limits how long it runs.
    pub fn run_hook(&self, name: &str, hook: &str, dry_run: bool) -> Result<api::HookRun, Failure> {
        let query = if dry_run { Query::default().with("dry_run", "true") } else { Query::default() };
        let request = Request::post(&of(name, &format!("/hooks/{}", request::encoded(hook))), &query);
        self.exchange(&request, HOOK_MAX).and_then(Body::json)
    }

    /// Has all profile directories read again.
    pub fn rescan(&self) -> Result<api::Done, Failure> {
        self.exchange(&Request::post("/v1/rescan", &Query::default()), ORDER_TIMEOUT).and_then(Body::json)
    }

    /// Stops all profiles and ends the supervisor: answered when that has begun.
    pub fn shutdown(&self) -> Result<api::Done, Failure> {
        self.exchange(&Request::post("/v1/shutdown", &Query::default()), READING).and_then(Body::json)
    }

    /// Upgrades in place: answered when that has begun.
    pub fn upgrade(&self) -> Result<api::Done, Failure> {
        self.exchange(&Request::post("/v1/upgrade", &Query::default()), READING).and_then(Body::json)
    }

    /// Reads, and again if the connection breaks.
    fn read<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Failure> {
        self.again(|| self.exchange(request, READING).and_then(Body::json))
    }

    /// Does what may be done twice, and does it again if the connection breaks.
    fn again<T>(&self, ask: impl Fn() -> Result<T, Failure>) -> Result<T, Failure> {
        for _ in 1..READ_MAX {
            match ask() {
                Err(failure) if failure.is_passing() => self.wait_for_the_next()?,
                answer => return answer,
            }
        }
        ask()
    }

    /// Sends one request, and reads the head of its answer; silence of so long is a failure.
    ///
    /// # Errors
    /// The answer is no success, or does not come.
    fn exchange(&self, request: &Request, silence: Duration) -> Result<Body, Failure> {
        let stream = self.connect(Patience::Fresh)?;
        request.send(stream, silence)?.or_refused()
    }

    /// Waits until a supervisor listens again after one that was there a moment ago; for up to five seconds.
    pub fn wait_for_the_next(&self) -> Result<(), Failure> {
        connect::pause();
        self.connect(Patience::Broken).map(drop)
    }

    fn connect(&self, patience: Patience) -> Result<std::os::unix::net::UnixStream, Failure> {
        connect::connect(&self.place, patience)
    }
}

/// `on_start` may run for ten minutes.
const HOOK_MAX: Duration = Duration::from_secs(660);

/// The path of a profile, or of something of it.
fn of(name: &str, rest: &str) -> String {
    format!("/v1/profiles/{}{rest}", request::encoded(name))
}

/// Seconds as the query takes them: with a fraction where there is one.
fn seconds(time: Duration) -> String {
    // Less than a millisecond is nothing to wait for.
    let millis = time.as_millis();
    if millis.is_multiple_of(1000) {
        (millis / 1000).to_string()
    } else {
        format!("{}.{:03}", millis / 1000, millis % 1000)
    }
}
