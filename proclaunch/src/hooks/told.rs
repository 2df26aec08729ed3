//! What the hooks tell the reactor, and the box that it lies in until it is taken.

use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};

use nix::errno::Errno;
use nix::sys::eventfd::{EfdFlags, EventFd};
use proclaunch_core::hook::{Hook, Hooks, Outcome, QuestionId, Wish};
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

/// Where messages lie, with a descriptor that is readable while there are any.
#[derive(Debug)]
pub struct Outbox {
    told: Mutex<Vec<Told>>,
    ready: EventFd,
}

impl Outbox {
    /// An empty box.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub fn new() -> Result<Self, Errno> {
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        Ok(Self { told: Mutex::default(), ready: EventFd::from_value_and_flags(0, flags)? })
    }

    /// Puts a message in.
    pub fn put(&self, message: Told) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.push(message);
        if told.len() == 1 {
            // Its counter is far from full: it is only raised while the box is empty.
            let _ = self.ready.write(1);
        }
    }

    /// Takes all messages out, oldest first.
    pub fn take(&self) -> Vec<Told> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if !told.is_empty() {
            // Under the lock: a message that comes later raises it again.
            let _ = self.ready.read();
        }
        mem::take(&mut told)
    }
}

impl AsFd for Outbox {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }
}
