//! The last decisions: what was decided, by whom, on what, and why.
//!
//! **Invariant:** each is noted where it is taken, so that an explanation tells what was, and guesses at nothing.

use std::borrow::Cow;
use std::time::Duration;

use crate::clock::Moment;
use crate::hook::Hook;
use crate::log::Span;
use crate::profile::{Policy, Restart};

use super::event::Order;
use super::history::Why;
use super::memory::{Memory, Rest};
use super::policy::End;
use super::state::{Idle, StateName, Then};
use super::status::{By, Decision};

/// How many of the last decisions are kept.
pub(super) const DECISIONS_KEPT: usize = 8;

/// The longest text of a decision or of a change of state, in bytes.
const TEXT_MAX: usize = 160;

/// What a hook decides that has no opinion.
pub(super) const LEAVES_IT: &str = "leaves it to the settings";

/// Why a machine without `restart` is not restarted.
const NEVER: &str = "there is no `restart` file, or it says never";

/// The beginning of a text, short enough for a line.
pub(super) fn brief(text: impl Into<String>) -> String {
    let mut text = text.into();
    if text.len() > TEXT_MAX {
        text.truncate(text.floor_char_boundary(TEXT_MAX));
    }
    text
}

/// By a setting file.
fn setting(name: &str) -> By {
    By::Setting(name.to_owned())
}

impl Memory {
    /// Says why the state is to change next, should it change.
    pub(super) fn for_reason(&mut self, reason: impl Into<Cow<'static, str>>) {
        self.turn = reason.into();
    }

    /// Why the state has changed: what was said of it, or what the event tells.
    pub(super) fn take_turn(&mut self, why: Why) -> Cow<'static, str> {
        match std::mem::take(&mut self.turn) {
            Cow::Borrowed("") => why.in_words().into(),
            Cow::Borrowed(said) => said.into(),
            Cow::Owned(said) if said.is_empty() => why.in_words().into(),
            Cow::Owned(said) => brief(said).into(),
        }
    }

    /// Notes a decision.
    pub(super) fn note(
        &mut self,
        at: Moment,
        by: By,
        what: impl Into<String>,
        inputs: impl Into<String>,
        reason: impl Into<String>,
    ) {
        let (what, inputs, reason) = (brief(what), brief(inputs), brief(reason));
        let count = match &by {
            By::Order => &mut self.decided.orders,
            By::Setting(_) => &mut self.decided.settings,
            By::Hook(_) => &mut self.decided.hooks,
            By::Default => &mut self.decided.defaults,
        };
        *count = count.saturating_add(1);
        let new = Decision { at, what, by, inputs, reason };
        // What is decided again and again on the same grounds is told once, with its beginning: it would push out all
        // that led to it.
        let last = self.decisions.iter().next_back();
        let is_again = last.is_some_and(|last| new.by != By::Order && Decision { at, ..last.clone() } == new);
        if !is_again {
            self.decisions.push(new);
        }
    }

    /// Notes an order, if it changes anything.
    pub(super) fn note_order(&mut self, at: Moment, state: StateName, idle: Option<Idle>, order: Order) {
        let is_held = idle == Some(Idle::Held);
        let (what, reason) = match order {
            Order::Start { force: true } => ("starts", "told to start without asking on_start"),
            Order::Start { force: false } if is_held => ("starts once its files are right", "told to start"),
            Order::Restart if is_held => ("starts once its files are right", "told to restart"),
            Order::Start { force: false } => ("starts", "told to start"),
            Order::Stop => ("stops", "told to stop"),
            Order::Restart => ("restarts", "told to restart"),
            // Noted where they are sent.
            Order::Reload | Order::Signal(_) => return,
        };
        let is_so = self.ordered && order.want() == Some(self.want);
        let is_there = match order {
            Order::Start { .. } => state == StateName::Running || state == StateName::Starting,
            Order::Stop => state == StateName::Stopped || state == StateName::Stopping,
            Order::Restart | Order::Reload | Order::Signal(_) => false,
        };
        if !(is_so && is_there) {
            self.note(at, By::Order, what, state.to_string(), reason);
        }
    }

    /// Notes what the settings make of an end.
    pub(super) fn note_end(&mut self, at: Moment, end: End, then: Then) {
        let policy = self.policy();
        let (by, reason) = match then {
            Then::Rest(Rest::Done) => (setting("oneshot"), "it did its work".to_owned()),
            Then::Rest(Rest::GaveUp) => {
                let most = policy.give_up.map(|give_up| (give_up.deaths, Span(give_up.within)));
                let most = most.map(|(deaths, within)| {
                    format!("{deaths} {} within {within}", if deaths == 1 { "death" } else { "deaths" })
                });
                (setting("give_up"), most.unwrap_or_default())
            }
            Then::Rest(Rest::Dead) if policy.restart == Restart::OnFailure => {
                (setting("restart"), "on-failure, and it has not failed".to_owned())
            }
            Then::Rest(Rest::Dead) => (By::Default, NEVER.to_owned()),
            Then::StartAt(_) | Then::Down => (setting("restart"), self.backoff_in_words(policy)),
        };
        let inputs = match end {
            End::Died(exit, ran) => format!("{exit} after {}", Span(ran)),
            End::FailedStart => format!("the start failed: {}", self.reason),
            End::Unhealthy(ran) => format!("unhealthy after {}: {}", Span(ran), self.reason),
        };
        self.note(at, by, then_in_words(then, at), inputs, reason);
    }

    fn backoff_in_words(&self, policy: &Policy) -> String {
        let restart = if policy.restart == Restart::Always { "always" } else { "on-failure" };
        let (base, cap) = (Span(policy.backoff.base), Span(policy.backoff.cap));
        format!("{restart}; failure {} in a row, backoff {base} up to {cap}", self.failures)
    }

    /// Notes that it runs on although it is unhealthy.
    pub(super) fn note_running_on(&mut self, at: Moment) {
        let inputs = format!("unhealthy: {}", self.reason);
        self.note(at, By::Default, "runs on", inputs, NEVER);
    }

    /// Notes that a start is not waited for any longer.
    pub(super) fn note_start_timeout(&mut self, at: Moment, why: &str) {
        let limit = format!("a start may take {}", Span(self.policy().start_timeout));
        self.note(at, setting("start_timeout"), "the start fails", why, limit);
    }

    /// Notes that a stop goes on to its next step.
    pub(super) fn note_escalation(&mut self, at: Moment, step: usize, waited: Duration) {
        let policy = self.policy();
        let next = policy.stop.get(step).map_or_else(|| "SIGKILL".to_owned(), |next| next.signal.to_string());
        let file = if policy.stop.len() > 1 { "stop_signal" } else { "stop_timeout" };
        let inputs = format!("still running {} after the stop signal", Span(waited));
        self.note(at, setting(file), format!("sends {next}"), inputs, "the time of the step is over");
    }

    /// Notes that the `down` file has come or gone.
    pub(super) fn note_down(&mut self, at: Moment, is_down: bool) {
        let (what, inputs) = if is_down {
            ("does not start by itself", "its `down` file is there")
        } else {
            ("may start by itself", "its `down` file is gone")
        };
        self.note(at, setting("down"), what, inputs, "what runs is not touched");
    }

    /// Notes what a hook makes of something.
    pub(super) fn note_hook(&mut self, at: Moment, hook: Hook, what: &str, inputs: &str, reason: &str) {
        self.note(at, By::Hook(hook), what, inputs, reason);
    }

    /// Notes what is made of files that have changed.
    pub(super) fn note_change(&mut self, at: Moment, by_hook: bool, what: &str) {
        let by = match (by_hook, self.policy().reload) {
            (true, _) => By::Hook(Hook::OnChange),
            (false, Some(_)) => setting("reload"),
            (false, None) => By::Default,
        };
        let reason = match &by {
            By::Setting(_) => "a `reload` file is there",
            By::Hook(_) => "on_change says so",
            By::Default | By::Order => "there is no `reload` file",
        };
        self.note(at, by, what, "its files have changed", reason);
    }
}

/// What follows, in words.
pub(super) fn then_in_words(then: Then, now: Moment) -> String {
    match then {
        Then::StartAt(until) if until <= now => "restarts at once".to_owned(),
        Then::StartAt(until) => format!("restarts in {}", Span(until.since(now))),
        Then::Rest(Rest::Done) => "is done".to_owned(),
        Then::Rest(Rest::Dead) => "is not restarted".to_owned(),
        Then::Rest(Rest::GaveUp) => "gives up".to_owned(),
        Then::Down => "waits for its `down` file to go".to_owned(),
    }
}
