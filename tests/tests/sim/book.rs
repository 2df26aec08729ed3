//! What has happened to each profile, counted by the simulation: whatever is counted by supervisors that were killed
//! must come to the same.

use std::collections::{BTreeMap, BTreeSet};

use proclaunch_core::ids::{ProcId, ProfileName, Ticket};
use proclaunch_core::log::Said;

/// Counts that outlive every supervisor.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// How often the keeper was asked for a process.
    starts: BTreeMap<ProfileName, u64>,
    /// The last of them.
    last: BTreeMap<ProfileName, Ticket>,
    /// The ends that were told of.
    ends: BTreeSet<ProcId>,
}

impl Book {
    pub(crate) fn asked(&mut self, name: &ProfileName, ticket: Ticket) {
        *self.starts.entry(name.clone()).or_default() += 1;
        self.last.insert(name.clone(), ticket);
    }

    /// Nobody knows of a start that was to be made: it is made once more, and is the same start.
    pub(crate) fn never_made(&mut self, name: &ProfileName, ticket: Ticket) {
        if let (Some(starts), Some(&last)) = (self.starts.get_mut(name), self.last.get(name))
            && last == ticket
        {
            self.last.remove(name);
            *starts -= 1;
        }
    }

    /// Its record is dropped, and the next of this name begins at nought.
    pub(crate) fn forget(&mut self, name: &ProfileName) {
        self.starts.remove(name);
    }

    pub(crate) fn starts(&self, name: &ProfileName) -> u64 {
        self.starts.get(name).copied().unwrap_or_default()
    }

    /// The log tells of an end. No end is told of twice.
    pub(crate) fn told(&mut self, name: &ProfileName, said: &Said) -> Result<(), String> {
        let (Said::Died { id, .. } | Said::DiedUnseen { id, .. } | Said::Finished { id, .. }) = said else {
            return Ok(());
        };
        if self.ends.insert(*id) { Ok(()) } else { Err(format!("`{name} {said}`, which was told before")) }
    }
}
