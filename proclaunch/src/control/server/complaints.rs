//! What the log says of clients: a line for each refused attempt and for each that is dropped, but not a flood of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use proclaunch_core::log::{Control, Entry};
use tokio::time::Instant;

use super::rights::{Owner, Peer};
use crate::logging::Log;

/// How long what one user does further is only counted.
const SPACING: Duration = Duration::from_secs(10);

/// Of how many users it is known when the last line was; more begin anew.
const OWNERS_MAX: usize = 256;

/// What was said of whom.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    refused: Seldom,
    dropped: Seldom,
}

/// When something was last said of whom, and how often it was not said since.
#[derive(Debug, Default)]
struct Seldom {
    last: RefCell<BTreeMap<Owner, (Instant, u64)>>,
}

impl Complaints {
    /// Says that a client may not do this.
    pub(super) fn refused(&self, log: &Log, peer: &Peer, what: &str) {
        if let Some(more) = self.refused.count(peer.owner, Instant::now()) {
            let (who, what) = (peer.shown.clone(), what.to_owned());
            log.say(&Entry::Own(Control::Refused { who, what, more }.into()));
        }
    }

    /// Whether it was said of this user that a client of its was dropped.
    #[cfg(test)]
    pub(super) fn has_dropped(&self, owner: Owner) -> bool {
        self.dropped.last.borrow().contains_key(&owner)
    }

    /// Says that a client has taken nothing of an answer for so long, and is dropped.
    pub(super) fn dropped(&self, log: &Log, peer: &Peer, what: &str, time: Duration) {
        if let Some(more) = self.dropped.count(peer.owner, Instant::now()) {
            let (who, what, seconds) = (peer.shown.clone(), what.to_owned(), time.as_secs());
            log.say(&Entry::Own(Control::Dropped { who, what, seconds, more }.into()));
        }
    }
}

impl Seldom {
    /// How many were not said since the last line, if one is due.
    fn count(&self, owner: Owner, now: Instant) -> Option<u64> {
        let last = &mut *self.last.borrow_mut();
        if let Some((at, more)) = last.get_mut(&owner)
            && now < *at + SPACING
        {
            *more += 1;
            return None;
        }
        if last.len() >= OWNERS_MAX {
            last.retain(|_, (at, _)| now < *at + SPACING);
        }
        Some(last.insert(owner, (now, 0)).map_or(0, |(_, more)| more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_a_line_now_and_then() {
        let seldom = Seldom::default();
        let user = Owner::User(1001);
        assert_eq!(seldom.count(user, Instant::now()), Some(0));
        for _ in 0..5 {
            assert_eq!(seldom.count(user, Instant::now()), None);
        }
        assert_eq!(seldom.count(Owner::Network, Instant::now()), Some(0), "another one is another matter");
        tokio::time::advance(SPACING).await;
        assert_eq!(seldom.count(user, Instant::now()), Some(5));
        assert_eq!(seldom.count(user, Instant::now()), None);
    }
}
