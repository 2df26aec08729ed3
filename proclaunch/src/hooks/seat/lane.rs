//! Questions that are asked one after the other.

use std::collections::VecDeque;
use std::time::Duration;

use proclaunch_core::hook::{Answer, Hook, Outcome, Question, QuestionId};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// How many there are.
pub(super) const LANES: usize = 3;

/// The lane of a hook: see the head of the module above.
pub(super) fn of(hook: Hook) -> usize {
    match hook {
        Hook::ShouldRestart | Hook::OnChange => 0,
        Hook::OnEvent => 1,
        Hook::OnStart
        | Hook::Ready
        | Hook::OnReady
        | Hook::Health
        | Hook::OnTick
        | Hook::OnStop
        | Hook::OnExit => 2,
    }
}

/// Whether nobody waits for its answer: asked too late, it is not asked at all.
fn can_be_left_out(hook: Hook) -> bool {
    matches!(hook, Hook::Health | Hook::OnTick | Hook::Ready)
}

/// Events that wait their turn are kept in this number; the oldest go first.
const EVENTS_MAX: usize = 16;

#[derive(Debug)]
struct Asked {
    question: Question,
    at: Instant,
}

#[derive(Debug)]
struct Running {
    id: QuestionId,
    hook: Hook,
    check: usize,
    /// Dropped to cancel the call; used to end it for another's sake.
    cancel: Option<oneshot::Sender<()>>,
}

/// One lane.
#[derive(Debug, Default)]
pub(super) struct Lane {
    running: Option<Running>,
    queue: VecDeque<Asked>,
}

/// What a lane has to do.
#[derive(Debug)]
pub(super) enum Next {
    /// Nothing, or what runs has to end first.
    None,
    /// Nothing is to be asked any more.
    Late(Question, Outcome),
    /// Ask this.
    Call(Call),
}

/// A question whose turn it is.
#[derive(Debug)]
pub(super) struct Call {
    /// What, with what is left of its budget.
    pub(super) question: Question,
    /// Whether a good part of its budget went by in the queue.
    pub(super) waited: bool,
    /// Resolves when the call is to end: with an error when it is cancelled, else for another's sake.
    pub(super) cancelled: oneshot::Receiver<()>,
}

impl Lane {
    /// Puts a question in the queue. The same one, asked before, has lapsed; events are never the same. Gives back a
    /// question that is not to be asked any more.
    pub(super) fn push(&mut self, question: Question) -> Option<Question> {
        let Question { hook, check, .. } = question;
        let mut left_out = None;
        if hook == Hook::OnEvent {
            if self.queue.len() >= EVENTS_MAX {
                left_out = self.queue.pop_front().map(|asked| asked.question);
            }
        } else {
            self.queue.retain(|asked| (asked.question.hook, asked.question.check) != (hook, check));
            if let Some(running) = self.running.as_mut().filter(|one| (one.hook, one.check) == (hook, check))
            {
                running.cancel = None;
            }
        }
        let mut at = self.queue.len();
        if !can_be_left_out(hook) {
            at = self.queue.iter().position(|asked| can_be_left_out(asked.question.hook)).unwrap_or(at);
            // What holds up a start or a stop does not wait for a check.
            let running = self.running.as_mut().filter(|running| can_be_left_out(running.hook));
            if let Some(end) = running.and_then(|running| running.cancel.take()) {
                // The call may just have ended by itself.
                let _ = end.send(());
            }
        }
        self.queue.insert(at, Asked { question, at: Instant::now() });
        left_out
    }

    /// Drops a question.
    pub(super) fn cancel(&mut self, id: QuestionId) {
        self.queue.retain(|asked| asked.question.id != id);
        if let Some(running) = self.running.as_mut().filter(|running| running.id == id) {
            running.cancel = None;
        }
    }

    /// The next thing to do. `can_call` says of which hooks it is known whether they can be called.
    pub(super) fn next(&mut self, can_call: impl Fn(Hook) -> bool) -> Next {
        if self.running.is_some() {
            return Next::None;
        }
        let Some(at) = self.queue.iter().position(|asked| can_call(asked.question.hook)) else {
            return Next::None;
        };
        let Some(Asked { mut question, at }) = self.queue.remove(at) else { return Next::None };
        let waited = at.elapsed();
        if can_be_left_out(question.hook) && waited > question.budget / 2 {
            return Next::Late(question, Outcome::Answer(Answer::Nothing));
        }
        question.budget = question.budget.saturating_sub(waited);
        if question.budget == Duration::ZERO {
            return Next::Late(question, Outcome::TimedOut);
        }
        let (cancel, cancelled) = oneshot::channel();
        let Question { id, hook, check, .. } = question;
        self.running = Some(Running { id, hook, check, cancel: Some(cancel) });
        Next::Call(Call { waited: waited > question.budget / 10, question, cancelled })
    }

    /// Whether this hook is being called.
    pub(super) fn calls(&self, hook: Hook) -> bool {
        self.running.as_ref().is_some_and(|running| running.hook == hook)
    }

    /// The call has ended.
    pub(super) fn free(&mut self) {
        self.running = None;
    }
}
