//! What the processes of each profile take: CPU, memory, how many there are.
//!
//! One pass over `/proc` serves all profiles and everybody who asks within a second. It is made on a thread beside the
//! one that serves requests: with thousands of processes it takes longer than anything else here.
//!
//! **Invariant:** nothing is looked at unless somebody asks.

mod ledger;
mod pass;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proclaunch_core::clock::Moment;
use proclaunch_core::ids::{ProfileName, Ticket};
use proclaunch_core::machine::Status;
use tokio::sync::Mutex;

use super::bridge::View;
use crate::sys::clock;

use ledger::Ledger;
use pass::Looker;
pub(super) use pass::{ticks, unit};

/// How long a measurement is good.
const FRESH: Duration = Duration::from_secs(1);

/// How long it is good for who wants to know of a start that it does not know.
const FRESH_FOR_NEW: Duration = Duration::from_millis(100);

/// What the whole process tree of a profile takes, also what has left its session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// CPU time of the live processes, and of all that these have waited for.
    pub cpu: Duration,
    /// CPU in percent of one processor since the measurement before, which is at least a second ago; at the first one,
    /// since the process began.
    pub percent: Option<f64>,
    /// Resident memory, each process's added up: what several share is counted for each. To share it out (PSS) the
    /// kernel has to walk all page tables, which takes milliseconds for a large process and holds its memory locked.
    pub memory_bytes: u64,
    /// How many processes live.
    pub processes: u32,
}

/// What all profiles take.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usages {
    /// Of those that have a process.
    pub now: BTreeMap<ProfileName, Usage>,
    /// CPU time of each profile since it was first measured, all its starts together. It never goes back.
    pub cpu_total: BTreeMap<ProfileName, Duration>,
}

/// A start that can have processes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Live {
    name: ProfileName,
    main: Option<i32>,
    since: Option<Moment>,
}

type Starts = BTreeMap<Ticket, Live>;

/// Measures, at most once a second.
#[derive(Debug, Default)]
pub struct Meter(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    looker: Looker,
    ledger: Ledger,
    last: Option<(Moment, Arc<Usages>)>,
}

impl Meter {
    /// What the profiles take; at most a second old. Must be called on a tokio runtime.
    pub async fn measure(&self, view: &View) -> Arc<Usages> {
        let mut state = Arc::clone(&self.0).lock_owned().await;
        if let Some(usages) = state.still_good(view, clock::now()) {
            return usages;
        }
        let starts = starts(view);
        let names: Vec<ProfileName> = view.profiles.keys().cloned().collect();
        // Whoever else asks waits at the lock for this very answer.
        let looked = tokio::task::spawn_blocking(move || {
            let usages = state.measure(&starts, &names);
            state.last = Some((clock::now(), Arc::clone(&usages)));
            usages
        });
        // A pass that panics is a measurement that is not there.
        looked.await.unwrap_or_default()
    }
}

impl State {
    fn still_good(&self, view: &View, now: Moment) -> Option<Arc<Usages>> {
        let (at, usages) = self.last.as_ref()?;
        let is_unknown = |status: &Arc<Status>| {
            status.process.is_some() && status.ticket.is_some_and(|t| !self.ledger.knows(t))
        };
        let age = now.since(*at);
        let is_good = age < FRESH_FOR_NEW || (age < FRESH && !view.profiles.values().any(is_unknown));
        is_good.then(|| Arc::clone(usages))
    }

    fn measure(&mut self, starts: &Starts, names: &[ProfileName]) -> Arc<Usages> {
        let sums = self.looker.look(starts);
        Arc::new(self.ledger.take(clock::now(), starts, names, &sums))
    }
}

fn starts(view: &View) -> Starts {
    let live = view.profiles.iter().filter_map(|(name, status)| {
        let main = status.process.map(|id| id.pid);
        Some((status.ticket?, Live { name: name.clone(), main, since: status.since }))
    });
    live.collect()
}

#[cfg(test)]
mod tests;
