//! What hooks are told of all profiles: a snapshot of the fleet, made when it has changed.
//!
//! **Invariant:** it costs nothing while no profile has hooks, and in a storm of changes not more than a few snapshots a
//! second: each is as large as the fleet.

use std::time::Duration;

use proclaunch_core::clock::Moment;
use proclaunch_core::fleet::Fleet;

use super::reactor::Reactor;
use crate::hooks::{Member, Snapshot};

/// The shortest time between two snapshots.
const SPACING: Duration = Duration::from_millis(50);

/// What was published last, and when to do it again.
#[derive(Debug, Default)]
pub(super) struct Published {
    /// The fleet's revision, and when.
    last: Option<(u64, Moment)>,
    due: Option<Moment>,
}

impl Published {
    pub(super) const fn deadline(&self) -> Option<Moment> {
        self.due
    }

    /// Whether the fleet at this revision is to be published at `now`.
    fn is_time(&mut self, revision: u64, now: Moment) -> bool {
        self.due = match self.last {
            Some((last, _)) if last == revision => return false,
            Some((_, at)) if now < at.plus(SPACING) => Some(at.plus(SPACING)),
            Some(_) | None => None,
        };
        if self.due.is_none() {
            self.last = Some((revision, now));
        }
        self.due.is_none()
    }
}

impl Reactor {
    /// Tells hooks of the fleet, if there are any and it has changed.
    pub(super) fn publish(&mut self, fleet: &Fleet, now: Moment) {
        if self.hooks.has_any() && self.published.is_time(fleet.revision(), now) {
            self.hooks.engine.publish(snapshot(fleet));
        }
    }
}

/// What hooks are told of a fleet.
pub(crate) fn snapshot(fleet: &Fleet) -> Snapshot {
    let member = fleet.machines().map(|(name, machine)| {
        let member = Member {
            state: machine.state().to_string(),
            health: machine.health().word().to_owned(),
            pid: machine.process().map(|(_, id)| id.pid),
            started: machine.running_since(),
        };
        (name.clone(), member)
    });
    member.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_change_is_published_at_once_and_a_storm_now_and_then() {
        let mut published = Published::default();
        assert!(published.is_time(1, at(1_000)));
        assert!(!published.is_time(1, at(2_000)), "nothing has changed");
        assert!(published.is_time(2, at(2_000)));
        assert!(!published.is_time(3, at(2_020)));
        assert_eq!(published.deadline(), Some(at(2_050)), "but it is not forgotten");
        assert!(published.is_time(7, at(2_050)));
        assert_eq!(published.deadline(), None);
    }
}
