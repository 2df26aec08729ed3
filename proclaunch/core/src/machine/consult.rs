//! Asking hooks: which there are, and what they are told.
//!
//! **Invariant:** a question that somebody waits for has a deadline in the state that waits; silence is the default.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::clock::Moment;
use crate::exit::Exit;
use crate::hook::{
    Answer, Happening, Hook, Hooks, LastExit, Outcome, Past, Question, QuestionId, Service, Verdict,
};
use crate::ids::ProcId;
use crate::log::{Said, Span};
use crate::profile::Fingerprint;

use super::Context;
use super::decisions::LEAVES_IT;
use super::event::Action;
use super::health::Health;
use super::memory::{Memory, Rest, Want};
use super::remembered::{AttentionThen, HooksThen};
use super::state::{Starting, State, StateName, Stopped, Stopping, Then};

mod then;

/// At most so many calls of `on_event` within [`EVENTS_WINDOW`]: a crash loop must not become a storm of pages.
const EVENTS_MAX: u32 = 20;
const EVENTS_WINDOW: Duration = Duration::from_secs(60);

/// A process that ran for less than this ended at once.
const BRIEF: Duration = Duration::from_secs(1);

/// The shortest delay before such a process is started again by a hook.
const RESTART_LEAST: Duration = Duration::from_millis(100);

/// So many errors in a row switch a hook off.
pub(super) const STRIKES_MAX: u32 = 5;

/// What a machine knows of its hooks.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// The digest of the files that were asked to be loaded.
    asked: Fingerprint,
    /// What those that are in force turned out to be, and their digest.
    loaded: Option<(Fingerprint, Arc<Hooks>)>,
    /// Errors in a row, and the last of them; cleared when files are loaded.
    strikes: BTreeMap<Hook, Strikes>,
    events_since: Moment,
    events: u32,
    /// What an earlier supervisor knew, until these hooks are loaded, or others.
    before: Option<(HooksThen, Option<AttentionThen>)>,
}

/// What is known of the hooks; it takes no memory while that is nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownHooks(Option<Box<Known>>);

impl Deref for KnownHooks {
    type Target = Known;

    fn deref(&self) -> &Known {
        static NOTHING: LazyLock<Known> = LazyLock::new(Known::default);
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl KnownHooks {
    /// What was once known, if anything.
    fn there(&mut self) -> Option<&mut Known> {
        self.0.as_deref_mut()
    }
}

impl DerefMut for KnownHooks {
    fn deref_mut(&mut self) -> &mut Known {
        self.0.get_or_insert_default()
    }
}

/// How often a hook has failed in a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Strikes {
    pub(super) count: u32,
    /// Why it is not asked any more.
    off: Option<String>,
}

/// What a hook is told that the memory does not know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) state: StateName,
    pub(super) process: Option<(ProcId, Moment)>,
    pub(super) ready: Option<Moment>,
    pub(super) health: Health,
    pub(super) changed: bool,
}

impl Now {
    /// Nothing runs.
    pub(super) const fn idle(state: StateName) -> Self {
        Self { state, process: None, ready: None, health: Health::Unknown, changed: false }
    }
}

impl Memory {
    /// The hooks in force.
    pub(super) fn hooks(&self) -> Option<&Arc<Hooks>> {
        self.known_hooks.loaded.as_ref().map(|(_, hooks)| hooks)
    }

    /// Whether a hook can be asked.
    pub(super) fn has(&self, hook: Hook) -> bool {
        self.hooks().is_some_and(|hooks| hooks.has(hook)) && self.switched_off(hook).is_none()
    }

    /// Why a hook whose file is there cannot be asked.
    pub(super) fn broken(&self, hook: Hook) -> Option<&str> {
        let hooks = self.hooks()?;
        let broken = hooks.broken.iter().find(|(broken, _)| *broken == hook && !hooks.has(hook));
        broken.map(|(_, why)| why.as_str()).or_else(|| self.switched_off(hook))
    }

    /// Why a hook is not asked any more until it changes.
    pub(super) fn switched_off(&self, hook: Hook) -> Option<&str> {
        self.known_hooks.strikes.get(&hook)?.off.as_deref()
    }

    pub(super) fn strikes(&mut self, hook: Hook) -> &mut Strikes {
        self.known_hooks.strikes.entry(hook).or_default()
    }

    /// Counts what became of a question, and switches off a hook that only fails. One that waited too long is not
    /// counted: that is the fault of what it waits for.
    pub(super) fn count_outcome(&mut self, cx: &mut Context<'_>, hook: Hook, outcome: &Outcome) {
        match outcome {
            // What is off stays off: an answer that was under way comes too late.
            Outcome::Answer(_) if self.switched_off(hook).is_none() => {
                self.known_hooks.strikes.remove(&hook);
            }
            Outcome::Answer(_) | Outcome::TimedOut => {}
            Outcome::Failed(why) => {
                Self::tell_of_failure(cx, hook, false, why);
                cx.say(Said::HookFailed { hook, why: why.clone() });
                let strikes = self.strikes(hook);
                strikes.count += 1;
                if strikes.count >= STRIKES_MAX && strikes.off.is_none() {
                    let why = format!("{STRIKES_MAX} errors in a row, the last: {why}");
                    strikes.off = Some(why.clone());
                    Self::tell_of_failure(cx, hook, true, &why);
                    cx.say(Said::HookOff { hook, why });
                }
            }
        }
    }

    /// Whether hook files were asked to be loaded, and none are in force yet.
    pub(super) fn awaits_hooks(&self) -> bool {
        self.known_hooks.loaded.is_none() && self.known_hooks.asked != Fingerprint::default()
    }

    /// Has the hook files loaded if they are others than those that were asked for.
    pub(super) fn load_hooks(&mut self, cx: &mut Context<'_>) {
        let Some(profile) = &self.profile else { return };
        let digest = profile.policy.hooks.digest;
        if digest == self.known_hooks.asked {
            return;
        }
        self.known_hooks.asked = digest;
        if profile.policy.hooks.present.is_empty() {
            self.known_hooks.loaded = None;
        }
        cx.act(Action::LoadHooks(Arc::clone(profile)));
    }

    /// Hook files were loaded. Whether they are in force now.
    pub(super) fn hooks_loaded(
        &mut self,
        cx: &mut Context<'_>,
        digest: Fingerprint,
        hooks: Arc<Hooks>,
    ) -> bool {
        if digest != self.known_hooks.asked {
            return false;
        }
        for (hook, why) in &hooks.broken {
            let is_old = hooks.has(*hook);
            Self::tell_of_failure(cx, *hook, !is_old, why);
            cx.say(Said::HookBroken { hook: *hook, why: why.clone(), is_old });
        }
        self.known_hooks.loaded = Some((digest, hooks));
        self.known_hooks.strikes.clear();
        self.known_hooks.go_on(digest);
        true
    }

    /// Asks a hook. The one who asks keeps the question's number if the answer matters.
    pub(super) fn ask(&mut self, cx: &mut Context<'_>, hook: Hook, now: Now) -> QuestionId {
        let budget = self.policy().budget(hook);
        self.ask_with(cx, hook, now, 0, budget, None)
    }

    pub(super) fn ask_with(
        &mut self,
        cx: &mut Context<'_>,
        hook: Hook,
        now: Now,
        check: usize,
        budget: Duration,
        event: Option<Happening>,
    ) -> QuestionId {
        let id = cx.tickets.question();
        let service = Service { event, ..self.service(cx.now, now) };
        cx.act(Action::Consult(Box::new(Question { id, hook, check, budget, service })));
        id
    }

    /// Tells a hook something whose answer does not matter.
    pub(super) fn tell(&mut self, cx: &mut Context<'_>, hook: Hook, now: Now) {
        if self.has(hook) {
            self.ask(cx, hook, now);
        }
    }

    /// Tells `on_event` what happened, but not without end.
    pub(super) fn tell_event(&mut self, cx: &mut Context<'_>, now: Now, event: Happening) {
        if !self.has(Hook::OnEvent) {
            return;
        }
        let known = &mut self.known_hooks;
        if cx.now.since(known.events_since) > EVENTS_WINDOW {
            known.events_since = cx.now;
            known.events = 0;
        }
        known.events += 1;
        if known.events <= EVENTS_MAX {
            let budget = self.policy().budget(Hook::OnEvent);
            self.ask_with(cx, Hook::OnEvent, now, 0, budget, Some(event));
        }
    }

    fn service(&self, at: Moment, now: Now) -> Service {
        let last = self.exits.iter().next_back();
        let exit = last.map(|ended| LastExit {
            exit: ended.exit,
            oom: ended.exit == Exit::OutOfMemory,
            requested: ended.requested,
            uptime: ended.after,
        });
        let past = self.history.iter().map(|step| Past {
            age: at.since(step.at),
            from: step.from.to_string(),
            to: step.to.to_string(),
            why: format!("{:?}", step.why).to_lowercase(),
        });
        Service {
            state: now.state.to_string(),
            want: match self.want {
                Want::Up => "up",
                Want::Down => "down",
                Want::Gone => "gone",
            }
            .to_owned(),
            health: now.health.word().to_owned(),
            process: now.process.map(|(id, _)| id),
            uptime: now.process.map(|(_, since)| at.since(since)).unwrap_or_default(),
            ready_for: now.ready.map(|ready| at.since(ready)).unwrap_or_default(),
            restarts: self.starts.saturating_sub(1),
            exit,
            cause: self.cause.word().to_owned(),
            reason: self.reason.clone(),
            exit_ages: self.unasked.iter().map(|ended| at.since(*ended)).collect(),
            history: past.collect(),
            changed: now.changed,
            event: None,
        }
    }

    /// Asks `should_restart` after a death, unless there is nothing to decide.
    pub(super) fn ask_verdict(&mut self, cx: &mut Context<'_>, then: Then) -> Option<(QuestionId, Moment)> {
        let is_open = self.want == Want::Up && then != Then::Rest(Rest::Done);
        (is_open && self.has(Hook::ShouldRestart)).then(|| {
            let id = self.ask(cx, Hook::ShouldRestart, Now::idle(StateName::Stopped));
            (id, cx.now.plus(self.policy().budget(Hook::ShouldRestart)))
        })
    }

    /// The shortest delay that a hook can have: a process that ends at once must not be started a thousand times a
    /// second.
    fn least_delay(&self) -> Duration {
        let last = self.exits.iter().next_back().filter(|ended| !ended.requested);
        let brief = last.is_some_and(|ended| ended.after < BRIEF);
        if brief { RESTART_LEAST } else { Duration::ZERO }
    }

    /// What `should_restart` makes of what the settings would do.
    pub(super) fn verdict(&mut self, cx: &mut Context<'_>, outcome: Outcome, fallback: Then) -> Then {
        let hook = Hook::ShouldRestart;
        let inputs = self.reason.clone();
        let (then, what, reason) = match outcome {
            Outcome::Answer(Answer::Restart(Verdict::Yes)) => {
                let delay = self.least_delay();
                let when = if delay == Duration::ZERO {
                    "at once".to_owned()
                } else {
                    format!("in {}", Span(delay))
                };
                (Then::StartAt(cx.now.plus(delay)), format!("restarts {when}"), String::new())
            }
            Outcome::Answer(Answer::Restart(Verdict::No(reason))) => {
                self.reason.clone_from(&reason);
                (Then::Rest(Rest::Dead), "is not restarted".to_owned(), reason)
            }
            Outcome::Answer(Answer::Restart(Verdict::After(delay, reason))) => {
                let delay = delay.max(self.least_delay());
                (Then::StartAt(cx.now.plus(delay)), format!("restarts in {}", Span(delay)), reason)
            }
            // No opinion, or none in time: the settings decide.
            Outcome::Answer(
                Answer::Nothing
                | Answer::Start(_)
                | Answer::Ready(_)
                | Answer::Health(_)
                | Answer::Stop(_)
                | Answer::Change(_),
            ) => return self.no_verdict(cx, "no opinion", fallback),
            Outcome::Failed(why) => return self.no_verdict(cx, &why, fallback),
            Outcome::TimedOut if self.has(hook) => {
                return self.no_verdict(cx, "no answer in time", fallback);
            }
            Outcome::TimedOut => return self.no_verdict(cx, "", fallback),
        };
        self.note_hook(cx.now, hook, &what, &inputs, &reason);
        let said = match then {
            Then::StartAt(_) if reason.is_empty() => what,
            Then::StartAt(_) | Then::Rest(_) | Then::Down => format!("{what}: {reason}"),
        };
        self.for_reason(format!("should_restart: {said}"));
        cx.say(Said::HookDecided { hook, what: said });
        then
    }

    /// The settings decide, for `should_restart` has not; `why` is empty where it was not asked.
    fn no_verdict(&mut self, cx: &mut Context<'_>, why: &str, fallback: Then) -> Then {
        if !why.is_empty() {
            let inputs = self.reason.clone();
            self.note_hook(cx.now, Hook::ShouldRestart, LEAVES_IT, &inputs, why);
        }
        self.for_reason("its settings decide");
        self.say_if_given_up(cx, fallback);
        fallback
    }
}

/// What a hook is told of a state.
pub(super) fn now_of(state: &State, changed: bool) -> Now {
    match state {
        State::Running(running) => running.now(changed),
        State::Stopped(_) | State::Starting(_) | State::Stopping(_) => Now::idle(state.name()),
    }
}

impl super::Machine {
    /// What a hook would be told at this moment.
    pub fn service(&self, at: Moment) -> Service {
        self.memory.service(at, now_of(&self.state, self.is_changed()))
    }
}

/// The questions whose answers a state waits for.
pub(super) fn questions(state: &State) -> Vec<QuestionId> {
    match state {
        State::Stopped(Stopped::Deciding { id, .. }) => vec![*id],
        State::Stopped(
            Stopped::Idle(_) | Stopped::Looking { .. } | Stopped::Loading { .. } | Stopped::Backoff { .. },
        )
        | State::Starting(Starting::Launching(_) | Starting::Daemonizing(_)) => Vec::new(),
        State::Starting(Starting::Gate(gate)) => gate.asked.into_iter().collect(),
        State::Starting(Starting::Readying(readying)) => {
            readying.asked.map(|(id, _)| id).into_iter().collect()
        }
        State::Running(running) => running.attention.iter().flat_map(|attention| attention.open()).collect(),
        State::Stopping(
            Stopping::Unborn { ending, .. }
            | Stopping::Signalled { ending, .. }
            | Stopping::Killing { ending, .. },
        ) => ending.deciding.map(|(id, _)| id).into_iter().collect(),
        State::Stopping(Stopping::Farewell { ending, asked, .. }) => {
            ending.deciding.map(|(id, _)| id).into_iter().chain(*asked).collect()
        }
    }
}
