//! What runs on the thread of the hooks: orders in, a seat for each profile.
//!
//! **Invariant:** an order is obeyed at once and without waiting; what takes time is a task of its own.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use proclaunch_core::hook::{Outcome, Question, QuestionId};
use proclaunch_core::ids::ProfileName;
use tokio::sync::Notify;

use super::context::Tell;
use super::engine::Config;
use super::outside::{Outside, Real};
use super::seat::{Seat, Trial};
use super::source::Sources;
use super::time::Clock;
use super::told::{Outbox, Told};

/// How often the thread says that it lives, while it has calls in flight.
const BEAT: Duration = Duration::from_millis(250);

/// What the reactor wants.
#[derive(Debug)]
pub(crate) enum Order {
    /// Load these files.
    Load(ProfileName, u64, Box<Sources>),
    /// Ask a hook.
    Ask(ProfileName, Box<Question>),
    /// Drop a call.
    Cancel(ProfileName, QuestionId),
    /// Drop a profile.
    Forget(ProfileName),
    /// Call a hook for somebody who asks for it.
    Try(ProfileName, Box<Trial>),
}

/// What is around the hooks: who is told, what time it is, what can be reached.
pub(crate) struct Surroundings {
    /// Who is told.
    pub(crate) tell: Tell,
    /// The time.
    pub(crate) clock: Clock,
    /// What can be reached.
    pub(crate) outside: Rc<dyn Outside>,
}

impl Surroundings {
    /// The machine as it is, and the reactor. Within a `LocalSet`.
    pub(super) fn real(outbox: Arc<Outbox>) -> Self {
        let (waits, rings) = (Rc::new(Notify::new()), Arc::clone(&outbox));
        let waiting = Rc::clone(&waits);
        // Its turn comes after that of the calls that can go on now: what they have to tell wakes the reactor once.
        tokio::task::spawn_local(async move {
            loop {
                waiting.notified().await;
                rings.ring();
            }
        });
        let tell = move |told: Told| {
            if told.can_wait() {
                outbox.add(told);
                waits.notify_one();
            } else {
                outbox.put(told);
            }
        };
        Self { tell: Rc::new(tell), clock: Clock::Real, outside: Rc::new(Real) }
    }
}

/// What all seats share.
pub(super) struct Shared {
    pub(super) config: Config,
    pub(super) around: Surroundings,
    busy: Cell<usize>,
    beating: Cell<bool>,
}

impl Shared {
    pub(super) fn tell(&self, told: Told) {
        (self.around.tell)(told);
    }

    /// Counts a call or a load in flight, until the guard is dropped.
    pub(super) fn busy(self: &Rc<Self>) -> Busy {
        self.busy.set(self.busy.get() + 1);
        if !self.beating.replace(true) {
            let shared = Rc::clone(self);
            tokio::task::spawn_local(async move {
                loop {
                    tokio::time::sleep(BEAT).await;
                    if shared.busy.get() == 0 {
                        break;
                    }
                    shared.tell(Told::Beat);
                }
                shared.beating.set(false);
            });
        }
        Busy(Rc::clone(self))
    }
}

/// That something is in flight.
pub(super) struct Busy(Rc<Shared>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.set(self.0.busy.get().saturating_sub(1));
    }
}

/// Everything on the thread.
pub(crate) struct Worker {
    shared: Rc<Shared>,
    seats: RefCell<BTreeMap<ProfileName, Rc<Seat>>>,
}

impl Worker {
    /// Without a profile.
    pub(crate) fn new(config: Config, around: Surroundings) -> Self {
        let shared = Shared { config, around, busy: Cell::new(0), beating: Cell::new(false) };
        Self { shared: Rc::new(shared), seats: RefCell::default() }
    }

    /// Obeys. Within a `LocalSet`.
    pub(crate) fn obey(&self, order: Order) {
        match order {
            Order::Load(name, generation, sources) => {
                let mut seats = self.seats.borrow_mut();
                let seat =
                    seats.entry(name.clone()).or_insert_with(|| Seat::new(name, Rc::clone(&self.shared)));
                seat.load(generation, *sources);
            }
            Order::Ask(name, question) => match self.seat(&name) {
                Some(seat) => seat.ask(*question),
                None => self.shared.tell(Told::Decided {
                    id: question.id,
                    outcome: Outcome::Failed(format!("{name} has no hooks")),
                    name,
                }),
            },
            Order::Cancel(name, id) => {
                if let Some(seat) = self.seat(&name) {
                    seat.cancel(id);
                }
            }
            // Without a seat it is dropped, and whoever waits for it is told so.
            Order::Try(name, trial) => drop(self.seat(&name).map(|seat| seat.try_out(*trial))),
            Order::Forget(name) => {
                if let Some(seat) = self.seats.borrow_mut().remove(&name) {
                    seat.forget();
                }
            }
        }
    }

    /// How much memory the hooks use, in bytes.
    pub(crate) fn used_memory(&self) -> usize {
        self.seats.borrow().values().map(|seat| seat.used_memory()).sum()
    }

    fn seat(&self, name: &ProfileName) -> Option<Rc<Seat>> {
        self.seats.borrow().get(name).cloned()
    }
}
