//! The last things that happened to a machine.

use std::borrow::Cow;
use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;

use super::event::{Event, Look, Order};
use super::state::StateName;

/// The last `N` things, oldest first. Takes no memory until there is one.
#[derive(Clone, Debug)]
pub struct Ring<T, const N: usize>(VecDeque<T>);

impl<T, const N: usize> Ring<T, N> {
    pub(super) const fn new() -> Self {
        Self(VecDeque::new())
    }

    pub(super) fn push(&mut self, item: T) {
        if self.0.len() == N {
            self.0.pop_front();
        }
        // Most rings stay short: their memory grows with them, and not by doubling.
        self.0.reserve_exact(1);
        self.0.push_back(item);
    }

    /// The newest of these, which come oldest first.
    pub(super) fn of(items: &[T]) -> Self
    where
        T: Clone,
    {
        Self(items[items.len().saturating_sub(N)..].iter().cloned().collect())
    }

    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.0.iter()
    }
}

/// One change of the public state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// When.
    pub at: Moment,
    /// From which state.
    pub from: StateName,
    /// To which state.
    pub to: StateName,
    /// By which event.
    pub why: Why,
    /// Why, in words: `exit 1`, `told to stop`.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub reason: Cow<'static, str>,
}

/// The kind of event that changed a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the event of that name")]
pub enum Why {
    Begin,
    Settings,
    Removed,
    Drain,
    Ordered,
    Spawned,
    SpawnFailed,
    PidFile,
    Exited,
    Gone,
    Hook,
    Timeout,
}

impl Why {
    /// What is said of a change of state where nothing better is known.
    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Self::Begin => "a supervisor goes on with it",
            Self::Settings => "its files have changed",
            Self::Removed => "its directory is gone",
            Self::Drain => "the supervisor drains",
            Self::Ordered => "an order",
            Self::Spawned => "its process runs",
            Self::SpawnFailed => "there is no process",
            Self::PidFile => "its pid file was looked at",
            Self::Exited => "its process ended",
            Self::Gone => "nothing of it lives",
            Self::Hook => "a hook has answered",
            Self::Timeout => "its time is over",
        }
    }

    pub(super) const fn of(event: &Event) -> Self {
        match event {
            Event::Begin(_) => Self::Begin,
            Event::Settings(_) | Event::BadSettings(_) => Self::Settings,
            Event::Removed => Self::Removed,
            Event::Drain => Self::Drain,
            Event::Order(
                Order::Start { .. } | Order::Stop | Order::Restart | Order::Reload | Order::Signal(_),
            ) => Self::Ordered,
            Event::Spawned { .. } => Self::Spawned,
            Event::SpawnFailed { .. } => Self::SpawnFailed,
            Event::PidFile(Look::Absent | Look::Stale(_) | Look::Rejected(_) | Look::Names { .. }) => {
                Self::PidFile
            }
            Event::Exited { .. } => Self::Exited,
            Event::Gone { .. } => Self::Gone,
            Event::HooksLoaded(..) | Event::Decided { .. } | Event::Wished { .. } => Self::Hook,
            Event::Timeout => Self::Timeout,
        }
    }
}
