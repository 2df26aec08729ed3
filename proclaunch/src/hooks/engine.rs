//! The reactor's handle on the hooks: questions go in, what the hooks tell comes out.
//!
//! **Invariant:** nothing here waits. A thread that is stuck is left behind by dropping the engine, and whatever it
//! tells later lies in a box that nobody opens.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use nix::errno::Errno;
use proclaunch_core::hook::{Hooks, Outcome, Question, QuestionId};
use proclaunch_core::ids::ProfileName;
use proclaunch_core::log::Level;
use thiserror::Error;
use tokio::runtime;
use tokio::sync::mpsc::error::SendError;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::fleet::{Fleet, Snapshot};
use super::seat::Trial;
use super::source::Sources;
use super::told::{Outbox, Told};
use super::worker::{Order, Surroundings, Worker};
use crate::panics::HOOKS;
use crate::sys::priority;

/// The stack of the thread: the interpreter nests 200 C calls deep, and a debug build needs 2 MiB for these.
const STACK: usize = 8 * 1024 * 1024;

/// Why there can be no hooks. Completes "failed to ...".
#[derive(Debug, Error)]
pub enum EngineError {
    /// No descriptor is left.
    #[error("make an eventfd for the hooks: {0}")]
    Outbox(#[source] Errno),
}

/// What all hooks have in common.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Where `require` looks after the profile's own directory: `.hooks/`, then `--hooks DIR`.
    pub modules: Vec<PathBuf>,
    /// The state directory of this supervisor.
    pub state_dir: PathBuf,
    /// What hooks are told of the other profiles; an engine that takes this one's place shares it.
    pub fleet: Fleet,
}

/// The hooks of all profiles.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    outbox: Arc<Outbox>,
    orders: Mutex<Option<UnboundedSender<Order>>>,
}

impl Engine {
    /// An engine without a thread; the first profile with a hook brings one.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn start(config: Config) -> Result<Self, EngineError> {
        let outbox = Arc::new(Outbox::new().map_err(EngineError::Outbox)?);
        Ok(Self { config, outbox, orders: Mutex::default() })
    }

    /// Loads the hook files of a profile in place of those it had; answered by [`Told::Loaded`].
    pub fn load(&self, name: ProfileName, generation: u64, sources: Sources) {
        if sources.is_empty() {
            self.send(Order::Forget(name.clone()));
            self.outbox.put(Told::Loaded { name, generation, hooks: Hooks::default() });
            return;
        }
        if let Err(error) = self.need_thread() {
            let why = format!("the thread for hooks cannot be started: {error}");
            let broken = sources.all().map(|(hook, _)| (hook, why.clone())).collect();
            self.outbox.put(Told::Said {
                name: name.clone(),
                level: Level::Error,
                hook: None,
                text: why.clone(),
            });
            let hooks = Hooks { broken, ..Hooks::default() };
            self.outbox.put(Told::Loaded { name, generation, hooks });
            return;
        }
        self.send(Order::Load(name, generation, Box::new(sources)));
    }

    /// Asks a hook; answered by [`Told::Decided`] unless it is cancelled.
    pub fn ask(&self, name: ProfileName, question: Question) {
        self.send(Order::Ask(name, Box::new(question)));
    }

    /// Calls a hook for somebody who asks for it; answered through the trial itself, which is dropped if it cannot be.
    pub fn try_out(&self, name: ProfileName, trial: Trial) {
        self.send(Order::Try(name, Box::new(trial)));
    }

    /// Drops a call: its question has lapsed.
    pub fn cancel(&self, name: &ProfileName, id: QuestionId) {
        self.send(Order::Cancel(name.clone(), id));
    }

    /// Drops all calls and hooks of a profile.
    pub fn forget(&self, name: &ProfileName) {
        self.send(Order::Forget(name.clone()));
    }

    /// Takes what the hooks have told since, oldest first.
    pub fn take(&self) -> Vec<Told> {
        self.outbox.take()
    }

    /// Tells all hooks what the profiles do. To be called when that has changed; it costs a pointer.
    pub fn publish(&self, snapshot: Snapshot) {
        self.config.fleet.publish(snapshot);
    }

    fn need_thread(&self) -> io::Result<()> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if orders.is_some() {
            return Ok(());
        }
        let (sender, mut receiver) = unbounded_channel();
        let (config, outbox) = (self.config.clone(), Arc::clone(&self.outbox));
        let runtime = runtime::Builder::new_current_thread().enable_time().enable_io().build()?;
        // Not joined, ever: it ends when the engine is dropped and its calls are over, or is left behind stuck.
        thread::Builder::new().name(HOOKS.to_owned()).stack_size(STACK).spawn(move || {
            // The reactor goes first where both want the same processor. Without it hooks are as harmless, only slower.
            let _ = priority::step_back();
            tokio::task::LocalSet::new().block_on(&runtime, async move {
                let worker = Worker::new(config, Surroundings::real(outbox));
                while let Some(order) = receiver.recv().await {
                    worker.obey(order);
                }
            });
        })?;
        *orders = Some(sender);
        Ok(())
    }

    fn send(&self, order: Order) {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(orders) = &*orders else { return };
        // The thread is there as long as the sender is, unless a bug has ended it.
        if let Err(SendError(Order::Ask(name, question))) = orders.send(order) {
            let outcome = Outcome::Failed("the thread for hooks has ended".to_owned());
            self.outbox.put(Told::Decided { name, id: question.id, outcome });
        }
    }

    /// Whether the thread has ended by itself: a bug. The engine is to be replaced then, as one that is stuck.
    pub fn has_ended(&self) -> bool {
        let orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders.as_ref().is_some_and(UnboundedSender::is_closed)
    }
}

impl AsFd for Engine {
    /// Readable while there is something to take.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.outbox.as_fd()
    }
}
