//! A hook that is called once because somebody wants to see what it says.
//!
//! It is called in an interpreter of its own, made of the files that were loaded last, so that nothing of the profile's
//! own calls is in its way, and none of them in the way of it.
//!
//! **Invariant:** the machine knows nothing of it, and the answer goes to nobody but who asked.
//! **Invariant:** a dry run leaves nothing: no variable, no wish, no count.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use proclaunch_core::hook::{Answer, Hook, Outcome, Question, Wish};
use proclaunch_core::log::Level;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Seat, Tell, Told, lane};
use crate::control::api::HookRun;
use crate::hooks::fault::bounded;
use crate::hooks::host::Host;

/// A hook that is to be called.
#[derive(Debug)]
pub struct Trial {
    /// What is asked. Its id is nobody's.
    pub question: Question,
    /// Nothing of it is to last.
    pub dry_run: bool,
    /// Who wants to know.
    pub answer: oneshot::Sender<Result<HookRun, String>>,
}

/// What a call has said beside its answer.
#[derive(Debug, Default)]
struct Heard {
    log: Vec<String>,
    requests: Vec<String>,
}

impl Seat {
    /// Calls the hook when neither the machine nor somebody else is calling it.
    pub(in crate::hooks) fn try_out(self: &Rc<Self>, trial: Trial) {
        let seat = Rc::clone(self);
        let busy = self.shared.busy();
        tokio::task::spawn_local(async move {
            let Trial { question, dry_run, mut answer } = trial;
            let run = tokio::select! {
                biased;
                // Nobody wants to know any more.
                () = answer.closed() => return,
                run = seat.run_once(question, dry_run) => run,
            };
            drop(busy);
            // One that has gone meanwhile is told nothing.
            let _ = answer.send(run);
        });
    }

    async fn run_once(self: &Rc<Self>, mut question: Question, dry_run: bool) -> Result<HookRun, String> {
        let began = Instant::now();
        let hook = question.hook;
        let budget = question.budget;
        let turn = async { self.turn(hook).await };
        let Ok(_turn) = tokio::time::timeout(budget, turn).await else {
            return Err(format!(
                "{hook} is being called already, and did not end within {} s",
                budget.as_secs_f64()
            ));
        };
        let Some(sources) = self.sources.borrow().clone() else {
            return Err(format!("{}: the hooks are not loaded", self.name));
        };
        let heard = Rc::new(RefCell::new(Heard::default()));
        let kept =
            if dry_run { Rc::new(RefCell::new(self.kept.borrow().clone())) } else { Rc::clone(&self.kept) };
        let context = self.context_of(&sources, kept, self.listen(&heard, dry_run));
        let host = match Host::load(context, &sources).await {
            Ok(host) => host,
            Err(why) => return Err(bounded(&why)),
        };
        let broken = host.hooks().broken.iter().find(|(broken, _)| *broken == hook);
        let called = Instant::now();
        let outcome = match broken {
            Some((_, why)) => Outcome::Failed(why.clone()),
            None => all(&host, &mut question).await,
        };
        let seconds = if broken.is_some() { began.elapsed() } else { called.elapsed() }.as_secs_f64();
        let Heard { log, requests } = heard.take();
        let (outcome, answer, reason) = words(outcome, budget);
        let applied = !dry_run;
        Ok(HookRun {
            hook: hook.to_string(),
            outcome: outcome.to_owned(),
            answer,
            reason,
            seconds,
            log,
            requests,
            applied,
        })
    }

    /// Waits until nobody calls this hook, and nobody else tries one.
    async fn turn(&self, hook: Hook) -> Turn<'_> {
        loop {
            let freed = self.freed.notified();
            let is_called = self.lanes.borrow()[lane::of(hook)].calls(hook);
            if !is_called && !self.tries.replace(true) {
                return Turn(self);
            }
            freed.await;
        }
    }

    /// Hears what the call tells, and hands on what is to be applied.
    fn listen(self: &Rc<Self>, heard: &Rc<RefCell<Heard>>, dry_run: bool) -> Tell {
        let (seat, heard) = (Rc::clone(self), Rc::clone(heard));
        Rc::new(move |told| {
            match &told {
                Told::Said { level, text, .. } => heard.borrow_mut().log.push(match level {
                    Level::Info => text.clone(),
                    _ => format!("{}: {text}", level.word().to_lowercase()),
                }),
                Told::Wished { wish, .. } => heard.borrow_mut().requests.push(in_words(wish)),
                // A command is executed in a dry run too: what a script finds out it cannot know otherwise.
                Told::Exec(_) | Told::ExecKill(_) => return seat.tell(told),
                Told::Loaded { .. }
                | Told::Decided { .. }
                | Told::Vars { .. }
                | Told::Metrics { .. }
                | Told::Beat => {}
            }
            if !dry_run {
                seat.tell(told);
            }
        })
    }
}

/// That somebody's hook is tried out.
struct Turn<'a>(&'a Seat);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.tries.set(false);
        self.0.freed.notify_waiters();
    }
}

/// Asks the hook; of several health checks each, until one is not content.
async fn all(host: &Host, question: &mut Question) -> Outcome {
    let checks = if question.hook == Hook::Health { host.hooks().checks.len().max(1) } else { 1 };
    let budget = question.budget;
    let mut outcome = Outcome::Answer(Answer::Nothing);
    for check in 0..checks {
        question.check = check;
        question.budget = host.hooks().checks.get(check).map_or(budget, |schedule| schedule.timeout);
        outcome = host.call(question).await;
        if !matches!(outcome, Outcome::Answer(Answer::Nothing | Answer::Health(Ok(())))) {
            break;
        }
    }
    outcome
}

/// The kind of an outcome, the answer in words, and its reason.
fn words(outcome: Outcome, budget: Duration) -> (&'static str, String, Option<String>) {
    match outcome {
        Outcome::Answer(Answer::Nothing) => ("nothing", "no opinion".to_owned(), None),
        Outcome::Answer(answer) => {
            let (answer, reason) = said(answer);
            ("answer", answer, reason)
        }
        Outcome::Failed(why) => ("failed", String::new(), Some(why)),
        Outcome::TimedOut => {
            ("timeout", String::new(), Some(format!("not within its {} s", budget.as_secs_f64())))
        }
    }
}

fn said(answer: Answer) -> (String, Option<String>) {
    use proclaunch_core::hook::{Change, Farewell, Gate, Verdict};
    let plain = |text: &str| (text.to_owned(), None);
    match answer {
        Answer::Nothing => plain("no opinion"),
        Answer::Start(Gate::Go(variables)) if variables.is_empty() => plain("start"),
        Answer::Start(Gate::Go(variables)) => {
            let names: Vec<&str> = variables.iter().map(|variable| &*variable.name).collect();
            (format!("start, with {}", names.join(", ")), None)
        }
        Answer::Start(Gate::NotYet(why)) => ("not yet".to_owned(), Some(why)),
        Answer::Start(Gate::Again(after, why)) => {
            (format!("ask again in {} s", after.as_secs_f64()), Some(why))
        }
        Answer::Start(Gate::Abort(why)) => ("abort".to_owned(), Some(why)),
        Answer::Ready(Ok(())) => plain("ready"),
        Answer::Ready(Err(why)) => ("not ready".to_owned(), Some(why)),
        Answer::Health(Ok(())) => plain("healthy"),
        Answer::Health(Err(why)) => ("unhealthy".to_owned(), Some(why)),
        Answer::Restart(Verdict::Yes) | Answer::Change(Change::Restart) => plain("restart"),
        Answer::Restart(Verdict::No(why)) => ("do not restart".to_owned(), Some(why)),
        Answer::Restart(Verdict::After(after, why)) => {
            (format!("restart in {} s", after.as_secs_f64()), Some(why))
        }
        Answer::Stop(Farewell::Wait(time)) => (format!("signal it in {} s", time.as_secs_f64()), None),
        Answer::Stop(Farewell::Signal(signal)) => (format!("send it {signal}"), None),
        Answer::Change(Change::Reload) => plain("reload"),
        Answer::Change(Change::Ignore) => plain("ignore"),
    }
}

fn in_words(wish: &Wish) -> String {
    match wish {
        Wish::Restart(reason) => format!("restart: {reason}"),
        Wish::Stop(reason) => format!("stop: {reason}"),
        Wish::Signal(signal, reason) => format!("signal {signal}: {reason}"),
        Wish::Shutdown(reason) => format!("shutdown: {reason}"),
    }
}
