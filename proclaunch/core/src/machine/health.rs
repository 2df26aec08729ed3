//! What hooks are asked while a profile runs: health checks and ticks, each by its own schedule, and the counting.
//!
//! **Invariant:** a check never overlaps itself: it is asked again only after its answer, or after its timeout.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::hook::{Answer, Hook, Hooks, Outcome, QuestionId, Schedule};
use crate::log::Span;

/// The shortest interval and timeout of a schedule: one of no time at all would keep the supervisor busy.
const LEAST: Duration = Duration::from_millis(10);

/// What is asked by a schedule is asked at multiples of this, unless the schedule is too fine for it.
const GRID: Duration = Duration::from_millis(10);

/// What the checks say of a running profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is its own word")]
pub enum Health {
    #[default]
    Unknown,
    Healthy,
    Unhealthy,
}

impl Health {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}

/// The checks and ticks of a running profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Watch {
    checks: Vec<Check>,
    tick: Option<Tick>,
    health: Health,
    /// A decision was taken on what was counted, and it was to let it run on.
    forgiven: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Tick {
    every: Duration,
    /// When it is asked next.
    next: Moment,
    /// The question that is open, and when it lapses.
    open: Option<(QuestionId, Moment)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Check {
    schedule: Schedule,
    /// When it is asked next.
    next: Moment,
    /// The question that is open, and when it counts as failed.
    open: Option<(QuestionId, Moment)>,
    /// The last results, newest in the lowest bit; 1 is a failure.
    results: u64,
    /// How many results there are, at most 64.
    count: u32,
    /// Why the last failure was one.
    reason: String,
}

/// What a check has counted, as far as anything can come of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Counted {
    /// Those of the last results that still count, newest in the lowest bit; 1 is a failure.
    pub failures: u64,
    /// Whether there was any result.
    pub has_results: bool,
    /// Why the last failure was one.
    pub reason: String,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Ask this check.
    Check(usize, Schedule),
    /// Tick.
    Tick,
    /// This check's question has lapsed.
    Lapsed(QuestionId),
}

impl Watch {
    /// The schedules of a profile that has become ready at `ready`.
    pub(super) fn new(hooks: Option<&Hooks>, ready: Moment) -> Self {
        let Some(hooks) = hooks else { return Self::default() };
        let check = |schedule: &Schedule| Check {
            schedule: within_limits(*schedule),
            next: due_after(ready, schedule.every.max(LEAST)),
            open: None,
            results: 0,
            count: 0,
            reason: String::new(),
        };
        let tick = hooks.has(Hook::OnTick).then_some(hooks.tick).flatten();
        let tick = tick.map(|every| every.max(LEAST));
        Self {
            checks: hooks.checks.iter().map(check).collect(),
            tick: tick.map(|every| Tick { every, next: due_after(ready, every), open: None }),
            ..Self::default()
        }
    }

    /// Asks no checks any more: their hook is switched off.
    pub(super) fn drop_checks(&mut self) -> Vec<QuestionId> {
        self.health = Health::Unknown;
        self.checks.drain(..).filter_map(|check| check.open.map(|(id, _)| id)).collect()
    }

    /// Ticks no more.
    pub(super) fn drop_tick(&mut self) -> Option<QuestionId> {
        self.tick.take()?.open.map(|(id, _)| id)
    }

    pub(super) const fn health(&self) -> Health {
        self.health
    }

    /// Why it is unhealthy: what the failed checks said.
    pub(super) fn reason(&self) -> String {
        let failed = self.checks.iter().filter(|check| check.is_bad());
        failed.map(|check| check.reason.as_str()).collect::<Vec<_>>().join("; ")
    }

    /// What was counted, for people.
    pub(super) fn counts_in_words(&self) -> String {
        let counts = self.checks.iter().enumerate().map(|(index, check)| {
            let Schedule { bad, of, .. } = check.schedule;
            let failed = (check.results & check.window()).count_ones();
            let limit = match (bad, of) {
                (1, 1) => "one is".to_owned(),
                (bad, of) if bad == of => format!("{bad} in a row are"),
                (bad, of) => format!("{bad} of {of} are"),
            };
            format!("check {}: {failed} failed, {limit} too many", index + 1)
        });
        counts.collect::<Vec<_>>().join("; ")
    }

    pub(super) fn deadline(&self) -> Option<Moment> {
        let checks = self.checks.iter().map(|check| check.open.map_or(check.next, |(_, until)| until));
        let tick = self.tick.iter().map(|tick| tick.open.map_or(tick.next, |(_, until)| until));
        checks.chain(tick).min()
    }

    /// Takes what is due at `now`: one thing at a time, until there is none.
    pub(super) fn due(&mut self, now: Moment, ready: Moment) -> Option<Due> {
        for index in 0..self.checks.len() {
            let check = &mut self.checks[index];
            match check.open {
                Some((id, until)) if until <= now => {
                    check.open = None;
                    check.count_result(Some(check.silence()), now, ready);
                    return Some(Due::Lapsed(id));
                }
                None if check.next <= now => {
                    check.next = next_after(check.next, check.schedule.every, now);
                    return Some(Due::Check(index, check.schedule));
                }
                Some(_) | None => {}
            }
        }
        let tick = self.tick.as_mut()?;
        match tick.open {
            Some((id, until)) if until <= now => {
                tick.open = None;
                Some(Due::Lapsed(id))
            }
            None if tick.next <= now => {
                tick.next = next_after(tick.next, tick.every, now);
                Some(Due::Tick)
            }
            Some(_) | None => None,
        }
    }

    /// The questions that are open.
    pub(super) fn open(&self) -> impl Iterator<Item = QuestionId> + '_ {
        let checks = self.checks.iter().filter_map(|check| check.open);
        checks.chain(self.tick.iter().filter_map(|tick| tick.open)).map(|(id, _)| id)
    }

    /// The tick was asked, and lapses at `until`.
    pub(super) fn ticked(&mut self, id: QuestionId, until: Moment) {
        if let Some(tick) = &mut self.tick {
            tick.open = Some((id, until));
        }
    }

    /// A check was asked.
    pub(super) fn asked(&mut self, index: usize, id: QuestionId, now: Moment) {
        if let Some(check) = self.checks.get_mut(index) {
            check.open = Some((id, now.plus(check.schedule.timeout)));
        }
    }

    /// Takes an answer, if it is to a question that is open. Whether it was.
    pub(super) fn answered(&mut self, id: QuestionId, outcome: &Outcome, now: Moment, ready: Moment) -> bool {
        if let Some(tick) = &mut self.tick {
            tick.open.take_if(|(open, _)| *open == id);
        }
        let open = |check: &&mut Check| check.open.is_some_and(|(open, _)| open == id);
        let Some(check) = self.checks.iter_mut().find(open) else { return false };
        check.open = None;
        match outcome {
            Outcome::Answer(Answer::Health(Ok(()))) => check.count_result(None, now, ready),
            Outcome::Answer(Answer::Health(Err(why))) => check.count_result(Some(why.clone()), now, ready),
            Outcome::TimedOut => check.count_result(Some(check.silence()), now, ready),
            // No opinion; or an error of the hook, which says nothing of the service.
            Outcome::Answer(
                Answer::Nothing
                | Answer::Start(_)
                | Answer::Ready(_)
                | Answer::Restart(_)
                | Answer::Stop(_)
                | Answer::Change(_),
            )
            | Outcome::Failed(_) => {}
        }
        true
    }

    /// Works the health out anew; the new one, if it is another, or unhealthy once more after a pardon.
    pub(super) fn judge(&mut self) -> Option<Health> {
        let is_bad = self.checks.iter().any(Check::is_bad);
        let health = if is_bad {
            Health::Unhealthy
        } else if self.checks.iter().any(Check::is_good) {
            Health::Healthy
        } else {
            self.health
        };
        let is_new = health != self.health || (is_bad && self.forgiven);
        self.forgiven &= health == self.health && !is_bad;
        self.health = health;
        is_new.then_some(health)
    }

    /// What each check has counted.
    pub(super) fn counted(&self) -> impl Iterator<Item = (u64, bool, &str)> {
        let counted = |check: &Check| (check.results & check.window(), check.count > 0);
        self.checks.iter().map(move |check| {
            let (failures, has_results) = counted(check);
            (failures, has_results, if failures == 0 { "" } else { check.reason.as_str() })
        })
    }

    pub(super) const fn is_forgiven(&self) -> bool {
        self.forgiven
    }

    /// Goes on with what an earlier supervisor has counted of the same checks.
    pub(super) fn go_on(&mut self, health: Health, forgiven: bool, counted: &[Counted]) {
        if self.checks.is_empty() || self.checks.len() != counted.len() {
            return;
        }
        self.health = health;
        self.forgiven = forgiven;
        for (check, then) in self.checks.iter_mut().zip(counted) {
            check.results = then.failures;
            check.count = if then.has_results { check.schedule.of.clamp(1, u64::BITS) } else { 0 };
            check.reason.clone_from(&then.reason);
        }
    }

    /// Forgets what was counted: a decision was taken on it. It stays unhealthy until a check says otherwise.
    pub(super) fn forgive(&mut self) {
        for check in &mut self.checks {
            check.results = 0;
            check.count = 0;
        }
        self.forgiven = true;
    }
}

impl Check {
    fn count_result(&mut self, failed: Option<String>, now: Moment, ready: Moment) {
        if failed.is_some() && now.since(ready) < self.schedule.grace {
            return;
        }
        self.results = self.results << 1 | u64::from(failed.is_some());
        self.count = (self.count + 1).min(u64::BITS);
        if let Some(why) = failed {
            self.reason = why;
        }
    }

    /// What is said of one that did not answer: the same, whoever notices first.
    fn silence(&self) -> String {
        format!("no answer within {}", Span(self.schedule.timeout))
    }

    /// Whether enough of the last results are failures.
    const fn is_bad(&self) -> bool {
        (self.results & self.window()).count_ones() >= self.schedule.bad
    }

    /// The results that count.
    const fn window(&self) -> u64 {
        let of = if self.schedule.of < u64::BITS { self.schedule.of } else { u64::BITS };
        u64::MAX >> (u64::BITS - if of == 0 { 1 } else { of })
    }

    const fn is_good(&self) -> bool {
        self.count > 0 && self.results & 1 == 0
    }
}

/// The schedule, as far as it makes sense.
fn within_limits(schedule: Schedule) -> Schedule {
    let bad = schedule.bad.max(1);
    let (every, timeout) = (schedule.every.max(LEAST), schedule.timeout.max(LEAST));
    Schedule { every, timeout, bad, of: schedule.of.max(bad), ..schedule }
}

/// The next point of a schedule after `now`: what was missed is not made up for.
fn next_after(at: Moment, every: Duration, now: Moment) -> Moment {
    let next = at.plus(every);
    if next > now { next } else { due_after(now, every) }
}

/// When something is due that comes every so often. Points of time are shared, so that many profiles are asked in one
/// go and not each with a wakeup of its own.
fn due_after(at: Moment, every: Duration) -> Moment {
    let due = at.plus(every);
    if every >= 10 * GRID { due.on_grid(GRID) } else { due }
}

#[cfg(test)]
mod tests;
