//! When to read which profile directories again.
//!
//! A change is rarely one event: an editor writes, renames and removes; a deployment writes many files. Reading
//! waits until nothing has happened for a moment, but not for ever.

use std::time::Duration;

use proclaunch_core::clock::Moment;

use crate::scan::Hint;

/// How long it must be quiet before the files are read.
const QUIET: Duration = Duration::from_millis(80);

/// How long reading can be put off.
const LATEST: Duration = Duration::from_millis(400);

/// How often the files are read where the kernel cannot tell of every change, or where they could not be read:
/// nobody tells when there is a descriptor to be had again.
const BLIND: Duration = Duration::from_secs(1);

/// What is to be read again, and when.
#[derive(Debug, Default)]
pub(super) struct Rescan {
    pending: Option<Pending>,
    /// The next reading that needs no hint.
    blind: Option<Moment>,
    /// The next reading after one that failed.
    again: Option<Moment>,
}

#[derive(Debug)]
struct Pending {
    hint: Hint,
    first: Moment,
    last: Moment,
}

impl Rescan {
    /// Something may have changed.
    pub(super) fn note(&mut self, hint: Hint, now: Moment) {
        if hint == Hint::Nothing {
            return;
        }
        self.pending = Some(match self.pending.take() {
            None => Pending { hint, first: now, last: now },
            Some(pending) => Pending { hint: pending.hint.and(hint), first: pending.first, last: now },
        });
    }

    /// Whether the kernel tells of every change.
    pub(super) fn set_blind(&mut self, blind: bool, now: Moment) {
        self.blind = blind.then(|| now.plus(BLIND));
    }

    /// Whether everything that was to be read could be read.
    pub(super) fn set_failed(&mut self, failed: bool, now: Moment) {
        self.again = failed.then(|| now.plus(BLIND));
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        let pending =
            self.pending.as_ref().map(|pending| pending.last.plus(QUIET).min(pending.first.plus(LATEST)));
        [pending, self.blind, self.again].into_iter().flatten().min()
    }

    /// What is due.
    pub(super) fn take(&mut self, now: Moment) -> Option<Hint> {
        if self.deadline().is_none_or(|at| at > now) {
            return None;
        }
        if [self.blind, self.again].into_iter().flatten().any(|at| at <= now) {
            self.pending = None;
            return Some(Hint::All);
        }
        self.pending.take().map(|pending| pending.hint)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proclaunch_core::ids::ProfileName;

    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::from_nanos(millis * 1_000_000)
    }

    fn names(names: &[&str]) -> BTreeSet<ProfileName> {
        names.iter().map(|name| ProfileName::parse(name).unwrap()).collect()
    }

    #[test]
    fn reading_waits_for_quiet_but_not_for_ever() {
        let mut rescan = Rescan::default();
        assert_eq!(rescan.deadline(), None);
        rescan.note(Hint::Some(names(&["web"])), at(1_000));
        assert_eq!(rescan.deadline(), Some(at(1_080)));
        rescan.note(Hint::Some(names(&["db"])), at(1_050));
        assert_eq!(rescan.take(at(1_100)), None);
        assert_eq!(rescan.take(at(1_130)), Some(Hint::Some(names(&["db", "web"]))));
        assert_eq!(rescan.deadline(), None);
        for millis in (2_000..3_000).step_by(50) {
            rescan.note(Hint::Nothing, at(millis));
            rescan.note(Hint::All, at(millis));
        }
        assert_eq!(rescan.deadline(), Some(at(2_400)));
        assert_eq!(rescan.take(at(2_400)), Some(Hint::All));
    }

    #[test]
    fn without_hints_all_is_read_each_second() {
        let mut rescan = Rescan::default();
        rescan.set_blind(true, at(0));
        assert_eq!(rescan.take(at(999)), None);
        assert_eq!(rescan.take(at(1_000)), Some(Hint::All));
        rescan.set_blind(false, at(1_000));
        assert_eq!(rescan.deadline(), None);
    }

    #[test]
    fn what_could_not_be_read_is_read_again_after_a_second() {
        let mut rescan = Rescan::default();
        rescan.set_failed(true, at(0));
        assert_eq!(rescan.take(at(999)), None);
        assert_eq!(rescan.take(at(1_000)), Some(Hint::All));
        rescan.set_failed(false, at(1_000));
        assert_eq!(rescan.deadline(), None);
    }
}
