//! Before the first stop signal: `on_stop` is asked, and may have it wait or choose another.
//!
//! **Invariant:** the signal is sent within the budget of `on_stop`, whatever the hook says or does not say.

use std::time::Duration;

use crate::hook::{Answer, Farewell, Hook, Outcome, QuestionId};
use crate::log::{Said, Span};
use crate::process::Scope;
use crate::signal::Signal;

use super::Context;
use super::consult::Now;
use super::event::Action;
use super::memory::Memory;
use super::state::{Ending, State, Stopping};

impl Stopping {
    /// Begins to stop what runs: asks `on_stop` first, if there is one.
    pub(super) fn begin(
        memory: &mut Memory,
        cx: &mut Context<'_>,
        ending: Ending,
        scope: Scope,
        now: Now,
    ) -> State {
        if !memory.has(Hook::OnStop) {
            return Self::first_signal(memory, cx, ending, scope);
        }
        let asked = Some(memory.ask(cx, Hook::OnStop, now));
        let until = cx.now.plus(memory.policy().budget(Hook::OnStop));
        State::Stopping(Self::Farewell { ending, scope, asked, until })
    }

    /// `on_stop` has answered: what becomes of the first signal.
    pub(super) fn farewell_said(
        self,
        memory: &Memory,
        cx: &mut Context<'_>,
        id: QuestionId,
        outcome: &Outcome,
    ) -> State {
        let (ending, scope, until) = match self {
            Self::Farewell { ending, scope, asked: Some(asked), until } if asked == id => {
                (ending, scope, until)
            }
            other @ (Self::Unborn { .. }
            | Self::Farewell { .. }
            | Self::Signalled { .. }
            | Self::Killing { .. }) => return State::Stopping(other),
        };
        match *outcome {
            Outcome::Answer(Answer::Stop(Farewell::Wait(time))) => {
                // The answer and the time that it asks for have one budget together.
                let until = cx.now.plus(time).min(until);
                let what = format!("is given {} before the stop signal", Span(until.since(cx.now)));
                cx.say(Said::HookDecided { hook: Hook::OnStop, what });
                State::Stopping(Self::Farewell { ending, scope, asked: None, until })
            }
            Outcome::Answer(Answer::Stop(Farewell::Signal(signal))) => {
                let ticket = ending.ticket;
                cx.act(Action::Signal { ticket, scope, signal });
                // A process that is stopped (SIGSTOP) acts on no other signal before it goes on.
                if signal != Signal::KILL {
                    cx.act(Action::Signal { ticket, scope, signal: Signal::CONT });
                }
                let wait = memory.policy().stop.first().map_or(Duration::ZERO, |step| step.wait);
                let until = cx.now.plus(wait);
                State::Stopping(Self::Signalled { ending, scope, step: 0, since: cx.now, until })
            }
            Outcome::Answer(
                Answer::Nothing
                | Answer::Start(_)
                | Answer::Ready(_)
                | Answer::Health(_)
                | Answer::Restart(_)
                | Answer::Change(_),
            )
            | Outcome::Failed(_)
            | Outcome::TimedOut => Self::first_signal(memory, cx, ending, scope),
        }
    }

    /// The answer of `on_stop` would come too late.
    pub(super) fn lapse_farewell(&mut self, cx: &mut Context<'_>) {
        if let Self::Farewell { asked, .. } = self
            && let Some(id) = asked.take()
        {
            cx.act(Action::Lapse(id));
        }
    }
}
