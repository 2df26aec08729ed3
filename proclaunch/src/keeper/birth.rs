//! When a process that we make is born, without a look into `/proc` where the clock tells it.
//!
//! The kernel notes `CLOCK_BOOTTIME` while it makes a process, and `/proc/PID/stat` shows that in ticks. A tick is
//! long (10 ms) and a start is short, so the clock mostly shows the same tick before and after: then that is the one.
//! To read it in `/proc` costs as much again when the process ends, as the entries that were looked up there have to
//! be dropped.
//!
//! **Invariant:** the clock is believed only if it told the start time of the first process as `/proc` does.

use nix::time::{ClockId, clock_gettime};
use nix::unistd::{SysconfVar, sysconf};

/// Tells start times in ticks, as `/proc/PID/stat` does.
pub(super) struct BirthClock {
    tick_nanos: Option<u64>,
    /// Whether it tells the truth; not known before the first process.
    is_right: Option<bool>,
}

impl BirthClock {
    pub(super) fn new() -> Self {
        let per_second =
            sysconf(SysconfVar::CLK_TCK).ok().flatten().and_then(|count| u64::try_from(count).ok());
        Self { tick_nanos: per_second.and_then(|count| 1_000_000_000_u64.checked_div(count)), is_right: None }
    }

    /// The tick that it is.
    pub(super) fn tick(&self) -> Option<u64> {
        let time = clock_gettime(ClockId::CLOCK_BOOTTIME).ok()?;
        let (seconds, nanos) = (u64::try_from(time.tv_sec()).ok()?, u64::try_from(time.tv_nsec()).ok()?);
        (seconds * 1_000_000_000 + nanos).checked_div(self.tick_nanos?)
    }

    /// The start time of a process that was made after the tick `before`; `read` gets it from `/proc`.
    pub(super) fn start_time(
        &mut self,
        before: Option<u64>,
        read: impl FnOnce() -> Option<u64>,
    ) -> Option<u64> {
        let told = before.filter(|before| self.tick() == Some(*before));
        if told.is_some() && self.is_right == Some(true) {
            return told;
        }
        let found = read();
        if let (Some(told), Some(found), None) = (told, found, self.is_right) {
            self.is_right = Some(told == found);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_believed_after_it_was_right_and_never_after_it_was_wrong() {
        let first_then = |first: fn(u64) -> u64| {
            let mut clock = BirthClock { tick_nanos: Some(u64::MAX), is_right: None };
            let tick = clock.tick();
            let found = first(tick.unwrap());
            assert_eq!(clock.start_time(tick, || Some(found)), Some(found));
            clock.start_time(tick, || None)
        };
        assert_eq!(first_then(|tick| tick), Some(0));
        assert_eq!(first_then(|tick| tick + 1), None);
    }

    #[test]
    fn a_tick_that_has_passed_tells_nothing() {
        let mut clock = BirthClock { tick_nanos: Some(u64::MAX), is_right: Some(true) };
        assert_eq!(clock.start_time(Some(7), || Some(8)), Some(8));
        assert_eq!(clock.start_time(None, || Some(8)), Some(8));
    }
}
