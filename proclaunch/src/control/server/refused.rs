//! Refused attempts: a line in the log for each, but not a flood of them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use proclaunch_core::log::{Control, Entry};
use tokio::time::Instant;

use super::rights::{Owner, Peer};
use crate::logging::Log;

/// How long one user's further attempts are only counted.
const SPACING: Duration = Duration::from_secs(10);

/// Of how many users it is known when the last line was; more begin anew.
const OWNERS_MAX: usize = 256;

/// Who was refused, and when it was said.
#[derive(Debug, Default)]
pub(super) struct Refused {
    last: RefCell<BTreeMap<Owner, (Instant, u64)>>,
}

impl Refused {
    /// Says that a client may not do this.
    pub(super) fn say(&self, log: &Log, peer: &Peer, what: &str) {
        if let Some(more) = self.count(peer.owner, Instant::now()) {
            let (who, what) = (peer.shown.clone(), what.to_owned());
            log.say(&Entry::Own(Control::Refused { who, what, more }.into()));
        }
    }

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
        let refused = Refused::default();
        let user = Owner::User(1001);
        assert_eq!(refused.count(user, Instant::now()), Some(0));
        for _ in 0..5 {
            assert_eq!(refused.count(user, Instant::now()), None);
        }
        assert_eq!(refused.count(Owner::Network, Instant::now()), Some(0), "another one is another matter");
        tokio::time::advance(SPACING).await;
        assert_eq!(refused.count(user, Instant::now()), Some(5));
        assert_eq!(refused.count(user, Instant::now()), None);
    }
}
