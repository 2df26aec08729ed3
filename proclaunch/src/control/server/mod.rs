//! The server: a thread of the supervisor's that answers HTTP, beside that of the hooks.
//!
//! ```text
//! clients ── socket ──► connection ── dispatch ── Ask ──► Inbox (eventfd) ──► reactor
//!                                        ▲                                      │
//!                                        └── oneshot, channel ◄─────────────────┤
//!                                 events ◄── Told ◄─────────────────────────────┘
//! ```
//!
//! A request is understood by [`request`], which is pure; who may make it is decided by [`rights`]; a handler asks the
//! reactor, or looks at files itself, and makes an answer of it.
//!
//! **Invariant:** the reactor never waits for this thread, and dies of nothing that happens on it.
//! **Invariant:** when nobody asks and nothing happens, it does not wake up.

mod answer;
mod clients;
mod complaints;
mod connection;
mod content;
mod dispatch;
mod events;
mod hooks;
mod listen;
mod orders;
mod output;
mod ready;
pub mod request;
pub mod rights;
mod scale;
pub mod socket;
pub mod token;

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc as std_mpsc;
use std::thread;
use std::time::Duration;

use proclaunch_core::clock::Moment;
use tokio::runtime;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::timeout;

use super::bridge::{Ask, Inbox, Told, UNSETTLED, View};
use super::convert::Clocks;
use super::metrics::Recorder;
use crate::cli::Settings;
use crate::logging::Log;
use crate::panics::CONTROL;
use crate::sys::priority;

use clients::Clients;
use complaints::Complaints;
use content::Contents;
use events::Events;

/// How much may have happened that this thread has not yet taken: a fleet of thousands begins in one moment.
const TOLD_MAX: usize = 64 * 1024;

/// How long the reactor may take to answer: it never waits for anything, so that this is a machine that stands still.
const ANSWER: Duration = Duration::from_secs(10);

/// How long clients may take to be answered when the supervisor ends.
const FAREWELL: Duration = Duration::from_millis(300);

/// What the server is to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the socket is.
    pub state_dir: PathBuf,
    /// Where the profiles are.
    pub profiles_dir: PathBuf,
    /// The group whose members may give orders, by name or number.
    pub control_group: Option<String>,
    /// The group whose members may read.
    pub status_group: Option<String>,
    /// Where it is served over TCP.
    pub listen: Option<SocketAddr>,
    /// The file of the token by which orders are given there.
    pub token_file: Option<PathBuf>,
}

impl Config {
    /// As the supervisor was told.
    pub fn of(settings: &Settings) -> Self {
        Self {
            state_dir: settings.state_dir.clone(),
            profiles_dir: settings.profiles_dir.clone(),
            control_group: settings.access.control_group.clone(),
            status_group: settings.access.status_group.clone(),
            listen: settings.access.listen,
            token_file: settings.access.token_file.clone(),
        }
    }
}

/// The reactor's hold on the thread.
#[derive(Debug)]
pub struct Handle {
    /// What is told; dropped, it has the thread answer what it can, and end.
    pub told: mpsc::Sender<Told>,
    /// Closed when the thread has ended.
    ended: std_mpsc::Receiver<()>,
}

impl Handle {
    /// Has the thread answer what it can and end, and waits for that a moment.
    pub fn finish(self) {
        let Self { told, ended } = self;
        drop(told);
        // Whatever becomes of it: the process ends.
        let _ = ended.recv_timeout(FAREWELL * 2);
    }
}

/// Starts the thread. It asks through `inbox`, and closes that when it ends.
///
/// # Errors
/// There is no thread or descriptor to be had.
pub fn start(
    config: Config,
    instance: u64,
    inbox: Arc<Inbox>,
    recorder: Arc<Recorder>,
    log: Log,
) -> io::Result<Handle> {
    let runtime = runtime::Builder::new_current_thread().enable_time().enable_io().build()?;
    let (told, receiver) = mpsc::channel(TOLD_MAX);
    let (ending, ended) = std_mpsc::sync_channel::<()>(1);
    thread::Builder::new().name(CONTROL.to_owned()).spawn(move || {
        let _closes = (Closes(Arc::clone(&inbox)), ending);
        // The reactor goes first where both want the same processor.
        let _ = priority::step_back();
        let server = Server::new(config, Events::new(instance), inbox, Contents::new(recorder), log);
        tokio::task::LocalSet::new().block_on(&runtime, run(Rc::new(server), receiver));
        // A look at files that is still under way is nobody's any more.
        runtime.shutdown_background();
    })?;
    Ok(Handle { told, ended })
}

/// Says that nobody asks any more when the thread ends, however it does.
struct Closes(Arc<Inbox>);

impl Drop for Closes {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What all connections share.
struct Server {
    config: Config,
    inbox: Arc<Inbox>,
    log: Log,
    clients: Rc<Clients>,
    complaints: Complaints,
    events: Events,
    contents: Contents,
    /// The last view there was.
    view: RefCell<Option<Arc<View>>>,
    token: RefCell<Option<Vec<u8>>>,
    ends: watch::Sender<bool>,
    connections: Cell<usize>,
    /// Told when a task has panicked.
    broken: Notify,
    /// Told when the socket was removed.
    removed: Notify,
    /// When it was last looked whether it is there.
    looked: Cell<Moment>,
}

/// Sees whether a task ends by a panic, which tokio keeps to the task: nobody knows then what else it has left behind.
struct Sentry(Rc<Server>);

impl Drop for Sentry {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.broken.notify_one();
        }
    }
}

/// The reactor has not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct NoAnswer;

impl Server {
    fn new(config: Config, events: Events, inbox: Arc<Inbox>, contents: Contents, log: Log) -> Self {
        Self {
            config,
            inbox,
            log,
            clients: Rc::default(),
            complaints: Complaints::default(),
            events,
            contents,
            view: RefCell::default(),
            token: RefCell::default(),
            ends: watch::Sender::new(false),
            connections: Cell::new(0),
            broken: Notify::new(),
            removed: Notify::new(),
            looked: Cell::default(),
        }
    }

    /// Does something beside everything else. Should it panic, the thread ends, and another takes its place.
    fn spawn(self: &Rc<Self>, task: impl Future<Output = ()> + 'static) {
        let sentry = Sentry(Rc::clone(self));
        tokio::task::spawn_local(async move {
            let _sentry = sentry;
            task.await;
        });
    }

    /// Resolves when the supervisor ends.
    async fn ending(&self) {
        // The sender is in `self`: it lives.
        let _ = self.ends.subscribe().wait_for(|ends| *ends).await;
    }

    /// All profiles as they are. The reactor is woken only if something has happened since the last time.
    async fn view(&self) -> Result<Arc<View>, NoAnswer> {
        let revision = self.inbox.revision();
        let known = self.view.borrow().clone().filter(|view| view.revision == revision);
        if let (Some(view), false) = (known, revision == UNSETTLED) {
            return Ok(view);
        }
        let view = self.ask(Ask::View).await?;
        *self.view.borrow_mut() = Some(Arc::clone(&view));
        Ok(view)
    }

    /// Asks the reactor.
    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Result<T, NoAnswer> {
        let (sender, receiver) = oneshot::channel();
        self.inbox.ask(ask(sender));
        match timeout(ANSWER, receiver).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(NoAnswer),
        }
    }
}

/// Serves until the reactor has ended, or a bug has shown.
async fn run(server: Rc<Server>, mut told: mpsc::Receiver<Told>) {
    let file = listen::begin(&server);
    loop {
        tokio::select! {
            one = told.recv() => match one {
                Some(one) => {
                    let clocks = Clocks::read();
                    server.events.push(&clocks, &one);
                    server.look_at_socket(&file, clocks.now, matches!(one, Told::Own { .. }));
                }
                None => break,
            },
            () = server.broken.notified() => return,
        }
    }
    server.ends.send_replace(true);
    if let Some(file) = file.borrow_mut().take() {
        file.remove();
    }
    let mut ends = server.ends.subscribe();
    let answered = async {
        while server.connections.get() > 0 {
            let _ = ends.changed().await;
        }
    };
    // Those who are not answered by then find out when this process is gone.
    let _ = timeout(FAREWELL, answered).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{LogLevel, LogTarget};

    /// A server of this directory, whose log is the file `log` in it.
    pub(super) fn server(dir: &std::path::Path) -> (Rc<Server>, Arc<Inbox>) {
        let config = Config {
            state_dir: dir.to_owned(),
            profiles_dir: dir.to_owned(),
            control_group: None,
            status_group: None,
            listen: None,
            token_file: None,
        };
        let inbox = Arc::new(Inbox::new().unwrap());
        let log = Log::open(&LogTarget::File(dir.join("log")), LogLevel::Info).unwrap();
        let server = Server::new(config, Events::new(1), Arc::clone(&inbox), Contents::default(), log);
        (Rc::new(server), inbox)
    }

    pub(super) fn within<T>(work: impl Future<Output = T>) -> T {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, work)
    }

    #[test]
    fn a_task_that_panics_ends_the_thread_and_a_server_ends_with_the_reactor() {
        let temp = tempfile::tempdir().unwrap();
        within(async {
            let (server, _inbox) = server(temp.path());
            let (_told, receiver) = mpsc::channel(1);
            server.spawn(async { panic!("a bug, made for this test") });
            run(Rc::clone(&server), receiver).await;
        });
        within(async {
            let (server, _inbox) = server(temp.path());
            let (told, receiver) = mpsc::channel(1);
            drop(told);
            run(server, receiver).await;
        });
        assert!(!temp.path().join(socket::NAME).exists());
    }

    #[test]
    fn a_view_that_is_the_newest_is_not_asked_for_again() {
        let temp = tempfile::tempdir().unwrap();
        within(async {
            let (server, inbox) = server(temp.path());
            let answer = |revision| {
                for ask in inbox.take().0 {
                    let Ask::View(sender) = ask else { panic!("{ask:?}") };
                    sender.send(Arc::new(View { revision, ..View::default() })).unwrap();
                }
            };
            let first = tokio::join!(server.view(), async { answer(7) }).0.unwrap();
            inbox.set_revision(7);
            assert!(Arc::ptr_eq(&first, &server.view().await.unwrap()));
            // Something is happening: only the reactor knows what is seen afterwards.
            inbox.set_revision(UNSETTLED);
            let second = tokio::join!(server.view(), async { answer(8) }).0.unwrap();
            assert_eq!(second.revision, 8);
        });
    }

    #[test]
    fn a_reactor_that_has_ended_is_no_answer() {
        let temp = tempfile::tempdir().unwrap();
        within(async {
            let (server, inbox) = server(temp.path());
            let asked = tokio::join!(server.view(), async { drop(inbox.take()) }).0;
            assert_eq!(asked.unwrap_err(), NoAnswer);
        });
    }
}
