//! Stopping: what lives of a start is being ended, and checked until it is really gone.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::exit::Exit;
use crate::hook::{Hook, Outcome, QuestionId};
use crate::ids::{ProcId, Ticket};
use crate::log::Said;
use crate::process::Scope;
use crate::profile::{Kill, Profile};
use crate::signal::Signal;

use super::Context;
use super::consult::Now;
use super::event::{Action, Event, Order};
use super::imprint::Made;
use super::memory::{Ended, Memory, Want};
use super::policy::Death;
use super::running::{pass_on, remove_pid_file, stop_scope};
use super::state::{Ending, State, StateName, Stopped, Stopping, Then};
use super::stopped::settle;

/// The pause before SIGKILL is tried again; it doubles up to [`AGAIN_CAP`].
pub(super) const AGAIN_BASE: Duration = Duration::from_millis(100);
const AGAIN_CAP: Duration = Duration::from_secs(10);

/// A process that SIGKILL has not ended for so long hangs in the kernel.
const UNKILLABLE: Duration = Duration::from_secs(5);

impl Ending {
    /// A start that is told to end; if the profile is wanted up afterwards, it starts again at once.
    pub(super) const fn asked(
        cx: &Context<'_>,
        ticket: Ticket,
        since: Moment,
        made: Made,
        main: Option<ProcId>,
    ) -> Self {
        let then = Then::StartAt(cx.now);
        Self { ticket, since, made, main, exit: None, asked: true, then, deciding: None }
    }

    /// A start that has ended by itself, or failed.
    pub(super) const fn unasked(
        ticket: Ticket,
        since: Moment,
        made: Made,
        exit: Option<(ProcId, Exit)>,
        then: Then,
    ) -> Self {
        Self { ticket, since, made, main: None, exit, asked: false, then, deciding: None }
    }

    /// Nothing of it lives any more: what comes next, or the question what that is.
    pub(super) fn settle(self, memory: &mut Memory, cx: &mut Context<'_>) -> State {
        match self.deciding {
            Some((id, until)) if memory.want == Want::Up => {
                State::Stopped(Stopped::Deciding { id, until, then: self.then })
            }
            Some((id, _)) => {
                cx.act(Action::Lapse(id));
                settle(memory, cx, self.then)
            }
            None => settle(memory, cx, self.then),
        }
    }
}

impl Stopping {
    pub(super) fn step(mut self, memory: &mut Memory, cx: &mut Context<'_>, event: Event) -> State {
        let ticket = self.ending().ticket;
        match event {
            Event::Spawned { ticket: spawned, id } if spawned == ticket => {
                return self.spawned(memory, cx, id);
            }
            Event::SpawnFailed { ticket: failed, .. } if failed == ticket => return self.gone(memory, cx),
            Event::Exited { ticket: ended, id, exit, remains } if ended == ticket => {
                return self.exited(memory, cx, id, Death::seen(cx.now, exit, remains));
            }
            Event::Gone { ticket: gone } if gone == ticket => return self.gone(memory, cx),
            Event::Timeout => return self.timeout(memory, cx),
            Event::Settings(new) => self.settings(memory, cx, new),
            Event::BadSettings(why) => memory.trouble = Some(why),
            Event::Removed => {
                self.lapse_verdict(cx);
                memory.want = Want::Gone;
                memory.force = false;
                cx.say(Said::Disappeared);
            }
            Event::Drain => {
                self.lapse_verdict(cx);
                memory.drain();
                self.ask(cx);
            }
            Event::Order(order) => self.order(memory, cx, order),
            Event::Decided { id, outcome, hook: _ } => return self.decided(memory, cx, id, outcome),
            Event::Spawned { ticket, .. } => cx.act(Action::KillTree { ticket }),
            Event::Begin(_)
            | Event::SpawnFailed { .. }
            | Event::PidFile(_)
            | Event::Exited { .. }
            | Event::Gone { .. }
            | Event::HooksLoaded(..)
            | Event::Wished { .. } => {}
        }
        State::Stopping(self)
    }

    /// A hook has answered: what comes after the end, or how it begins.
    fn decided(
        mut self,
        memory: &mut Memory,
        cx: &mut Context<'_>,
        id: QuestionId,
        outcome: Outcome,
    ) -> State {
        let ending = self.ending_mut();
        if ending.deciding.take_if(|(open, _)| *open == id).is_some() {
            ending.then = memory.verdict(cx, outcome, ending.then);
            return State::Stopping(self);
        }
        self.farewell_said(memory, cx, id, &outcome)
    }

    /// What follows the end is decided: `should_restart` has no say in it any more.
    fn lapse_verdict(&mut self, cx: &mut Context<'_>) {
        if let Some((id, _)) = self.ending_mut().deciding.take() {
            cx.act(Action::Lapse(id));
        }
    }

    fn settings(&mut self, memory: &mut Memory, cx: &mut Context<'_>, new: Arc<Profile>) {
        let shape_differs = memory.differs(&new).unwrap_or(true);
        let is_down = new.policy.down;
        memory.accept(cx.now, new);
        let then = self.ending().then;
        if memory.want == Want::Gone {
            // The profile came back while it was being stopped for having gone: as if it were new.
            memory.want = Want::Up;
            memory.ordered = false;
            self.ending_mut().then = if is_down { Then::Down } else { Then::StartAt(cx.now) };
        } else if !is_down && (shape_differs || then == Then::Down) {
            self.lapse_verdict(cx);
            self.ending_mut().then = Then::StartAt(cx.now);
        }
    }

    fn order(&mut self, memory: &mut Memory, cx: &mut Context<'_>, order: Order) {
        if let (Order::Signal(signal), Some(main)) = (order, self.ending().main) {
            // Whoever does not want to wait for `stop_timeout` sends KILL, whatever the stop is for.
            pass_on(memory, cx, (self.ending().ticket, main), signal, "stopping");
        }
        if memory.want == Want::Gone {
            return;
        }
        if let Some(want) = order.want() {
            if want == Want::Up {
                memory.obey_start(order);
            } else {
                memory.obey(want);
                memory.force = false;
            }
            self.lapse_verdict(cx);
            // A start that is ordered waits for no backoff.
            self.ending_mut().then = Then::StartAt(cx.now);
        }
        if order == Order::Stop {
            self.ask(cx);
        }
    }

    /// What died and is being cleared away is now told to stop.
    fn ask(&mut self, cx: &mut Context<'_>) {
        let ending = self.ending_mut();
        if !ending.asked {
            ending.asked = true;
            cx.say(Said::Stopping);
        }
    }

    /// Sends the first stop signal.
    pub(super) fn first_signal(memory: &Memory, cx: &mut Context<'_>, ending: Ending, scope: Scope) -> State {
        Self::signal(memory, cx, ending, scope, 0, cx.now)
    }

    fn signal(
        memory: &Memory,
        cx: &mut Context<'_>,
        ending: Ending,
        scope: Scope,
        step: usize,
        since: Moment,
    ) -> State {
        let Some(next) = memory.policy().stop.get(step) else {
            cx.say(Said::Killing { waited: cx.now.since(since) });
            let whole_tree = memory.policy().kill != Kill::Process || scope != Scope::Main;
            return Self::kill(cx, ending, whole_tree);
        };
        let ticket = ending.ticket;
        if step > 0 {
            cx.say(Said::NextStopSignal { signal: next.signal, waited: cx.now.since(since) });
        }
        cx.act(Action::Signal { ticket, scope, signal: next.signal });
        // A process that is stopped (SIGSTOP) acts on no other signal before it goes on.
        if next.signal != Signal::KILL {
            cx.act(Action::Signal { ticket, scope, signal: Signal::CONT });
        }
        State::Stopping(Self::Signalled { ending, scope, step, since, until: cx.now.plus(next.wait) })
    }

    /// Sends SIGKILL.
    pub(super) fn kill(cx: &mut Context<'_>, ending: Ending, whole_tree: bool) -> State {
        let since = cx.now;
        State::Stopping(Self::go_on_killing(cx, ending, whole_tree, since, false))
    }

    /// Sends SIGKILL, which was first sent at a moment that may have passed.
    pub(super) fn go_on_killing(
        cx: &mut Context<'_>,
        ending: Ending,
        whole_tree: bool,
        since: Moment,
        said: bool,
    ) -> Self {
        kill_again(cx, &ending, whole_tree);
        let (until, pause) = (cx.now.plus(AGAIN_BASE), AGAIN_BASE * 2);
        Self::Killing { ending, whole_tree, since, until, pause, said }
    }

    pub(super) fn spawned(mut self, memory: &Memory, cx: &mut Context<'_>, id: ProcId) -> State {
        self.ending_mut().main = Some(id);
        match self {
            // The keeper has answered: there is something to stop.
            Self::Unborn { ending, .. } => {
                let scope =
                    if ending.made.daemonizes() { Scope::Tree } else { stop_scope(memory.policy().kill) };
                Self::first_signal(memory, cx, ending, scope)
            }
            Self::Farewell { .. } | Self::Signalled { .. } | Self::Killing { .. } => State::Stopping(self),
        }
    }

    /// A process of the start ended: the main one, or a daemon's launcher.
    pub(super) fn exited(
        mut self,
        memory: &mut Memory,
        cx: &mut Context<'_>,
        id: ProcId,
        death: Death,
    ) -> State {
        let Death { exit, remains, .. } = death;
        let at = death.at.unwrap_or(cx.now);
        let ending = self.ending_mut();
        // Of a daemon that was taken over, its launcher's; or one that is told a second time.
        if ending.main.map_or(ending.exit.is_some(), |main| main != id) {
            return State::Stopping(self);
        }
        ending.main = None;
        ending.exit = Some((id, exit));
        let after = at.since(ending.since);
        let requested = ending.asked;
        memory.ended(Ended { at, id, exit, after, requested });
        memory.tell(cx, Hook::OnExit, Now::idle(StateName::Stopping));
        self.lapse_farewell(cx);
        if remains.as_ref().is_some_and(Vec::is_empty) {
            return self.gone(memory, cx);
        }
        if memory.policy().kill == Kill::Process && self.leaves_the_rest() {
            if let Some(remains) = remains {
                cx.say(Said::LeftBehind { remains });
            }
            return self.gone(memory, cx);
        }
        match self {
            // Those that got the stop signal too have the rest of the time.
            Self::Signalled { ending, scope: Scope::Group | Scope::Tree, step, since, until } => {
                cx.act(Action::Watch { ticket: ending.ticket });
                let scope = Scope::Tree;
                State::Stopping(Self::Signalled { ending, scope, step, since, until })
            }
            Self::Signalled { ending, scope: Scope::Main, .. }
            | Self::Unborn { ending, .. }
            | Self::Farewell { ending, .. }
            | Self::Killing { ending, whole_tree: false, .. } => Self::kill(cx, ending, true),
            // The keeper goes on killing until it can say that all is gone.
            Self::Killing { .. } => State::Stopping(self),
        }
    }

    /// Nothing lives any more.
    pub(super) fn gone(mut self, memory: &mut Memory, cx: &mut Context<'_>) -> State {
        self.lapse_farewell(cx);
        let ending = match self {
            Self::Unborn { ending, .. }
            | Self::Farewell { ending, .. }
            | Self::Signalled { ending, .. }
            | Self::Killing { ending, .. } => ending,
        };
        memory.for_reason(match (ending.asked, ending.exit) {
            (true, Some((_, exit))) => Cow::Owned(exit.to_string()),
            (true, None) => Cow::Borrowed("nothing of it lives"),
            (false, _) => Cow::Borrowed("what it left behind is gone"),
        });
        if ending.asked {
            cx.say(Said::Stopped { exit: ending.exit });
        }
        remove_pid_file(cx, &ending.made);
        cx.act(Action::Release { ticket: ending.ticket });
        ending.settle(memory, cx)
    }

    fn timeout(mut self, memory: &mut Memory, cx: &mut Context<'_>) -> State {
        if matches!(self, Self::Farewell { until, .. } if cx.now >= until) {
            self.lapse_farewell(cx);
        }
        match self {
            Self::Unborn { ending, until } if cx.now >= until => Self::kill(cx, ending, true),
            Self::Farewell { ending, scope, until, .. } if cx.now >= until => {
                Self::first_signal(memory, cx, ending, scope)
            }
            Self::Signalled { ending, scope, step, since, until } if cx.now >= until => {
                memory.note_escalation(cx.now, step.saturating_add(1), cx.now.since(since));
                Self::signal(memory, cx, ending, scope, step + 1, since)
            }
            Self::Killing { ending, whole_tree, since, until, pause, said } if cx.now >= until => {
                kill_again(cx, &ending, whole_tree);
                let waited = cx.now.since(since);
                let say = !said && waited >= UNKILLABLE;
                if say {
                    cx.say(Said::NotGone { id: ending.main, waited });
                }
                State::Stopping(Self::Killing {
                    ending,
                    whole_tree,
                    since,
                    until: cx.now.plus(pause),
                    pause: (pause * 2).min(AGAIN_CAP),
                    said: said || say,
                })
            }
            Self::Unborn { .. } | Self::Farewell { .. } | Self::Signalled { .. } | Self::Killing { .. } => {
                State::Stopping(self)
            }
        }
    }

    /// Whether only the main process was told to go. A start that was stopped before its daemon was known has no
    /// main process that could be told apart.
    const fn leaves_the_rest(&self) -> bool {
        match self {
            Self::Unborn { .. } | Self::Killing { whole_tree: true, .. } => false,
            Self::Signalled { scope, .. } | Self::Farewell { scope, .. } => matches!(scope, Scope::Main),
            Self::Killing { whole_tree: false, .. } => true,
        }
    }

    pub(super) const fn ending(&self) -> &Ending {
        match self {
            Self::Unborn { ending, .. }
            | Self::Farewell { ending, .. }
            | Self::Signalled { ending, .. }
            | Self::Killing { ending, .. } => ending,
        }
    }

    pub(super) const fn ending_mut(&mut self) -> &mut Ending {
        match self {
            Self::Unborn { ending, .. }
            | Self::Farewell { ending, .. }
            | Self::Signalled { ending, .. }
            | Self::Killing { ending, .. } => ending,
        }
    }
}

fn kill_again(cx: &mut Context<'_>, ending: &Ending, whole_tree: bool) {
    let ticket = ending.ticket;
    if whole_tree {
        cx.act(Action::KillTree { ticket });
    } else {
        cx.act(Action::Signal { ticket, scope: Scope::Main, signal: Signal::KILL });
    }
}
