//! Between the server's thread and the reactor: what is asked, and what is told unasked.
//!
//! The server never touches the fleet, and the reactor never waits for the server: questions go in by a channel and an
//! eventfd that the reactor's one wait looks at; answers go out by channels that never block.
//!
//! **Invariant:** nothing here waits, and a question for a view that has not changed since the last one is not asked.
//! **Invariant:** however many clients ask for the view of the fleet at once, the reactor makes it once.

use std::collections::BTreeMap;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};
use proclaunch_core::clock::Moment;
use proclaunch_core::fleet::Reply;
use proclaunch_core::hook::{Happening, Hook};
use proclaunch_core::ids::ProfileName;
use proclaunch_core::log::Level;
use proclaunch_core::machine::{Ended, Explanation, Order, Status, Transition};
use tokio::sync::{mpsc, oneshot};

use super::api::HookRun;

/// All profiles at one moment. Those that did not change since the last view are shared with it.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// By name.
    pub profiles: BTreeMap<ProfileName, Arc<Status>>,
    /// All are being stopped.
    pub is_draining: bool,
    /// A first complete scan was made: what is not here does not exist.
    pub is_complete: bool,
    /// The process that writes what services print.
    pub logger: Option<i32>,
    /// How many upgrades this supervisor has seen refused, and why the last one was.
    pub refused: (u32, Option<Arc<str>>),
    /// Which view: the number in [`Inbox::revision`] while nothing has changed since. Never 0.
    pub revision: u64,
}

/// What the server asks of the reactor.
#[derive(Debug)]
pub enum Ask {
    /// All profiles, as they are now.
    View(oneshot::Sender<Arc<View>>),
    /// An order. Replies come as the core gives them; `None` at once if there is no such profile.
    Order(ProfileName, Order, mpsc::UnboundedSender<Option<Reply>>),
    /// Why a profile is as it is; `None`: there is none of that name.
    Explain(ProfileName, oneshot::Sender<Option<Box<Explanation>>>),
    /// What happened to it, oldest first.
    History(ProfileName, oneshot::Sender<Option<(Vec<Transition>, Vec<Ended>)>>),
    /// Run a hook of a live profile once; dropped: there is no such profile.
    RunHook {
        /// Whose.
        name: ProfileName,
        /// Which.
        hook: Hook,
        /// What it wants and keeps is not applied.
        dry_run: bool,
        /// The answer, or why it cannot be run.
        answer: oneshot::Sender<Result<HookRun, String>>,
    },
    /// Read all profile directories now; answered when the fleet has taken what was found, or with why it cannot be.
    Rescan(oneshot::Sender<Result<(), String>>),
    /// Stop all profiles and end, for this reason; answered when it has begun.
    Shutdown(String, oneshot::Sender<()>),
    /// Upgrade in place. Whoever has asked for it was answered: this process is killed for it.
    Upgrade,
}

/// What the reactor tells the server unasked.
#[derive(Clone, Debug)]
pub enum Told {
    /// Something happened to a profile.
    Happened {
        /// Whose.
        name: ProfileName,
        /// When.
        at: Moment,
        /// What.
        what: Happening,
        /// The main process, while it lives.
        pid: Option<i32>,
        /// How the process ended, if the event is that.
        exit: Option<Ended>,
    },
    /// Something happened to ProcLaunch itself.
    Own {
        /// When.
        at: Moment,
        /// What: `profile_new`, `profile_gone`, `supervisor`.
        kind: &'static str,
        /// How much it matters.
        level: Level,
        /// Of which profile, if of one.
        name: Option<ProfileName>,
        /// In words.
        text: String,
    },
    /// So many could not be told: the server was too slow.
    Lost(u64),
}

/// The revision that no view has: things are happening, and only the reactor knows what is seen afterwards.
pub const UNSETTLED: u64 = 0;

/// Where questions to the reactor lie, with a descriptor that is readable while there are some.
#[derive(Debug)]
pub struct Inbox {
    content: Mutex<Content>,
    ready: EventFd,
    /// That of the newest view that could be made, or [`UNSETTLED`].
    revision: AtomicU64,
}

#[derive(Debug, Default)]
struct Content {
    asks: Vec<Ask>,
    is_rung: bool,
    /// Whoever asks has ended.
    is_closed: bool,
}

impl Inbox {
    /// An empty one.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub fn new() -> Result<Self, Errno> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Self {
            content: Mutex::default(),
            ready: EventFd::from_value_and_flags(0, flags)?,
            revision: AtomicU64::new(UNSETTLED),
        })
    }

    /// Puts a question in, and rings.
    pub fn ask(&self, ask: Ask) {
        let mut content = self.content();
        content.asks.push(ask);
        self.ring(&mut content);
    }

    /// Says that nobody will ask any more, and rings.
    pub fn close(&self) {
        let mut content = self.content();
        content.is_closed = true;
        self.ring(&mut content);
    }

    /// Takes all questions out, oldest first; and whether nobody will ask any more.
    pub fn take(&self) -> (Vec<Ask>, bool) {
        let mut content = self.content();
        if mem::take(&mut content.is_rung) {
            // Under the lock: a question that comes later raises it again.
            let _ = self.ready.read();
        }
        (mem::take(&mut content.asks), content.is_closed)
    }

    /// Which view would be made at this moment.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// Says which view would be made from here on.
    pub fn set_revision(&self, revision: u64) {
        self.revision.store(revision, Ordering::Release);
    }

    fn ring(&self, content: &mut Content) {
        if !mem::replace(&mut content.is_rung, true) {
            // Its counter is far from full: it is only raised while it is 0.
            let _ = self.ready.write(1);
        }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsFd for Inbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }
}
