//! What hooks are told of the other profiles: a snapshot that the reactor publishes.
//!
//! **Invariant:** nobody waits here: the lock is held for as long as it takes to swap a pointer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use proclaunch_core::clock::Moment;
use proclaunch_core::ids::ProfileName;

/// One profile, as the hooks of all are told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// `stopped`, `starting`, `running` or `stopping`.
    pub state: String,
    /// `unknown`, `healthy` or `unhealthy`.
    pub health: String,
    /// The main process, while it lives.
    pub pid: Option<i32>,
    /// When it was started.
    pub started: Option<Moment>,
}

/// All profiles at one moment.
pub type Snapshot = BTreeMap<ProfileName, Member>;

/// Where the snapshot lies. A clone is the same place.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    snapshot: Arc<Mutex<Arc<Snapshot>>>,
}

impl Fleet {
    /// Puts another snapshot in.
    pub fn publish(&self, snapshot: Snapshot) {
        let snapshot = Arc::new(snapshot);
        let old = std::mem::replace(&mut *self.lock(), snapshot);
        // Outside the lock: it may be the last that holds it.
        drop(old);
    }

    /// The snapshot of now; empty before there is one.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Arc<Snapshot>> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
