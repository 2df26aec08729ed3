//! Why a machine is as it is, and what each possible next event would do.
//!
//! What would happen is not described a second time: it is found out, by giving the event to a copy of the machine.
//!
//! **Invariant:** nothing that the copy does reaches the machine, or anything outside.

use std::sync::Arc;

use crate::clock::Moment;
use crate::exit::Exit;
use crate::hook::{Hook, QuestionId};
use crate::log::Span;
use crate::profile::{Fingerprint, Profile};
use crate::signal::Signal;

use super::consult;
use super::decisions::then_in_words;
use super::event::{Action, Event, Order};
use super::memory::{Rest, Want};
use super::state::{Ending, Idle, Starting, State, StateName, Stopped, Stopping, Then, Timer};
use super::status::{Explanation, Outlook};
use super::tickets::Tickets;
use super::{Context, Machine};

/// How many timeouts one deadline can take: the last look at a pid file is waited for.
const TIMEOUTS_MAX: u32 = 3;

impl Machine {
    /// Tells why the machine is as it is, what it has decided, and what each possible next event would do.
    pub fn explain(&self, now: Moment) -> Explanation {
        let decisions = self.memory.decisions.iter().cloned().collect();
        Explanation { status: self.status(), decisions, outlook: self.outlook(now) }
    }

    fn outlook(&self, now: Moment) -> Vec<Outlook> {
        if self.is_resuming() {
            let (event, then) = ("its hooks are loaded", "goes on with what was remembered of it");
            return vec![Outlook { event: event.to_owned(), then: then.to_owned(), within: None }];
        }
        let mut all = Vec::new();
        let outlook = |event: &str, then: String| Outlook { event: event.to_owned(), then, within: None };
        for (event, what) in self.ends().into_iter().chain(self.orders()) {
            all.push(outlook(event, Trial::of(self, now, what)));
        }
        if self.idle() == Some(Idle::Held) {
            // Nobody knows yet what those files will say: this cannot be tried out.
            let then = if self.memory.ordered { "starts" } else { "starts, unless a `down` file holds it" };
            all.push(outlook("its files are put right", then.to_owned()));
        }
        for (event, what) in self.changes() {
            all.push(outlook(event, Trial::of(self, now, what)));
        }
        all.extend(self.timer(now));
        all
    }

    /// Its process can end.
    fn ends(&self) -> Vec<(&'static str, Event)> {
        let Some((ticket, id)) = self.process() else { return Vec::new() };
        let ends = |exit| Event::Exited { ticket, id, exit, remains: Vec::new() };
        if self.state() == StateName::Stopping {
            return vec![("its process ends", ends(Exit::Code(0)))];
        }
        let killed = Exit::Signal { signal: Signal::KILL, core: false };
        vec![
            ("exits with 0", ends(Exit::Code(0))),
            ("exits with 1", ends(Exit::Code(1))),
            ("is killed by SIGKILL", ends(killed)),
        ]
    }

    /// It can be told something. During a drain it cannot, nor once its directory is gone.
    fn orders(&self) -> Vec<(&'static str, Event)> {
        let is_draining = self.memory.want == Want::Down && !self.memory.ordered;
        if is_draining || self.memory.want == Want::Gone {
            return Vec::new();
        }
        let mut all = Vec::new();
        let is_running = self.state() == StateName::Running;
        if !is_running {
            all.push(("is told to start", Event::Order(Order::Start { force: false })));
        }
        if self.idle() != Some(Idle::Ordered) {
            all.push(("is told to stop", Event::Order(Order::Stop)));
        }
        all.push(("is told to restart", Event::Order(Order::Restart)));
        if is_running {
            all.push(("is told to reload", Event::Order(Order::Reload)));
        }
        all
    }

    /// Its files can change.
    fn changes(&self) -> Vec<(&'static str, Event)> {
        let mut all = Vec::new();
        if let Some(profile) = &self.memory.profile {
            let with = |change: fn(&mut Profile)| {
                let mut changed = Profile::clone(profile);
                change(&mut changed);
                Event::Settings(Arc::new(changed))
            };
            if self.memory.want == Want::Gone {
                all.push(("its directory comes back", with(|_| ())));
            } else if self.idle() != Some(Idle::Held) {
                all.push((
                    "its files change",
                    with(|changed| {
                        let Fingerprint(run) = changed.shape.run;
                        changed.shape.run = Fingerprint(!run);
                    }),
                ));
                if profile.policy.down {
                    all.push(("its `down` file is removed", with(|changed| changed.policy.down = false)));
                }
            }
        }
        if self.memory.want != Want::Gone {
            all.push(("its directory is removed", Event::Removed));
        }
        all
    }

    /// What comes by itself.
    fn timer(&self, now: Moment) -> Option<Outlook> {
        let (deadline, timer) = self.deadline()?;
        let at = self.next().map_or(deadline, |next| next.at).max(now);
        let mut trial = Trial::new(self, at);
        for _ in 0..TIMEOUTS_MAX {
            trial.now = trial.machine.deadline().map_or(trial.now, |(due, _)| due.max(trial.now));
            trial.step(Event::Timeout);
            let looks = matches!(trial.machine.state, State::Starting(Starting::Daemonizing(_)));
            if !looks {
                break;
            }
        }
        let within = Some(at.since(now));
        Some(Outlook { event: self.in_words(timer).to_owned(), then: trial.result(self), within })
    }

    /// A timer, as an event.
    fn in_words(&self, timer: Timer) -> &'static str {
        match (&self.state, timer) {
            (State::Starting(Starting::Gate(gate)), _) if gate.asked.is_none() => "on_start is asked again",
            (State::Starting(Starting::Gate(_)), _) => "on_start does not answer",
            (State::Starting(Starting::Readying(_) | Starting::Daemonizing(_)), _)
            | (_, Timer::StartTimeout) => "is not ready in time",
            (State::Stopped(Stopped::Deciding { .. }), _) => "should_restart does not answer",
            (State::Stopping(Stopping::Farewell { .. }), _) => "the time of on_stop is over",
            (State::Stopped(Stopped::Loading { .. }), _) => "its hooks are not loaded in time",
            (State::Running(running), _) => {
                let attention = running.attention.as_ref();
                match attention.map(|attention| (attention.change.is_some(), attention.verdict.is_some())) {
                    Some((true, _)) => "on_change does not answer",
                    Some((_, true)) => "should_restart does not answer",
                    Some((false, false)) | None => "a check or a tick is due",
                }
            }
            (_, Timer::PidFileLook) => "its pid file is not looked at in time",
            (_, Timer::Backoff) => "backoff is over",
            (_, Timer::Launch) => "the keeper does not answer",
            (_, Timer::StopTimeout) => "has not ended in time",
            (_, Timer::KillAgain) => "SIGKILL has not ended it",
            (_, Timer::Hook) => "a hook does not answer",
        }
    }
}

/// A copy of a machine, to which something happens.
struct Trial {
    machine: Machine,
    tickets: Tickets,
    now: Moment,
    actions: Vec<Action>,
}

impl Trial {
    fn new(machine: &Machine, now: Moment) -> Self {
        Self { machine: machine.clone(), tickets: Tickets::for_trial(), now, actions: Vec::new() }
    }

    /// What an event would do, in words.
    fn of(machine: &Machine, now: Moment, event: Event) -> String {
        let mut trial = Self::new(machine, now);
        trial.step(event);
        trial.result(machine)
    }

    fn step(&mut self, event: Event) {
        let mut cx = Context::new(self.now, &mut self.tickets);
        self.machine.step(&mut cx, event);
        self.actions.append(&mut cx.actions);
    }

    /// What has become of the machine, in words.
    fn result(mut self, before: &Machine) -> String {
        let old = before.questions();
        let Some(hook) = self.asked(&old) else { return self.in_words(before) };
        match hook {
            Hook::Health | Hook::OnTick => return format!("asks {hook}.lua, and runs on"),
            Hook::OnStart => return format!("asks {hook}.lua, and starts once it lets it through"),
            Hook::Ready => return format!("asks {hook}.lua, and is running once it says yes"),
            Hook::ShouldRestart | Hook::OnStop | Hook::OnChange => {}
            Hook::OnReady | Hook::OnExit | Hook::OnEvent => return self.in_words(before),
        }
        // What is killed first has ended by the time that it is decided what follows.
        if let Some((at, _)) = self.machine.deadline() {
            let open = if let State::Stopping(Stopping::Killing { ending, .. }) = &self.machine.state {
                ending.deciding.map(|_| Event::Gone { ticket: ending.ticket })
            } else {
                None
            };
            if let Some(gone) = open {
                self.step(gone);
            }
            self.now = self.machine.deadline().map_or(at, |(at, _)| at).max(self.now);
            let asked_at = self.now;
            self.step(Event::Timeout);
            return format!("asks {hook}.lua; without an answer {}", self.in_words_since(before, asked_at));
        }
        format!("asks {hook}.lua")
    }

    /// The hook whose answer decides, if one was asked.
    fn asked(&self, old: &[QuestionId]) -> Option<Hook> {
        let open = consult::questions(&self.machine.state);
        let question = |action: &Action| {
            if let Action::Consult(question) = action { Some((question.id, question.hook)) } else { None }
        };
        let mut asked = self.actions.iter().rev().filter_map(question);
        asked.find(|(id, _)| open.contains(id) && !old.contains(id)).map(|(_, hook)| hook)
    }

    fn in_words(&self, before: &Machine) -> String {
        self.in_words_since(before, self.now)
    }

    fn in_words_since(&self, before: &Machine, since: Moment) -> String {
        let is_same = self.machine.state == before.state;
        match &self.machine.state {
            State::Stopped(Stopped::Idle(idle)) if is_same => {
                format!("stays as it is: {}", idle_in_words(*idle))
            }
            State::Stopped(Stopped::Idle(Idle::Held)) => format!("cannot be started: {}", self.machine.why()),
            State::Stopped(Stopped::Idle(idle)) => idle_in_words(*idle).to_owned(),
            State::Stopped(Stopped::Looking { .. }) => {
                "starts, unless its pid file names what lives".to_owned()
            }
            State::Stopped(Stopped::Loading { .. }) => "starts once its hooks are loaded".to_owned(),
            State::Stopped(Stopped::Backoff { until }) => then_in_words(Then::StartAt(*until), since),
            State::Stopped(Stopped::Deciding { then, .. }) => then_in_words(*then, since),
            State::Starting(_) if before.state() == StateName::Starting => "goes on starting".to_owned(),
            State::Starting(Starting::Gate(_)) => "asks on_start.lua again".to_owned(),
            State::Starting(Starting::Launching(_)) if before.process().is_some() => {
                "restarts at once".to_owned()
            }
            State::Starting(_) => "starts at once".to_owned(),
            State::Running(_) if before.state() != StateName::Running => "is running".to_owned(),
            State::Running(_) => match self.signals().as_slice() {
                [] => "runs on".to_owned(),
                signals => format!("gets {}, and runs on", signals.join(", ")),
            },
            State::Stopping(stopping) => self.stops(stopping),
        }
    }

    /// A stop, with what it ends in if nothing else happens.
    fn stops(&self, stopping: &Stopping) -> String {
        let mut parts = Vec::new();
        match self.signals().as_slice() {
            [] if self.kills() => parts.push("what is left of it is killed".to_owned()),
            [] => parts.push("goes on stopping".to_owned()),
            signals => parts.push(format!("gets {}", signals.join(", "))),
        }
        if let Stopping::Signalled { step, until, .. } = stopping {
            let next = self.machine.memory.policy().stop.get(step.saturating_add(1));
            let next = next.map_or_else(|| "SIGKILL".to_owned(), |next| next.signal.to_string());
            parts.push(format!("{next} after {}", Span(until.since(self.now))));
        }
        parts.push(self.after_stop(stopping.ending()));
        parts.join(", ")
    }

    fn after_stop(&self, ending: &Ending) -> String {
        match self.machine.memory.want {
            Want::Down => "then stays down".to_owned(),
            Want::Gone => "then is forgotten".to_owned(),
            Want::Up => match ending.then {
                Then::StartAt(until) if until <= self.now => "then starts again".to_owned(),
                then @ (Then::StartAt(_) | Then::Rest(_) | Then::Down) => {
                    format!("then {}", then_in_words(then, self.now))
                }
            },
        }
    }

    /// The signals that were sent, but for the CONT that goes with each.
    fn signals(&self) -> Vec<String> {
        let signal = |action: &Action| {
            if let Action::Signal { signal, .. } = action { Some(*signal) } else { None }
        };
        let signals = self.actions.iter().filter_map(signal).filter(|signal| *signal != Signal::CONT);
        signals.map(|signal| signal.to_string()).collect()
    }

    fn kills(&self) -> bool {
        self.actions.iter().any(|action| matches!(action, Action::KillTree { .. }))
    }
}

const fn idle_in_words(idle: Idle) -> &'static str {
    match idle {
        Idle::New => "it has not begun",
        Idle::Down => "waits for its `down` file to go",
        Idle::Ordered => "stays down until it is told to start",
        Idle::Held => "cannot be started",
        Idle::Rest(Rest::Done) => "is done",
        Idle::Rest(Rest::Dead) => "is not restarted",
        Idle::Rest(Rest::GaveUp) => "gives up",
        Idle::Gone => "is forgotten",
    }
}
