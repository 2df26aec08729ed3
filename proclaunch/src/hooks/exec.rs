//! A command that a hook wants executed, on its way to whoever can: the reactor asks the keeper, a test asks its script.
//!
//! **Invariant:** who waits for a command is told an end, or has gone: then [`Exec::is_wanted`] is false, and
//! [`Told::ExecKill`](super::Told::ExecKill) follows what was told before.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use proclaunch_core::exit::Exit;
use proclaunch_core::ids::ProfileName;
use tokio::sync::oneshot;

use crate::keeper::protocol::Pipes;

/// Which command: no two of one process are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExecId(u64);

impl ExecId {
    fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed))
    }
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was never executed, and why.
    NotStarted(String),
    /// It ended.
    Exit(Exit),
}

/// A command to execute.
#[derive(Debug)]
pub struct Exec {
    /// Which one.
    pub id: ExecId,
    /// For which profile.
    pub name: ProfileName,
    /// The command and its arguments; there is at least one.
    pub argv: Vec<Vec<u8>>,
    pipes: Mutex<Option<Pipes>>,
    reply: Mutex<Option<oneshot::Sender<Ended>>>,
}

impl Exec {
    /// A command that writes to these pipes, and where its end will be told.
    pub fn new(name: ProfileName, argv: Vec<Vec<u8>>, pipes: Pipes) -> (Self, oneshot::Receiver<Ended>) {
        let (reply, end) = oneshot::channel();
        let id = ExecId::next();
        (Self { id, name, argv, pipes: Mutex::new(Some(pipes)), reply: Mutex::new(Some(reply)) }, end)
    }

    /// Whether anybody still waits for it.
    pub fn is_wanted(&self) -> bool {
        let reply = self.reply.lock().unwrap_or_else(PoisonError::into_inner);
        reply.as_ref().is_some_and(|reply| !reply.is_closed())
    }

    /// Where it is to write to; given out once, and to be closed when the command has it.
    pub fn take_pipes(&self) -> Option<Pipes> {
        self.pipes.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Tells its end; the first one counts.
    pub fn ended(&self, end: Ended) {
        drop(self.take_pipes());
        let reply = self.reply.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(reply) = reply {
            // Who has gone does not mind.
            let _ = reply.send(end);
        }
    }
}

impl PartialEq for Exec {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}
