//! When supervisor and logger are started, and started again.

use std::time::Duration;

use proclaunch_core::clock::Moment;
use proclaunch_core::exit::Exit;
use proclaunch_core::ids::ProcId;
use proclaunch_core::log::{Helper as Kind, Part, Span};

/// Whoever lived for so long is started again at once.
const GOOD_LIFE: Duration = Duration::from_secs(1);
/// The pause after the second short life in a row; it doubles up to [`PAUSE_CAP`].
const PAUSE_BASE: Duration = Duration::from_millis(50);
const PAUSE_CAP: Duration = Duration::from_secs(1);

/// One of ProcLaunch's own processes, dead or alive.
#[derive(Debug)]
pub(super) struct Helper {
    kind: Kind,
    state: State,
    /// How many in a row did not live well.
    short_lives: u32,
}

#[derive(Debug)]
enum State {
    Alive {
        id: ProcId,
        since: Moment,
    },
    /// To be started at that moment; `why` the one before it is gone, if there was one.
    Due {
        at: Moment,
        why: Option<String>,
    },
}

impl Helper {
    /// One that is to be started at once.
    pub(super) const fn new(kind: Kind, now: Moment) -> Self {
        Self { kind, state: State::Due { at: now, why: None }, short_lives: 0 }
    }

    pub(super) const fn pid(&self) -> Option<i32> {
        match self.state {
            State::Alive { id, .. } => Some(id.pid),
            State::Due { .. } => None,
        }
    }

    /// When it is to be started, if it does not live.
    pub(super) const fn due(&self) -> Option<Moment> {
        match self.state {
            State::Alive { .. } => None,
            State::Due { at, .. } => Some(at),
        }
    }

    /// It was started. What there is to say: nothing of the first one.
    pub(super) fn started(&mut self, id: ProcId, now: Moment) -> Option<Part> {
        let before = std::mem::replace(&mut self.state, State::Alive { id, since: now });
        match before {
            State::Due { why: Some(why), .. } => {
                Some(Part::HelperRestarted { helper: self.kind, pid: id.pid, why })
            }
            State::Due { why: None, .. } | State::Alive { .. } => None,
        }
    }

    /// It could not be started, or said that it could not go on. What there is to say.
    pub(super) fn failed(&mut self, why: String, now: Moment) -> Part {
        let at = self.after_short_life(now);
        self.state = State::Due { at, why: Some(why.clone()) };
        Part::HelperNotStarted { helper: self.kind, why, next: at.since(now) }
    }

    /// It has ended, without being told to.
    pub(super) fn ended(&mut self, exit: Exit, now: Moment) {
        let State::Alive { since, .. } = self.state else { return };
        let lived = now.since(since);
        let why = Some(format!("{exit}, after {}", Span(lived)));
        let at = if lived >= GOOD_LIFE {
            self.short_lives = 0;
            now
        } else {
            self.after_short_life(now)
        };
        self.state = State::Due { at, why };
    }

    /// To be started at once, for a reason that is nobody's fault.
    pub(super) fn renew(&mut self, why: String, now: Moment) {
        self.state = State::Due { at: now, why: Some(why) };
    }

    /// The first short life may be an accident.
    fn after_short_life(&mut self, now: Moment) -> Moment {
        self.short_lives = self.short_lives.saturating_add(1);
        let doublings = match self.short_lives {
            0 | 1 => return now,
            more => (more - 2).min(16),
        };
        now.plus((PAUSE_BASE * 2_u32.pow(doublings)).min(PAUSE_CAP))
    }
}

#[cfg(test)]
mod tests {
    use proclaunch_core::signal::Signal;

    use super::*;

    const ID: ProcId = ProcId { pid: 7, start: 1 };
    const KILLED: Exit = Exit::Signal { signal: Signal::KILL, core: false };

    fn at(millis: u64) -> Moment {
        Moment::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_good_life_is_followed_by_another_at_once() {
        let mut helper = Helper::new(Kind::Supervisor, at(0));
        assert_eq!(helper.due(), Some(at(0)));
        assert_eq!(helper.started(ID, at(0)), None);
        assert_eq!((helper.pid(), helper.due()), (Some(7), None));
        helper.ended(KILLED, at(90_000));
        assert_eq!((helper.pid(), helper.due()), (None, Some(at(90_000))));
        let said = helper.started(ID, at(90_000)).map(|part| part.to_string());
        assert_eq!(said.as_deref(), Some("supervisor restarted pid 7 (signal KILL, after 1m 30s)"));
    }

    #[test]
    fn short_lives_are_followed_by_ever_longer_pauses() {
        let mut helper = Helper::new(Kind::Logger, at(0));
        let mut pauses = Vec::new();
        for _ in 0..12 {
            helper.started(ID, at(0));
            helper.ended(KILLED, at(10));
            pauses.push(helper.due().unwrap().since(at(10)).as_millis());
        }
        assert_eq!(pauses, [0, 50, 100, 200, 400, 800, 1000, 1000, 1000, 1000, 1000, 1000]);
        helper.started(ID, at(0));
        helper.ended(KILLED, at(1_000));
        assert_eq!(helper.due(), Some(at(1_000)), "and a good life makes good for them");
    }
}
