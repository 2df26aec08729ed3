//! From a record, and from what was found of the start that it names, to a state.

use crate::clock::Moment;
use crate::exit::Exit;
use crate::hook::{Hook, Outcome};
use crate::ids::ProcId;
use crate::log::Said;
use crate::machine::consult::Now;
use crate::machine::event::{Action, Event, Order};
use crate::machine::found::Found;
use crate::machine::imprint::{Imprint, Made};
use crate::machine::memory::{Memory, Want};
use crate::machine::policy::Death;
use crate::machine::remembered::{AttentionThen, Phase, Remembered, Start, Step};
use crate::machine::starting::launch;
use crate::machine::starting::{DRAINS, GONE};
use crate::machine::state::{
    Daemonizing, Ending, Idle, Launching, Readying, Running, Starting, State, StateName, Stopped, Stopping,
    Then,
};
use crate::machine::stopped::{begin_afresh, settle, start};
use crate::machine::stopping::AGAIN_BASE;
use crate::machine::{Context, gate, readying};
use crate::process::Scope;
use crate::signal::Signal;

/// The state that follows from the record and from what was found.
pub(super) fn resume(memory: &mut Memory, cx: &mut Context<'_>, record: &Remembered, found: Found) -> State {
    let mut state = match record.phase.start() {
        Some(start) => {
            let profile = memory.profile.clone();
            let made = Made::recalled(&start, profile.as_ref());
            let up = if let Found::Alive { up, .. } = found { up } else { std::time::Duration::ZERO };
            let since = start.since.unwrap_or(cx.now.minus(up));
            let hooks = record.hooks.as_ref().and_then(|hooks| hooks.files);
            let life = Life { hooks, start, since, made, found };
            life.owe(cx, &record.owed);
            life.go_on(memory, cx, &record.phase)
        }
        None if memory.want == Want::Up => without_process(memory, cx, &record.phase),
        None => settle(memory, cx, Then::StartAt(cx.now)),
    };
    // Unless that is what it was being stopped for.
    if memory.want == Want::Gone && matches!(state, State::Stopping(_)) && record.past.reason != GONE {
        cx.say(Said::Disappeared);
    }
    if memory.want != Want::Up && !matches!(state, State::Stopped(_) | State::Stopping(_)) {
        let end = match memory.want {
            Want::Gone => Event::Removed,
            Want::Up | Want::Down if memory.ordered => Event::Order(Order::Stop),
            Want::Up | Want::Down => Event::Drain,
        };
        state = state.step(memory, cx, end);
    }
    state
}

/// Goes on where nothing lived.
fn without_process(memory: &mut Memory, cx: &mut Context<'_>, phase: &Phase) -> State {
    match phase {
        Phase::Rest(rest) => State::Stopped(Stopped::Idle(Idle::Rest(*rest))),
        Phase::Due => start(memory, cx),
        Phase::Backoff { until } => State::Stopped(Stopped::Backoff { until: *until }),
        Phase::Deciding { then } => {
            if let Some((id, until)) = memory.ask_verdict(cx, *then) {
                return State::Stopped(Stopped::Deciding { id, until, then: *then });
            }
            let then = memory.verdict(cx, Outcome::TimedOut, *then);
            settle(memory, cx, then)
        }
        Phase::Gate { tries, again, said } => gate::go_on(memory, cx, *tries, *again, said.clone()),
        // Held by its `down` file or by nothing: an order outranks the one, and the files tell of the other.
        Phase::Fresh
        | Phase::Down
        | Phase::Ordered
        | Phase::Held
        | Phase::Launching { .. }
        | Phase::Daemonizing { .. }
        | Phase::Readying { .. }
        | Phase::Running { .. }
        | Phase::Stopping { .. } => {
            if memory.ordered {
                start(memory, cx)
            } else {
                begin_afresh(memory, cx)
            }
        }
    }
}

/// A start that an earlier supervisor made, or was about to make.
struct Life {
    /// The hook files that were in force.
    hooks: Option<Imprint>,
    start: Start,
    since: Moment,
    made: Made,
    found: Found,
}

impl Life {
    /// Takes the process over if it lives; where no keeper holds the start, also if it has ended, so that one does.
    fn take_over(&self, cx: &mut Context<'_>) {
        let ticket = self.start.ticket;
        match self.found {
            Found::Alive { id, .. } | Found::Ended { id, at: None, .. } => {
                cx.act(Action::Adopt { ticket, id });
            }
            Found::Ended { at: Some(_), .. } | Found::Left | Found::Nothing => {}
        }
    }

    /// Sends the signals that may not have been sent.
    fn owe(&self, cx: &mut Context<'_>, owed: &[(Scope, Signal)]) {
        self.take_over(cx);
        if !matches!(self.found, Found::Nothing) {
            let ticket = self.start.ticket;
            for &(scope, signal) in owed {
                cx.act(Action::Signal { ticket, scope, signal });
            }
        }
    }

    /// The end that nobody saw, if there was one.
    const fn end(&self) -> Option<(ProcId, Death)> {
        match self.found {
            Found::Ended { id, exit, at } => Some((id, Death::unseen(exit, at))),
            Found::Alive { .. } | Found::Left | Found::Nothing => None,
        }
    }

    fn go_on(self, memory: &mut Memory, cx: &mut Context<'_>, phase: &Phase) -> State {
        match phase {
            Phase::Launching { until, variables, is_forced, .. } => {
                // Of other files, `on_start` has let nothing through; an order to go past it holds for any.
                let is_passed = *is_forced || memory.has_same_hooks(self.hooks);
                let passed = variables.as_deref().filter(|_| is_passed);
                self.launching(memory, cx, *until, passed, *is_forced)
            }
            Phase::Daemonizing { until, .. } => self.daemonizing(memory, cx, *until),
            Phase::Readying { id, until, .. } => self.readying(memory, cx, *id, *until),
            Phase::Running { id, attention, .. } => self.running(memory, cx, *id, attention.as_ref()),
            // Its drain was cut short by a second signal: whoever starts ProcLaunch again wants it to run.
            Phase::Stopping { main: Some(id), .. }
                if memory.want == Want::Up
                    && memory.reason == DRAINS
                    && matches!(self.found, Found::Alive { .. }) =>
            {
                self.running(memory, cx, *id, None)
            }
            Phase::Stopping { main, exit, asked, then, deciding, step, .. } => {
                let Start { ticket, .. } = self.start;
                let (main, exit, asked, then) = (*main, *exit, *asked, *then);
                let (since, made) = (self.since, self.made.clone());
                let mut ending = Ending { ticket, since, made, main, exit, asked, then, deciding: None };
                if *deciding {
                    ending.deciding = memory.ask_verdict(cx, then);
                    if ending.deciding.is_none() && memory.want == Want::Up {
                        ending.then = memory.verdict(cx, Outcome::TimedOut, then);
                    }
                }
                self.stopping(memory, cx, ending, *step)
            }
            Phase::Fresh
            | Phase::Down
            | Phase::Ordered
            | Phase::Held
            | Phase::Rest(_)
            | Phase::Due
            | Phase::Backoff { .. }
            | Phase::Deciding { .. }
            | Phase::Gate { .. } => without_process(memory, cx, phase),
        }
    }

    fn launching(
        self,
        memory: &mut Memory,
        cx: &mut Context<'_>,
        until: Moment,
        variables: Option<&[crate::profile::Variable]>,
        is_forced: bool,
    ) -> State {
        // Until it is made, the order to go past `on_start` is not done.
        let is_made = matches!(self.found, Found::Alive { .. } | Found::Ended { .. });
        memory.force |= is_forced && !is_made && memory.want == Want::Up;
        let id = match self.found {
            Found::Nothing => {
                // It was never made: it is made now, and is the same start.
                memory.starts = memory.starts.saturating_sub(1);
                return match variables {
                    _ if memory.want != Want::Up => settle(memory, cx, Then::StartAt(cx.now)),
                    Some(variables) => launch(memory, cx, variables.to_vec()),
                    None => gate::enter(memory, cx),
                };
            }
            Found::Left => {
                memory.starts = memory.starts.saturating_sub(1);
                return self.clear_away(cx);
            }
            Found::Alive { id, .. } | Found::Ended { id, .. } => id,
        };
        if let Some((_, death)) = self.end()
            && !self.start.daemonizes
        {
            // It ran; what the files say by now is nothing to it any more.
            if memory.has(Hook::Ready) {
                return self.readying(memory, cx, id, until);
            }
            return self.running_as(id).ended(memory, cx, death);
        }
        let (since, end) = (self.since, self.end());
        let state = match &self.made {
            Made::By(profile) => {
                let (ticket, profile) = (self.start.ticket, profile.clone());
                let variables = Vec::new();
                Launching { ticket, profile, variables, is_forced, since, until }
                    .spawned(memory, cx, id, since)
            }
            Made::Of { .. } | Made::Unknown if self.start.daemonizes => return self.give_up_on(memory, cx),
            Made::Of { .. } | Made::Unknown => readying::enter(memory, cx, self.running_as(id)),
        };
        match end {
            Some((id, death)) => ended(state, memory, cx, id, death),
            None => state,
        }
    }

    fn daemonizing(self, memory: &mut Memory, cx: &mut Context<'_>, until: Moment) -> State {
        let Made::By(profile) = &self.made else {
            return match self.found {
                Found::Nothing => settle(memory, cx, Then::StartAt(cx.now)),
                Found::Alive { .. } | Found::Left | Found::Ended { .. } => self.give_up_on(memory, cx),
            };
        };
        let ticket = self.start.ticket;
        let launcher = if let Found::Alive { id, .. } = self.found { Some(id) } else { None };
        let mut waiting = Daemonizing::new(cx.now, ticket, profile.clone(), launcher, until);
        waiting.since = self.since;
        match self.found {
            // Whether it lives is told by its pid file, which is looked at before each start.
            Found::Nothing => return settle(memory, cx, Then::StartAt(cx.now)),
            Found::Ended { exit, at, .. } => return waiting.launched(memory, cx, &Death::unseen(exit, at)),
            Found::Left => cx.act(Action::Watch { ticket }),
            Found::Alive { .. } => {}
        }
        waiting.look(cx);
        State::Starting(Starting::Daemonizing(waiting))
    }

    fn readying(self, memory: &mut Memory, cx: &mut Context<'_>, id: ProcId, until: Moment) -> State {
        let end = self.end_of(id);
        let running = self.running_as(id);
        match end {
            Some(death) => Readying { running, until, asked: None, next: cx.now, said: String::new() }
                .ended(memory, cx, &death),
            None => readying::enter_until(memory, cx, running, until),
        }
    }

    fn running(
        self,
        memory: &mut Memory,
        cx: &mut Context<'_>,
        id: ProcId,
        attention: Option<&AttentionThen>,
    ) -> State {
        let end = self.end_of(id);
        let found = self.found;
        let running = self.running_as(id);
        if let Some(death) = end {
            return running.ended(memory, cx, death);
        }
        if let Found::Alive { up, .. } = found {
            cx.say(Said::Adopted { id, up });
        }
        let running = running.attend(memory, cx.now);
        match attention {
            Some(AttentionThen { is_changing: true, .. }) => running.ask_change(memory, cx),
            Some(AttentionThen { is_judged: true, .. }) => {
                let reason = memory.reason.clone();
                running.ask_if_it_goes_on(memory, cx, reason)
            }
            Some(_) | None => State::Running(running),
        }
    }

    fn stopping(self, memory: &mut Memory, cx: &mut Context<'_>, ending: Ending, step: Step) -> State {
        let ticket = ending.ticket;
        let has_ended = ending.main.is_none();
        if has_ended && matches!(self.found, Found::Nothing) {
            match ending.exit {
                // What it left behind may live: the keeper has to hold the start to look for it.
                Some((id, _)) => cx.act(Action::Adopt { ticket, id }),
                None => return Stopping::Unborn { ending, until: cx.now }.gone(memory, cx),
            }
        }
        if let Some((id, death)) = self.end() {
            // Nothing is asked of it or sent to it any more.
            return as_it_was(ending, step, cx.now).exited(memory, cx, id, death);
        }
        let stopping = match step {
            Step::Farewell { scope, asked: true, .. } if !memory.has(Hook::OnStop) => {
                return Stopping::first_signal(memory, cx, ending, scope);
            }
            Step::Farewell { scope, until, asked: true } => {
                let process = ending.main.map(|id| (id, ending.since));
                let now = Now { process, ..Now::idle(StateName::Running) };
                let asked = Some(memory.ask(cx, Hook::OnStop, now));
                Stopping::Farewell { ending, scope, asked, until }
            }
            Step::Killing { whole_tree, since, said } => {
                Stopping::go_on_killing(cx, ending, whole_tree, since, said)
            }
            Step::Signalled { .. } if has_ended => {
                cx.act(Action::Watch { ticket });
                as_it_was(ending, step, cx.now)
            }
            Step::Unborn { .. } | Step::Farewell { asked: false, .. } | Step::Signalled { .. } => {
                as_it_was(ending, step, cx.now)
            }
        };
        match (self.found, step) {
            (Found::Alive { id, .. }, Step::Unborn { .. }) => stopping.spawned(memory, cx, id),
            (Found::Left, Step::Unborn { .. }) => {
                let ending = stopping.ending().clone();
                Stopping::kill(cx, ending, true)
            }
            (Found::Alive { .. } | Found::Ended { .. } | Found::Left | Found::Nothing, _) => {
                State::Stopping(stopping)
            }
        }
    }

    /// How that process ended; that it was not found is an end too.
    fn end_of(&self, process: ProcId) -> Option<Death> {
        match self.found {
            Found::Alive { id, .. } if id == process => None,
            Found::Ended { id, exit, at } if id == process => Some(Death::unseen(exit, at)),
            Found::Alive { .. } | Found::Ended { .. } | Found::Left | Found::Nothing => {
                Some(Death::unseen(Exit::Unknown, None))
            }
        }
    }

    fn running_as(self, id: ProcId) -> Running {
        Running { ticket: self.start.ticket, id, since: self.since, made: self.made, attention: None }
    }

    /// What is left of a start that never had a process is cleared away before the start is made again.
    fn clear_away(self, cx: &mut Context<'_>) -> State {
        let then = Then::StartAt(cx.now);
        let ending = Ending::unasked(self.start.ticket, self.since, self.made, None, then);
        Stopping::kill(cx, ending, true)
    }

    /// A daemon that was being started by other settings: it may write its pid file where nobody looks.
    fn give_up_on(self, memory: &mut Memory, cx: &mut Context<'_>) -> State {
        let ticket = self.start.ticket;
        cx.say(Said::Changed);
        cx.say(Said::Stopping);
        let main = if let Found::Alive { id, .. } = self.found { Some(id) } else { None };
        let end = self.end();
        let ending = Ending::asked(cx, ticket, self.since, self.made, main);
        cx.act(Action::Watch { ticket });
        let state = Stopping::first_signal(memory, cx, ending, Scope::Tree);
        match end {
            Some((id, death)) => ended(state, memory, cx, id, death),
            None => state,
        }
    }
}

/// Has a state take the end of its process.
fn ended(state: State, memory: &mut Memory, cx: &mut Context<'_>, id: ProcId, death: Death) -> State {
    match state {
        State::Running(running) => running.ended(memory, cx, death),
        State::Starting(Starting::Readying(readying)) => readying.ended(memory, cx, &death),
        State::Starting(Starting::Daemonizing(waiting)) => waiting.launched(memory, cx, &death),
        State::Stopping(stopping) => stopping.exited(memory, cx, id, death),
        state @ (State::Stopped(_) | State::Starting(Starting::Launching(_) | Starting::Gate(_))) => state,
    }
}

/// A stop as it was written down, with nothing asked and nothing sent.
fn as_it_was(ending: Ending, step: Step, now: Moment) -> Stopping {
    match step {
        Step::Unborn { until } => Stopping::Unborn { ending, until },
        Step::Farewell { scope, until, .. } => Stopping::Farewell { ending, scope, asked: None, until },
        Step::Signalled { scope, step, since, until } => {
            let step = usize::try_from(step).unwrap_or(usize::MAX - 1);
            Stopping::Signalled { ending, scope, step, since, until }
        }
        Step::Killing { whole_tree, since, said } => {
            let (until, pause) = (now, AGAIN_BASE);
            Stopping::Killing { ending, whole_tree, since, until, pause, said }
        }
    }
}
