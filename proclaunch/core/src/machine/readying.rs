//! The process lives, and its `ready` hook has not said yes yet.

use std::time::Duration;

use crate::clock::Moment;
use crate::hook::{Answer, Hook, Outcome};
use crate::log::Said;

use super::Context;
use super::attention::become_ready;
use super::consult::Now;
use super::event::{Action, Event, Order};
use super::memory::{Ended, Memory};
use super::policy::Death;
use super::running::pass_on;
use super::starting::{Alive, fail, fail_at, yield_to};
use super::state::{Readying, Running, Starting, State, StateName};

/// How long after a "no" the hook is asked again.
const AGAIN: Duration = Duration::from_millis(500);

/// The process lives: it runs, or its `ready` hook is asked first.
pub(super) fn enter(memory: &mut Memory, cx: &mut Context<'_>, running: Running) -> State {
    let until = cx.now.plus(memory.policy().start_timeout);
    enter_until(memory, cx, running, until)
}

/// The same, with what is left of its time.
pub(super) fn enter_until(
    memory: &mut Memory,
    cx: &mut Context<'_>,
    running: Running,
    until: Moment,
) -> State {
    if !memory.has(Hook::Ready) {
        return become_ready(memory, cx, running);
    }
    Readying { running, until, asked: None, next: cx.now, said: String::new() }.ask(memory, cx)
}

impl Readying {
    fn ask(mut self, memory: &mut Memory, cx: &mut Context<'_>) -> State {
        let process = Some((self.running.id, self.running.since));
        let id = memory.ask(cx, Hook::Ready, Now { process, ..Now::idle(StateName::Starting) });
        self.asked = Some((id, cx.now.plus(memory.policy().budget(Hook::Ready))));
        State::Starting(Starting::Readying(self))
    }

    pub(super) fn step(mut self, memory: &mut Memory, cx: &mut Context<'_>, event: Event) -> State {
        match event {
            Event::Decided { id, outcome, hook: _ } if self.asked.is_some_and(|(asked, _)| asked == id) => {
                return self.answered(memory, cx, outcome);
            }
            Event::Exited { ticket, id, exit, remains }
                if ticket == self.running.ticket && id == self.running.id =>
            {
                self.lapse(cx);
                return self.ended(memory, cx, &Death::seen(cx.now, exit, remains));
            }
            Event::Timeout => return self.timeout(memory, cx),
            Event::Removed | Event::Drain | Event::Order(Order::Stop) => {
                self.lapse(cx);
                yield_to(memory, cx, &event);
                return self.running.stop(memory, cx);
            }
            Event::Order(Order::Restart) => {
                self.lapse(cx);
                memory.obey_start(Order::Restart);
                return self.running.stop(memory, cx);
            }
            Event::Settings(new) => {
                let differs = self.running.made.differs(&new);
                memory.accept(cx.now, new);
                if differs {
                    memory.for_reason("its files have changed");
                    self.lapse(cx);
                    cx.say(Said::Changed);
                    return self.running.stop(memory, cx);
                }
            }
            Event::BadSettings(why) => memory.trouble = Some(why),
            Event::Order(order @ Order::Start { .. }) => memory.obey_start(order),
            Event::Order(Order::Signal(signal)) => {
                pass_on(memory, cx, (self.running.ticket, self.running.id), signal, "starting");
            }
            Event::HooksLoaded(..) => {
                self.lapse(cx);
                return enter(memory, cx, self.running);
            }
            Event::Spawned { ticket, .. } if ticket != self.running.ticket => {
                cx.act(Action::KillTree { ticket });
            }
            Event::Begin(_)
            | Event::Order(Order::Reload)
            | Event::Spawned { .. }
            | Event::SpawnFailed { .. }
            | Event::PidFile(_)
            | Event::Exited { .. }
            | Event::Gone { .. }
            | Event::Decided { .. }
            | Event::Wished { .. } => {}
        }
        State::Starting(Starting::Readying(self))
    }

    fn answered(mut self, memory: &mut Memory, cx: &mut Context<'_>, outcome: Outcome) -> State {
        self.asked = None;
        self.next = cx.now.plus(AGAIN);
        let reason = match outcome {
            Outcome::Answer(Answer::Ready(Ok(()))) => return become_ready(memory, cx, self.running),
            Outcome::Answer(Answer::Ready(Err(reason))) => reason,
            Outcome::Failed(why) => why,
            Outcome::TimedOut => "no answer in time".to_owned(),
            Outcome::Answer(
                Answer::Nothing
                | Answer::Start(_)
                | Answer::Health(_)
                | Answer::Restart(_)
                | Answer::Stop(_)
                | Answer::Change(_),
            ) => "no opinion".to_owned(),
        };
        if reason != self.said {
            cx.say(Said::NotReady { reason: reason.clone() });
            self.said = reason;
        }
        State::Starting(Starting::Readying(self))
    }

    fn timeout(mut self, memory: &mut Memory, cx: &mut Context<'_>) -> State {
        if cx.now >= self.until {
            self.lapse(cx);
            let said = if self.said.is_empty() { "ready has not answered" } else { self.said.as_str() };
            let why = format!("not ready in time: {said}");
            memory.note_start_timeout(cx.now, &why);
            return fail(memory, cx, Some(self.alive()), why);
        }
        match self.asked {
            Some((_, until)) if cx.now >= until => {
                self.lapse(cx);
                self.answered(memory, cx, Outcome::TimedOut)
            }
            // The hook may be gone meanwhile, or switched off.
            None if cx.now >= self.next && !memory.has(Hook::Ready) => become_ready(memory, cx, self.running),
            None if cx.now >= self.next => self.ask(memory, cx),
            Some(_) | None => State::Starting(Starting::Readying(self)),
        }
    }

    /// It ended before it was ready: a start that failed.
    pub(super) fn ended(self, memory: &mut Memory, cx: &mut Context<'_>, death: &Death) -> State {
        let Running { ticket, id, since, .. } = self.running;
        let (at, exit) = (death.at.unwrap_or(cx.now), death.exit);
        memory.ended(Ended { at, id, exit, after: at.since(since), requested: false });
        memory.tell(cx, Hook::OnExit, Now::idle(StateName::Starting));
        let why = format!("it ended before it was ready: {exit}");
        if death.remains.as_ref().is_some_and(Vec::is_empty) {
            cx.act(Action::Release { ticket });
            return fail_at(memory, cx, at, None, why);
        }
        fail_at(memory, cx, at, Some(self.alive()), why)
    }

    fn alive(self) -> Alive {
        let Running { ticket, since, made, .. } = self.running;
        Alive { ticket, since, made }
    }

    fn lapse(&mut self, cx: &mut Context<'_>) {
        if let Some((id, _)) = self.asked.take() {
            cx.act(Action::Lapse(id));
        }
    }
}
