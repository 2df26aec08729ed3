//! From the core's data to what travels: the one place where moments become times.
//!
//! **Invariant:** pure: what it is given decides what comes out. [`Clocks::read`] alone looks at a clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::DateTime;
use proclaunch_core::clock::Moment;
use proclaunch_core::exit::Exit;
use proclaunch_core::fleet::Standing;
use proclaunch_core::ids::ProfileName;
use proclaunch_core::machine::{
    By, Decision, Ended, Explanation, Next, Outlook, Status, Transition, Want, Why,
};

use super::api;
use super::bridge::Told;
use super::usage::Usage;
use crate::sys::clock;

const NANOS_PER_MILLI: u32 = 1_000_000;
/// What the two clocks differ by changes by less than this unless somebody sets one: adjustments reach both.
const STEP_NANOS: u64 = 10_000_000;

/// Both clocks at one moment. By it every other moment has a time.
///
/// The monotonic clock stands still while the machine sleeps, and the wall clock may be set: the time of something that
/// was before such a jump is off by it, and its age is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// The moment.
    pub now: Moment,
    /// The wall clock then, in milliseconds since 1970 UTC.
    pub wall: i64,
}

impl Clocks {
    /// Reads both. By all that are read until somebody sets the wall clock, a moment has the same time: whoever looks
    /// twice must be able to tell whether it is the same start.
    pub fn read() -> Self {
        static AHEAD: AtomicI64 = AtomicI64::new(i64::MIN);
        let now = clock::now();
        let monotonic = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
        let read = clock::wall_nanos().saturating_sub(monotonic);
        let kept = AHEAD.load(Ordering::Relaxed);
        let ahead = if read.abs_diff(kept) < STEP_NANOS { kept } else { read };
        AHEAD.store(ahead, Ordering::Relaxed);
        Self::aligned(now, monotonic.saturating_add(ahead))
    }

    /// The last moment at which the wall clock went on to another millisecond.
    fn aligned(now: Moment, wall_nanos: i64) -> Self {
        let milli = i64::from(NANOS_PER_MILLI);
        let since = wall_nanos.rem_euclid(milli).unsigned_abs();
        Self { now: now.minus(Duration::from_nanos(since)), wall: wall_nanos.div_euclid(milli) }
    }

    /// The time of a moment, which may be to come: RFC 3339 in UTC with milliseconds, a part of one counted as a whole.
    pub fn time(&self, at: Moment) -> String {
        let milli = u128::from(NANOS_PER_MILLI);
        let whole = |count: u128| i64::try_from(count).unwrap_or(i64::MAX);
        let wall = self.wall.saturating_sub(whole(self.now.since(at).as_nanos() / milli));
        rfc3339(wall.saturating_add(whole(at.since(self.now).as_nanos().div_ceil(milli))))
    }

    /// How long ago that was, in seconds.
    fn age(&self, at: Moment) -> f64 {
        seconds(self.now.since(at))
    }

    /// One profile. Without a measurement it has no figures.
    pub fn profile(&self, name: &ProfileName, status: &Status, usage: Option<&Usage>) -> api::Profile {
        // What is measured is a second old: of a start that has ended since, it says nothing.
        let usage = usage.filter(|_| status.ticket.is_some());
        api::Profile {
            name: name.to_string(),
            state: status.state.to_string(),
            phase: status.phase.to_owned(),
            want: want_word(status.want).to_owned(),
            standing: standing_word(status.standing).to_owned(),
            health: status.health.word().to_owned(),
            has_checks: status.has_checks,
            pid: status.process.map(|id| id.pid),
            uptime: status.since.map(|at| self.age(at)),
            ready_for: status.ready_since.map(|at| self.age(at)),
            started_at: status.since.map(|at| self.time(at)),
            state_for: status.state_since.map(|at| self.age(at)),
            restarts: restarts(status),
            failures: status.failures,
            cpu_seconds: usage.map(|usage| seconds(usage.cpu)),
            cpu_percent: usage.and_then(|usage| usage.percent),
            memory_bytes: usage.map(|usage| usage.memory_bytes),
            processes: usage.map(|usage| usage.processes),
            exit: status.exit.as_ref().map(|ended| self.exit(ended)),
            cause: status.cause.word().to_owned(),
            reason: status.reason.clone(),
            why: status.why.clone(),
            next: status.next.as_ref().map(|next| self.next(next)),
            changed: status.changed,
            trouble: status.trouble.clone(),
            hooks_off: status
                .hooks_off
                .iter()
                .map(|(hook, reason)| api::HookOff { hook: hook.to_string(), reason: reason.clone() })
                .collect(),
        }
    }

    fn next(&self, next: &Next) -> api::Next {
        api::Next { what: next.what.clone(), after: seconds(next.at.since(self.now)) }
    }

    /// How a process ended.
    pub fn exit(&self, ended: &Ended) -> api::Exit {
        let Ended { at, id, exit, after, requested } = *ended;
        api::Exit {
            at: self.time(at),
            pid: id.pid,
            code: match exit {
                Exit::Code(code) => Some(i32::from(code)),
                Exit::Signal { .. } | Exit::OutOfMemory | Exit::Unknown => None,
            },
            signal: exit.signal().map(|signal| signal.to_string()),
            core: matches!(exit, Exit::Signal { core: true, .. }),
            oom: matches!(exit, Exit::OutOfMemory),
            requested,
            uptime: seconds(after),
        }
    }

    /// What happened to one profile; both come oldest first.
    pub fn history(&self, transitions: &[Transition], exits: &[Ended]) -> api::History {
        api::History {
            transitions: transitions.iter().map(|one| self.transition(one)).collect(),
            exits: exits.iter().map(|ended| self.exit(ended)).collect(),
        }
    }

    fn transition(&self, transition: &Transition) -> api::Transition {
        let Transition { at, from, to, why, reason } = transition;
        api::Transition {
            at: self.time(*at),
            from: from.to_string(),
            to: to.to_string(),
            event: why_word(*why).to_owned(),
            reason: reason.clone().into_owned(),
        }
    }

    /// Why a profile is as it is.
    pub fn explanation(
        &self,
        name: &ProfileName,
        explanation: &Explanation,
        usage: Option<&Usage>,
    ) -> api::Explanation {
        api::Explanation {
            profile: self.profile(name, &explanation.status, usage),
            decisions: explanation.decisions.iter().map(|one| self.decision(one)).collect(),
            outlook: explanation.outlook.iter().map(outlook).collect(),
        }
    }

    fn decision(&self, decision: &Decision) -> api::Decision {
        api::Decision {
            at: self.time(decision.at),
            what: decision.what.clone(),
            by: match &decision.by {
                By::Order => "order".to_owned(),
                By::Setting(file) => file.clone(),
                By::Hook(hook) => format!("{hook}.lua"),
                By::Default => "default".to_owned(),
            },
            inputs: decision.inputs.clone(),
            reason: decision.reason.clone(),
        }
    }

    /// What has happened, under the id that a reader goes on by.
    pub fn event(&self, id: String, told: &Told) -> api::Event {
        match told {
            Told::Happened { name, at, what, pid, exit } => api::Event {
                id,
                time: self.time(*at),
                profile: Some(name.to_string()),
                kind: what.kind.clone(),
                level: what.level.clone(),
                from: some(&what.from),
                to: some(&what.to),
                reason: what.reason.clone(),
                pid: *pid,
                exit: exit.as_ref().map(|ended| self.exit(ended)),
            },
            Told::Own { at, kind, level, name, text } => api::Event {
                id,
                time: self.time(*at),
                profile: name.as_ref().map(ToString::to_string),
                kind: (*kind).to_owned(),
                level: level.word().to_lowercase(),
                from: None,
                to: None,
                reason: text.clone(),
                pid: None,
                exit: None,
            },
            Told::Lost(count) => self.missed(id, Some(*count)),
        }
    }

    /// That some events are not there any more: so many, if that is known.
    pub fn missed(&self, id: String, count: Option<u64>) -> api::Event {
        api::Event {
            id,
            time: self.time(self.now),
            profile: None,
            kind: "missed".to_owned(),
            level: "warn".to_owned(),
            from: None,
            to: None,
            reason: match count {
                Some(count) => format!("{count} events are not kept any more"),
                None => "what happened between another supervisor's last event and the next one here may be missing".to_owned(),
            },
            pid: None,
            exit: None,
        }
    }
}

fn outlook(outlook: &Outlook) -> api::Outlook {
    api::Outlook {
        event: outlook.event.clone(),
        then: outlook.then.clone(),
        after: outlook.within.map(seconds),
    }
}

/// The starts after the first.
pub(super) const fn restarts(status: &Status) -> u64 {
    status.starts.saturating_sub(1)
}

/// What ProcLaunch as a whole does.
pub fn mode(is_draining: bool) -> &'static str {
    if is_draining { "draining" } else { "supervising" }
}

/// In seconds, to the millisecond: more digits say nothing.
pub(super) fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

/// So many milliseconds since 1970 UTC in RFC 3339, as the logs have it.
pub(super) fn rfc3339(wall: i64) -> String {
    let time = DateTime::from_timestamp_millis(wall).unwrap_or_default();
    time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The word for an order in force.
pub const fn want_word(want: Want) -> &'static str {
    match want {
        Want::Up => "up",
        Want::Down => "down",
        Want::Gone => "gone",
    }
}

/// All ways to stand, in the order of the type.
pub const STANDINGS: [Standing; 10] = [
    Standing::Serving,
    Standing::Done,
    Standing::Down,
    Standing::Stopped,
    Standing::Dead,
    Standing::Starting,
    Standing::Backoff,
    Standing::Unhealthy,
    Standing::GaveUp,
    Standing::Held,
];

/// The word for how a profile stands.
pub const fn standing_word(standing: Standing) -> &'static str {
    match standing {
        Standing::Serving => "serving",
        Standing::Done => "done",
        Standing::Down => "down",
        Standing::Stopped => "stopped",
        Standing::Dead => "dead",
        Standing::Starting => "starting",
        Standing::Backoff => "backoff",
        Standing::Unhealthy => "unhealthy",
        Standing::GaveUp => "gave_up",
        Standing::Held => "held",
    }
}

const fn why_word(why: Why) -> &'static str {
    match why {
        Why::Begin => "begin",
        Why::Settings => "settings",
        Why::Removed => "removed",
        Why::Drain => "drain",
        Why::Ordered => "ordered",
        Why::Spawned => "spawned",
        Why::SpawnFailed => "spawn_failed",
        Why::PidFile => "pid_file",
        Why::Exited => "exited",
        Why::Gone => "gone",
        Why::Hook => "hook",
        Why::Timeout => "timeout",
    }
}

#[cfg(test)]
pub(super) mod tests;
