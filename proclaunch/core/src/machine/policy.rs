//! What follows an unasked end: restart when, rest, or give up.

use std::time::Duration;

use crate::clock::Moment;
use crate::exit::Exit;
use crate::ids::ProcId;
use crate::log::{Outcome, Said, Span, Times};
use crate::profile::{Backoff, Restart};

use super::Context;
use super::memory::{Memory, Rest, Want};
use super::state::Then;

/// A process that was ready for so long had a good run: what failed before it is forgotten.
const GOOD_RUN: Duration = Duration::from_secs(10);

/// After a first failure, a process that ran for so long is restarted at once.
const LONG_ENOUGH: Duration = Duration::from_secs(1);

/// An end that nobody asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// The main process ended so, after running for so long.
    Died(Exit, Duration),
    /// It was never ready.
    FailedStart,
    /// It runs, has run for so long, and is to be restarted because it is unhealthy.
    Unhealthy(Duration),
}

/// The end of a main process, as it came to be known.
#[derive(Clone, Debug)]
pub(super) struct Death {
    pub(super) exit: Exit,
    /// When it ended; `None` if nobody knows, and then it is not known how long it ran either.
    pub(super) at: Option<Moment>,
    /// What lives of the start; `None` if nobody has looked.
    pub(super) remains: Option<Vec<ProcId>>,
    /// No supervisor ran.
    pub(super) is_unseen: bool,
}

impl Death {
    /// One that the keeper reports as it happens.
    pub(super) const fn seen(now: Moment, exit: Exit, remains: Vec<ProcId>) -> Self {
        Self { exit, at: Some(now), remains: Some(remains), is_unseen: false }
    }

    /// One that is found out by the next supervisor.
    pub(super) const fn unseen(exit: Exit, at: Option<Moment>) -> Self {
        Self { exit, at, remains: None, is_unseen: true }
    }
}

impl Memory {
    /// Counts an unasked end of that moment, and decides what follows it.
    pub(super) fn decide(&mut self, cx: &mut Context<'_>, at: Moment, end: End) -> (Then, Outcome) {
        let then = match self.want {
            Want::Up => {
                let then = self.decide_wanted(cx, at, end);
                self.note_end(cx.now, end, then);
                then
            }
            // Nothing follows by itself; should a start be ordered meanwhile, it need not wait.
            Want::Down | Want::Gone => return (Then::StartAt(cx.now), Outcome::Ending),
        };
        let outcome = match then {
            Then::StartAt(until) => Outcome::Restart(until.since(cx.now)),
            Then::Rest(Rest::GaveUp) => Outcome::GivenUp,
            Then::Rest(Rest::Done | Rest::Dead) | Then::Down => Outcome::NotRestarted,
        };
        (then, outcome)
    }

    fn decide_wanted(&mut self, cx: &mut Context<'_>, at: Moment, end: End) -> Then {
        let ran = match end {
            End::Died(exit, _) if self.is_oneshot() && exit.is_success() => return Then::Rest(Rest::Done),
            End::Died(_, ran) | End::Unhealthy(ran) => ran,
            End::FailedStart => Duration::ZERO,
        };
        let retried = match (self.policy().restart, end) {
            (Restart::Always, End::Died(..) | End::FailedStart | End::Unhealthy(_))
            | (Restart::OnFailure, End::FailedStart | End::Unhealthy(_)) => true,
            (Restart::OnFailure, End::Died(exit, _)) => !exit.is_success(),
            (Restart::Never, End::Died(..) | End::FailedStart | End::Unhealthy(_)) => false,
        };
        if !retried {
            return Then::Rest(Rest::Dead);
        }
        self.failures = if ran >= GOOD_RUN { 1 } else { self.failures.saturating_add(1) };
        if self.gives_up(at) {
            return Then::Rest(Rest::GaveUp);
        }
        let delay = delay(self.policy().backoff, self.failures, ran);
        Then::StartAt(at.plus(cx.tickets.spread(delay)))
    }

    /// Counts a death at `now`, and tells whether it is the one too many.
    fn gives_up(&mut self, now: Moment) -> bool {
        let Some(give_up) = self.policy().give_up else {
            self.deaths.clear();
            return false;
        };
        self.deaths.push(now);
        self.deaths.retain(|death| now.since(*death) <= give_up.within);
        self.deaths.len() >= usize::try_from(give_up.deaths).unwrap_or(usize::MAX)
    }

    /// Says that it gives up, if it does: after the line that says how it ended.
    pub(super) fn say_if_given_up(&mut self, cx: &mut Context<'_>, then: Then) {
        if let (Then::Rest(Rest::GaveUp), Some(give_up)) = (then, self.policy().give_up) {
            self.reason = format!("died {} within {}", Times(give_up.deaths), Span(give_up.within));
            cx.say(Said::GaveUp { deaths: give_up.deaths, within: give_up.within });
        }
    }
}

/// The delay before the restart that follows the `failures`-th failure in a row.
fn delay(backoff: Backoff, failures: u32, ran: Duration) -> Duration {
    if failures <= 1 && ran >= LONG_ENOUGH {
        return Duration::ZERO;
    }
    let doublings = failures.saturating_sub(1).min(31);
    backoff.base.saturating_mul(1 << doublings).min(backoff.cap)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_death_after_a_second_restarts_at_once_and_later_ones_wait_twice_as_long_each_time() {
        let backoff = Backoff::default();
        let after = |failures, ran| delay(backoff, failures, Duration::from_millis(ran)).as_millis();
        assert_eq!(after(1, 1_000), 0);
        assert_eq!(after(1, 999), 200);
        assert_eq!(after(2, 5_000), 400);
        assert_eq!(after(3, 0), 800);
        assert_eq!(after(9, 0), 51_200);
        assert_eq!(after(10, 0), 60_000);
        assert_eq!(after(u32::MAX, 0), 60_000);
    }

    #[test]
    fn a_backoff_of_nothing_never_waits() {
        let backoff = Backoff { base: Duration::ZERO, cap: Duration::ZERO };
        assert_eq!(delay(backoff, 7, Duration::ZERO), Duration::ZERO);
    }
}
