//! What the hooks tell the reactor, and the box that it lies in until it is taken.

use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};
use proclaunch_core::hook::{Answer, Hook, Hooks, Outcome, QuestionId, Wish};
use proclaunch_core::ids::ProfileName;
use proclaunch_core::log::Level;

use super::exec::{Exec, ExecId};
use super::metrics::Sample;

/// One message of the hooks to the reactor.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// The hook files were loaded.
    Loaded {
        /// Of which profile.
        name: ProfileName,
        /// As numbered by who had them loaded.
        generation: u64,
        /// What they turned out to be.
        hooks: Hooks,
    },
    /// A question has its outcome.
    Decided {
        /// Of which profile.
        name: ProfileName,
        /// Which question.
        id: QuestionId,
        /// What became of it.
        outcome: Outcome,
    },
    /// A hook asks the core for something.
    Wished {
        /// Of which profile.
        name: ProfileName,
        /// Which hook.
        hook: Hook,
        /// For what.
        wish: Wish,
    },
    /// A line for the log.
    Said {
        /// Of which profile.
        name: ProfileName,
        /// How much it matters.
        level: Level,
        /// Which hook, if it is about one.
        hook: Option<Hook>,
        /// The line, not yet escaped.
        text: String,
    },
    /// The variables have changed.
    Vars {
        /// Of which profile.
        name: ProfileName,
        /// All of them, as JSON.
        json: String,
    },
    /// A call has counted or measured something.
    Metrics {
        /// Of which profile.
        name: ProfileName,
        /// Each series once.
        samples: Vec<Sample>,
    },
    /// A hook wants a command executed, and waits for its end.
    Exec(Arc<Exec>),
    /// A command is not wanted any more: nothing of it may be left. One that has ended may be meant.
    ExecKill(ExecId),
    /// The thread lives; said every so often while a call is in flight.
    Beat,
}

impl Told {
    /// Whether the reactor need not be woken for it alone. Nothing stands still for the result of a health check; all
    /// other answers may be what a start or a stop waits for.
    pub(super) fn can_wait(&self) -> bool {
        matches!(self, Self::Decided { outcome: Outcome::Answer(Answer::Health(_)), .. })
    }
}

/// Where messages lie, with a descriptor that is readable once it was rung for them.
#[derive(Debug)]
pub struct Outbox {
    content: Mutex<Content>,
    ready: EventFd,
}

#[derive(Debug, Default)]
struct Content {
    told: Vec<Told>,
    is_rung: bool,
}

impl Outbox {
    /// An empty box.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub fn new() -> Result<Self, Errno> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Self { content: Mutex::default(), ready: EventFd::from_value_and_flags(0, flags)? })
    }

    /// Puts a message in, and rings.
    pub fn put(&self, message: Told) {
        self.add(message);
        self.ring();
    }

    /// Puts a message in that can wait until somebody rings.
    pub(super) fn add(&self, message: Told) {
        self.content().told.push(message);
    }

    /// Makes the descriptor readable if there are messages.
    pub(super) fn ring(&self) {
        let mut content = self.content();
        if !content.told.is_empty() && !content.is_rung {
            content.is_rung = true;
            // Its counter is far from full: it is only raised while it is 0.
            let _ = self.ready.write(1);
        }
    }

    /// Takes all messages out, oldest first.
    pub fn take(&self) -> Vec<Told> {
        let mut content = self.content();
        if mem::take(&mut content.is_rung) {
            // Under the lock: a message that comes later raises it again.
            let _ = self.ready.read();
        }
        mem::take(&mut content.told)
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsFd for Outbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }
}
