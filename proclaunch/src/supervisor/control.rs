//! What the control thread asks, and what it is told.
//!
//! Questions are taken in the wait and answered when the fleet has settled, so that an answer shows all that happened
//! before it; orders are inputs of the fleet, and its replies go out after the records that it had written before them.
//!
//! **Invariant:** a view is made when somebody asks for it, once for all who do, and from what the one before it shared
//! with it. Whoever asks again while nothing happens does not wake the reactor.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::epoll::{EpollEvent, EpollFlags};
use proclaunch_core::clock::Moment;
use proclaunch_core::fleet::{Fleet, Input, OrderId, Reply};
use proclaunch_core::hook::{Happening, Hook, Question, QuestionId, Service};
use proclaunch_core::ids::{ProcId, ProfileName};
use proclaunch_core::log::{Control as ControlSaid, Entry, Level};
use proclaunch_core::machine::{Ended, Status};
use proclaunch_core::signal::Signal;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::reactor::{CONTROL, Reactor};
use crate::control::api::HookRun;
use crate::control::bridge::{Ask, Inbox, Told, UNSETTLED, View};
use crate::control::server::{self, Handle};
use crate::hooks::Trial;
use crate::scan::Hint;
use crate::sys::clock;

/// How long until another thread is started after one has ended.
const AGAIN: Duration = Duration::from_secs(1);

/// The thread, and what it is owed.
#[derive(Debug, Default)]
pub(super) struct Control {
    thread: Option<(Handle, Arc<Inbox>)>,
    /// When to start another thread.
    again: Option<Moment>,
    /// A first complete reading of the profiles has been made.
    is_complete: bool,
    /// Why the last complete reading failed, if it did.
    scan_failure: Option<String>,
    /// What waits for the fleet to settle, oldest first.
    asks: Vec<Ask>,
    /// Who waits for what becomes of an order.
    orders: BTreeMap<OrderId, mpsc::UnboundedSender<Option<Reply>>>,
    last_order: u64,
    replies: Vec<(OrderId, Reply)>,
    /// How many upgrades were refused, and why the last one was.
    refused: (u32, Option<Arc<str>>),
    /// What has happened in this round. Told at its end, as each that is told alone may wake the thread.
    news: Vec<Told>,
    /// How many events could not be told.
    lost: u64,
    views: Views,
}

/// The last view, and what it was made of.
#[derive(Debug, Default)]
struct Views {
    revision: u64,
    key: Option<Key>,
    last: Option<Arc<View>>,
    shared: BTreeMap<ProfileName, (u64, Arc<Status>)>,
}

/// While this is the same, so is every view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    steps: u64,
    is_draining: bool,
    is_complete: bool,
    logger: Option<i32>,
    refused: u32,
}

impl Control {
    pub(super) const fn deadline(&self) -> Option<Moment> {
        self.again
    }

    /// A complete reading of the profiles was made, or failed for this reason.
    pub(super) fn note_scan(&mut self, failure: Option<String>) {
        self.is_complete |= failure.is_none();
        self.scan_failure = failure;
    }

    /// The keeper has refused to upgrade.
    pub(super) fn upgrade_refused(&mut self, why: String) {
        self.refused = (self.refused.0 + 1, Some(why.into()));
    }

    /// Keeps what became of an order until the fleet has settled.
    pub(super) fn reply(&mut self, id: OrderId, reply: Reply) {
        self.replies.push((id, reply));
    }

    /// Whether something is about to happen: until it has, no view is the newest.
    pub(super) fn expect(&self, something: bool) {
        if let (true, Some((_, inbox))) = (something, &self.thread) {
            inbox.set_revision(UNSETTLED);
        }
    }

    fn tell_news(&mut self) {
        let news = std::mem::take(&mut self.news);
        let Some((handle, _)) = &self.thread else { return };
        for told in news {
            if self.lost > 0 && handle.told.try_send(Told::Lost(self.lost)).is_ok() {
                self.lost = 0;
            }
            if let Err(TrySendError::Full(_)) = handle.told.try_send(told) {
                self.lost += 1;
            }
        }
    }

    /// Sends what became of orders. A client that has gone is told nothing.
    fn send_replies(&mut self) {
        for (id, reply) in self.replies.drain(..) {
            let sender = match reply {
                Reply::Taken => self.orders.get(&id).cloned(),
                Reply::Done | Reply::Refused(_) | Reply::Failed(_) | Reply::Overtaken(_) => {
                    self.orders.remove(&id)
                }
            };
            if let Some(sender) = sender {
                let _ = sender.send(Some(reply));
            }
        }
    }
}

impl Views {
    /// Notes what the fleet is like, and gives the revision of a view that is made of it.
    fn note(&mut self, key: Key) -> u64 {
        if self.key != Some(key) {
            self.key = Some(key);
            self.revision += 1;
        }
        self.revision
    }

    fn view(&mut self, fleet: &Fleet, key: Key, refused: &(u32, Option<Arc<str>>)) -> Arc<View> {
        let revision = self.note(key);
        if let Some(last) = self.last.as_ref().filter(|last| last.revision == revision) {
            return Arc::clone(last);
        }
        let mut shared = BTreeMap::new();
        for (name, stepped, machine) in fleet.stepped() {
            let known = self.shared.remove(name).filter(|(then, _)| *then == stepped);
            let one = known.unwrap_or_else(|| (stepped, Arc::new(machine.status())));
            shared.insert(name.clone(), one);
        }
        self.shared = shared;
        let profiles =
            self.shared.iter().map(|(name, (_, status))| (name.clone(), Arc::clone(status))).collect();
        let Key { is_draining, is_complete, logger, .. } = key;
        let view =
            Arc::new(View { profiles, is_draining, is_complete, logger, refused: refused.clone(), revision });
        self.last = Some(Arc::clone(&view));
        view
    }
}

impl Reactor {
    /// Starts the control thread. What cannot be started is tried again.
    pub(super) fn begin_control(&mut self) {
        self.control.again = None;
        if let Err(why) = self.start_control() {
            self.answer(Input::Say(ControlSaid::Lost { why }.into()));
            self.control.again = Some(self.now.plus(AGAIN));
        }
    }

    fn start_control(&mut self) -> Result<(), String> {
        let inbox = Inbox::new().map_err(|errno| format!("make an eventfd for control: {}", errno.desc()))?;
        let inbox = Arc::new(inbox);
        let event = EpollEvent::new(EpollFlags::EPOLLIN, CONTROL);
        self.epoll
            .add(&inbox, event)
            .map_err(|errno| format!("wait for the control thread: {}", errno.desc()))?;
        let instance = clock::random_u64().map_err(|error| format!("get a random number: {error}"))?;
        let config = server::Config::of(&self.settings);
        let recorder = Arc::clone(&self.metrics.recorder);
        let handle = server::start(config, instance, Arc::clone(&inbox), recorder, self.log.clone())
            .map_err(|error| format!("start the control thread: {error}"))?;
        self.control.thread = Some((handle, inbox));
        Ok(())
    }

    /// Starts another control thread if it is time.
    pub(super) fn restart_control(&mut self, now: Moment) {
        if self.control.again.is_some_and(|at| at <= now) {
            self.begin_control();
        }
    }

    /// Has the thread answer what it can, and end.
    pub(super) fn end_control(&mut self) {
        self.control.tell_news();
        self.control.send_replies();
        self.control.orders.clear();
        for ask in self.control.asks.drain(..) {
            // The end that was asked for may come before the fleet has settled.
            if let Ask::Shutdown(_, sender) = ask {
                let _ = sender.send(());
            }
        }
        if let Some((handle, inbox)) = self.control.thread.take() {
            // Nobody would answer what is still asked.
            drop(inbox.take());
            handle.finish();
        }
    }

    /// Takes what the control thread asks.
    pub(super) fn take_asks(&mut self) {
        let Some((_, inbox)) = &self.control.thread else { return };
        let (asks, is_closed) = inbox.take();
        if is_closed {
            // It has said why. Its descriptor leaves epoll with it: nobody else has it.
            self.control.thread = None;
            self.control.again = Some(self.now.plus(AGAIN));
            return;
        }
        for ask in asks {
            match ask {
                Ask::Order(name, order, sender) => {
                    self.control.last_order += 1;
                    let id = OrderId(self.control.last_order);
                    self.control.orders.insert(id, sender);
                    self.answer(Input::Order(id, name, order));
                }
                Ask::Rescan(_) => {
                    // Many who ask at once have one reading.
                    if !self.control.asks.iter().any(|ask| matches!(ask, Ask::Rescan(_))) {
                        self.rescan(&Hint::All);
                    }
                    self.control.asks.push(ask);
                }
                Ask::Shutdown(reason, done) => {
                    self.answer(Input::Shutdown(reason));
                    self.control.asks.push(Ask::Shutdown(String::new(), done));
                }
                Ask::Upgrade => self.answer(Input::Signal(Signal::USR2)),
                Ask::View(_) | Ask::Explain(..) | Ask::History(..) | Ask::RunHook { .. } => {
                    self.control.asks.push(ask);
                }
            }
        }
    }

    /// Answers what was asked, after all that has happened in this round.
    pub(super) fn answer_asks(&mut self, fleet: &Fleet) {
        let key = Key {
            steps: fleet.steps(),
            is_draining: fleet.is_draining(),
            is_complete: self.control.is_complete,
            logger: self.outputs.logger_pid,
            refused: self.control.refused.0,
        };
        let revision = self.control.views.note(key);
        if let Some((_, inbox)) = &self.control.thread {
            inbox.set_revision(revision);
        }
        self.control.tell_news();
        // After that: whoever has a reply and looks sees what it says.
        self.control.send_replies();
        for ask in std::mem::take(&mut self.control.asks) {
            self.answer_ask(fleet, key, ask);
        }
    }

    /// Whoever does not wait any more is not told: that is no trouble.
    fn answer_ask(&mut self, fleet: &Fleet, key: Key, ask: Ask) {
        match ask {
            Ask::View(sender) => {
                let refused = &self.control.refused;
                drop(sender.send(self.control.views.view(fleet, key, refused)));
            }
            Ask::Explain(name, sender) => {
                let explanation = fleet.machine(&name).map(|machine| Box::new(machine.explain(self.now)));
                drop(sender.send(explanation));
            }
            Ask::History(name, sender) => {
                let history = fleet.machine(&name).map(|machine| {
                    let transitions = machine.history().iter().cloned().collect();
                    (transitions, machine.exits().iter().copied().collect())
                });
                drop(sender.send(history));
            }
            Ask::RunHook { name, hook, dry_run, answer } => {
                self.try_hook(fleet, name, hook, dry_run, answer);
            }
            Ask::Rescan(sender) => drop(sender.send(self.control.scan_failure.clone().map_or(Ok(()), Err))),
            Ask::Shutdown(_, sender) => drop(sender.send(())),
            Ask::Order(..) | Ask::Upgrade => {
                unreachable!("an order and an upgrade are inputs of the fleet, and are never kept here")
            }
        }
    }

    /// Has a hook called once for whoever asks for it. A profile that does not exist has nobody answer.
    fn try_hook(
        &self,
        fleet: &Fleet,
        name: ProfileName,
        hook: Hook,
        dry_run: bool,
        answer: oneshot::Sender<Result<HookRun, String>>,
    ) {
        let Some(machine) = fleet.machine(&name) else { return };
        let profile = self.hooks.profile(&name);
        let Some(profile) = profile.filter(|profile| profile.policy.hooks.present.contains(&hook)) else {
            let _ = answer.send(Err(format!("{name} has no hook `{hook}`")));
            return;
        };
        let state = machine.state().to_string();
        let event = (hook == Hook::OnEvent).then(|| Happening {
            kind: "transition".to_owned(),
            level: "info".to_owned(),
            from: state.clone(),
            to: state,
            reason: "run-hook".to_owned(),
        });
        let service = Service { event, ..machine.service(self.now) };
        let budget = profile.policy.budget(hook);
        let question = Question { id: QuestionId(u64::MAX), hook, check: 0, budget, service };
        self.hooks.engine.try_out(name, Trial { question, dry_run, answer });
    }

    /// Something happened to a profile.
    pub(super) fn happened(
        &mut self,
        name: ProfileName,
        what: Happening,
        id: Option<ProcId>,
        exit: Option<Ended>,
    ) {
        self.metrics.recorder.happened(&name, &what);
        let (at, pid) = (self.now, id.map(|id| id.pid));
        self.control.news.push(Told::Happened { name, at, what, pid, exit });
    }

    /// What ProcLaunch says of itself is an event as well.
    pub(super) fn tell_of(&mut self, entry: &Entry) {
        let Entry::Own(own) = entry else { return };
        let level = entry.level();
        if level < Level::Debug {
            let (at, kind, name) = (self.now, "supervisor", None);
            self.control.news.push(Told::Own { at, kind, level, name, text: own.to_string() });
        }
    }
}
