//! The simulated hook engine: it loads hooks and answers questions late, twice, wrongly, or never.
//!
//! What it does comes from a stream of chance of its own, so that a profile without hooks lives as it would in a run
//! without any.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proclaunch_core::fleet::Input;
use proclaunch_core::hook::{
    Answer, Change, Farewell, Gate, Hook, Hooks, Outcome, Question, QuestionId, Schedule, Verdict, Wish,
};
use proclaunch_core::ids::ProfileName;
use proclaunch_core::machine::Event;
use proclaunch_core::profile::{Fingerprint, HookFiles, Profile, Variable};
use proclaunch_core::signal::Signal;

use crate::happening::Happening;
use crate::rng::Rng;
use crate::world::Sim;

/// **Invariant:** it dies with its supervisor, and all that it was to answer with it.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) rng: Rng,
    seats: BTreeMap<ProfileName, Seat>,
}

/// What the engine knows of one profile.
#[derive(Debug)]
struct Seat {
    profile: Arc<Profile>,
    /// The hooks of which it ever had a good version.
    good: Vec<Hook>,
}

impl Host {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { rng: Rng::new(seed ^ 0x5eed_0f10_0c5a), seats: BTreeMap::new() }
    }

    pub(crate) fn forget(&mut self) {
        self.seats.clear();
    }

    pub(crate) fn forget_profile(&mut self, name: &ProfileName) {
        self.seats.remove(name);
    }

    /// What becomes of these hook files when they are loaded.
    fn load(&mut self, present: &[Hook], good: &mut Vec<Hook>, is_calm: bool) -> Hooks {
        let mut hooks = Hooks::default();
        good.retain(|hook| present.contains(hook));
        for &hook in present {
            if !is_calm && self.rng.one_in(8) {
                hooks.broken.push((hook, "it is no Luau".to_owned()));
            } else if !good.contains(&hook) {
                good.push(hook);
            }
        }
        hooks.loaded.clone_from(good);
        if hooks.has(Hook::Health) {
            hooks.checks = (0..=self.rng.below(3)).map(|_| schedule(&mut self.rng)).collect();
        }
        if hooks.has(Hook::OnTick) {
            hooks.tick = Some(Duration::from_millis(*self.rng.pick(&[500, 3000, 5000])));
        }
        hooks
    }

    /// How long something takes that should be done within its budget; nothing if it is never done.
    fn delay(&mut self, budget: Duration, is_calm: bool) -> Option<Duration> {
        let soon = Duration::from_millis(5);
        match (is_calm, self.rng.below(12)) {
            (true, 0..4) | (false, 1 | 2) => Some(self.rng.duration(soon)),
            (true, _) | (false, 3..7) => Some(Duration::ZERO),
            (false, 0) => None,
            (false, 7..10) => Some(self.rng.duration(budget)),
            (false, _) => Some(self.rng.duration(budget * 2)),
        }
    }
}

/// The hook files of a profile, drawn: two of three have none.
pub(crate) fn files(rng: &mut Rng) -> HookFiles {
    if !rng.one_in(3) {
        return HookFiles::default();
    }
    let one = *rng.pick(&Hook::ALL);
    let present = Hook::ALL.into_iter().filter(|hook| *hook == one || rng.one_in(3)).collect();
    HookFiles { present, digest: digest(rng) }
}

fn digest(rng: &mut Rng) -> Fingerprint {
    Fingerprint(u128::from(rng.next()) + 1)
}

/// Changes the hook files, or lets them be.
pub(crate) fn change(rng: &mut Rng, hooks: &mut HookFiles) {
    match rng.below(12) {
        0 => *hooks = files(rng),
        1 | 2 if !hooks.present.is_empty() => hooks.digest = digest(rng),
        _ => {}
    }
}

fn schedule(rng: &mut Rng) -> Schedule {
    let millis = |rng: &mut Rng, of: &[u64]| Duration::from_millis(*rng.pick(of));
    let bad = 1 + u32::try_from(rng.below(3)).expect("below 3");
    Schedule {
        every: millis(rng, &[300, 1000, 5000, 10_000]),
        timeout: millis(rng, &[100, 1000, 5000]),
        bad,
        of: bad + u32::try_from(rng.below(3)).expect("below 3"),
        grace: millis(rng, &[0, 0, 4000]),
    }
}

/// What becomes of a question when everything goes well.
fn helpful(rng: &mut Rng, hook: Hook) -> Outcome {
    let answers = match hook {
        Hook::Ready => vec![Answer::Ready(Ok(()))],
        Hook::Health => vec![Answer::Health(Ok(())), Answer::Nothing],
        Hook::OnStart => vec![Answer::Start(Gate::Go(Vec::new())), Answer::Nothing],
        Hook::OnStop => vec![Answer::Stop(Farewell::Wait(Duration::from_secs(3))), Answer::Nothing],
        Hook::OnChange => vec![Answer::Change(Change::Restart), Answer::Nothing],
        Hook::ShouldRestart | Hook::OnReady | Hook::OnTick | Hook::OnExit | Hook::OnEvent => {
            vec![Answer::Nothing]
        }
    };
    Outcome::Answer(rng.pick(&answers).clone())
}

/// What becomes of a question, drawn.
fn outcome(rng: &mut Rng, hook: Hook) -> Outcome {
    match rng.below(12) {
        0 => Outcome::Answer(Answer::Nothing),
        1 => Outcome::Failed("it raised an error".to_owned()),
        2 => Outcome::TimedOut,
        3 => {
            let other = *rng.pick(&Hook::ALL);
            Outcome::Answer(answer(rng, other))
        }
        4..7 => helpful(rng, hook),
        _ => Outcome::Answer(answer(rng, hook)),
    }
}

/// A legal answer of a hook, drawn.
fn answer(rng: &mut Rng, hook: Hook) -> Answer {
    let reason = format!("reason {}", rng.below(3));
    let short = if rng.one_in(4) { Duration::ZERO } else { rng.duration(Duration::from_secs(5)) };
    let verdict = if rng.one_in(2) { Ok(()) } else { Err(reason.clone()) };
    let variable = Variable { name: "PORT".into(), value: b"80".as_slice().into() };
    match hook {
        Hook::OnStart => Answer::Start(match rng.below(5) {
            0 => Gate::NotYet(reason),
            1 => Gate::Again(short, reason),
            2 => Gate::Abort(reason),
            _ => Gate::Go(vec![variable]),
        }),
        Hook::Ready => Answer::Ready(verdict),
        Hook::Health => Answer::Health(verdict),
        Hook::ShouldRestart => Answer::Restart(match rng.below(4) {
            0 => Verdict::Yes,
            1 => Verdict::No(reason),
            _ => Verdict::After(short, reason),
        }),
        Hook::OnStop => Answer::Stop(match rng.below(3) {
            0 => Farewell::Signal(*rng.pick(&[Signal::INT, Signal::HUP, Signal::KILL])),
            1 => Farewell::Wait(short),
            _ => Farewell::Wait(rng.duration(Duration::from_secs(90))),
        }),
        Hook::OnChange => Answer::Change(*rng.pick(&[Change::Restart, Change::Reload, Change::Ignore])),
        Hook::OnReady | Hook::OnTick | Hook::OnExit | Hook::OnEvent => Answer::Nothing,
    }
}

impl Sim {
    pub(crate) fn load_hooks(&mut self, name: &ProfileName, profile: &Arc<Profile>) {
        let HookFiles { present, digest } = &profile.policy.hooks;
        let is_calm = self.timetable.is_calm;
        let mut good = self.hooks.seats.remove(name).map(|seat| seat.good).unwrap_or_default();
        let hooks = self.hooks.load(present, &mut good, is_calm);
        let seat = Seat { profile: Arc::clone(profile), good };
        self.hooks.seats.insert(name.clone(), seat);
        if let Some(delay) = self.hooks.delay(Duration::from_secs(3), is_calm) {
            let event = Event::HooksLoaded(*digest, Arc::new(hooks));
            self.later(delay, Happening::Tell(Input::Hook(name.clone(), Box::new(event))));
        }
    }

    pub(crate) fn consult(&mut self, name: &ProfileName, question: &Question) {
        let is_calm = self.timetable.is_calm;
        let times = if is_calm || !self.hooks.rng.one_in(10) { 1 } else { 2 };
        for _ in 0..times {
            let rng = &mut self.hooks.rng;
            let outcome = if is_calm { helpful(rng, question.hook) } else { outcome(rng, question.hook) };
            if let Some(delay) = self.hooks.delay(question.budget, is_calm) {
                let happening = Happening::Answer(name.clone(), question.id, question.hook, outcome);
                self.later(delay, happening);
            }
        }
    }

    /// A hook has come to an answer. If nobody wants to know any more, it is told all the same now and then.
    pub(crate) fn answer(&mut self, name: ProfileName, id: QuestionId, hook: Hook, outcome: Outcome) {
        if self.questions.is_open(id) || self.hooks.rng.one_in(3) {
            self.ready.push(Input::Hook(name, Box::new(Event::Decided { id, hook, outcome })));
        }
    }

    /// Hooks that run want something; the engine is found to be stuck.
    pub(crate) fn act_by_hooks(&mut self) {
        if self.is_alone || self.hooks.seats.is_empty() {
            return;
        }
        match self.hooks.rng.below(40) {
            0 => self.replace_hook_engine(),
            1..10 => self.wish(),
            _ => {}
        }
    }

    fn wish(&mut self) {
        let rng = &mut self.hooks.rng;
        let names: Vec<&ProfileName> = self.hooks.seats.keys().collect();
        let name = (*rng.pick(&names)).clone();
        let reason = "a hook wants it".to_owned();
        let wish = match rng.below(40) {
            0 if self.timetable.is_in_trouble() => {
                self.is_shut_down();
                Wish::Shutdown(reason)
            }
            0..12 => Wish::Stop(reason),
            12..30 => Wish::Restart(reason),
            _ => Wish::Signal(*rng.pick(&[Signal::HUP, Signal::TERM, Signal::USR1]), reason),
        };
        self.ready.push(Input::Hook(name, Box::new(Event::Wished { hook: Hook::OnTick, wish })));
    }

    /// A new engine, which knows nothing of what the old one was asked, and loads all hooks anew.
    pub(crate) fn replace_hook_engine(&mut self) {
        self.note("--- the hook engine is replaced");
        self.queue.retain(|_, happening| {
            !matches!(happening, Happening::Answer(..) | Happening::Tell(Input::Hook(..)))
        });
        for (name, seat) in std::mem::take(&mut self.hooks.seats) {
            self.load_hooks(&name, &seat.profile);
        }
    }
}
