//! The hooks of one profile on the thread: which version of each is in force, and which questions are open.
//!
//! Questions stand in three lanes, and each lane asks one at a time: those that decide while something stands still
//! and may not wait, events, and all others. Each lane is first come, first served, but for what holds up a start or a
//! stop.
//!
//! **Invariant:** every question that is asked is told an outcome, unless it is cancelled or asked anew.
//! **Invariant:** a file that cannot be loaded leaves the hook of before in force.

mod lane;
mod trial;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::{Rc, Weak};

use proclaunch_core::hook::{Answer, Hook, Hooks, Outcome, Question, QuestionId};
use proclaunch_core::ids::ProfileName;
use proclaunch_core::log::Level;
use tokio::sync::{Notify, oneshot};

use self::lane::{Lane, Next};
pub use self::trial::Trial;
use super::context::{Context, Profile, Tell};
use super::host::Host;
use super::source::Sources;
use super::told::Told;
use super::vars::{Kept, Vars};
use super::worker::Shared;

/// The hooks of one profile.
pub(super) struct Seat {
    name: ProfileName,
    shared: Rc<Shared>,
    kept: Kept,
    /// Which version of each hook is in force: usually one host for all.
    hosts: RefCell<BTreeMap<Hook, Rc<Host>>>,
    /// What was loaded last, to be loaded again where an interpreter is full.
    sources: RefCell<Option<Sources>>,
    /// The host of what was loaded last.
    newest: RefCell<Weak<Host>>,
    /// Whether it was said that interpreters of these files become full.
    said_full: Cell<bool>,
    /// Dropped to give up the loading that is under way.
    loading: RefCell<Option<oneshot::Sender<()>>>,
    lanes: RefCell<[Lane; lane::LANES]>,
    /// Told when a lane is free.
    freed: Notify,
    /// Whether a hook is being tried out.
    tries: Cell<bool>,
    gone: Cell<bool>,
}

impl Seat {
    pub(super) fn new(name: ProfileName, shared: Rc<Shared>) -> Rc<Self> {
        Rc::new(Self {
            name,
            shared,
            kept: Kept::default(),
            hosts: RefCell::default(),
            sources: RefCell::default(),
            newest: RefCell::default(),
            said_full: Cell::new(false),
            loading: RefCell::default(),
            lanes: RefCell::default(),
            freed: Notify::new(),
            tries: Cell::new(false),
            gone: Cell::new(false),
        })
    }

    /// Loads files in the background, and puts them in force.
    pub(super) fn load(self: &Rc<Self>, generation: u64, mut sources: Sources) {
        if self.kept.borrow().is_empty() {
            *self.kept.borrow_mut() = std::mem::take(&mut sources.vars);
        }
        *self.sources.borrow_mut() = Some(sources.clone());
        self.said_full.set(false);
        self.load_then(sources, move |seat, sources, loaded| seat.install(generation, sources, loaded));
    }

    /// Loads the same files again where what scripts hold fills their interpreter. The full one is asked until then.
    fn refresh(self: &Rc<Self>, full: &Rc<Host>) {
        let is_newest = std::ptr::eq(self.newest.borrow().as_ptr(), Rc::as_ptr(full));
        let Some(sources) = self.sources.borrow().clone().filter(|_| is_newest) else { return };
        if self.loading.borrow().is_some() {
            return;
        }
        if !self.said_full.replace(true) {
            let text = "the hooks hold most of the memory that they may use, and are loaded anew with nothing but \
                        service.vars";
            self.tell(Told::Said {
                name: self.name.clone(),
                level: Level::Warn,
                hook: None,
                text: text.to_owned(),
            });
        }
        self.load_then(sources, |seat, _, loaded| {
            // What cannot be loaded this time is asked where it was.
            if let Ok(host) = loaded {
                seat.put_in_force(&Rc::new(host));
            }
            for lane in 0..lane::LANES {
                seat.go_on(lane);
            }
        });
    }

    fn load_then(
        self: &Rc<Self>,
        sources: Sources,
        then: impl FnOnce(&Rc<Self>, &Sources, Result<Host, String>) + 'static,
    ) {
        let (give_up, given_up) = oneshot::channel::<()>();
        *self.loading.borrow_mut() = Some(give_up);
        let (seat, busy) = (Rc::clone(self), self.shared.busy());
        tokio::task::spawn_local(async move {
            let loaded = tokio::select! {
                biased;
                _ = given_up => return,
                loaded = Host::load(seat.context(&sources), &sources) => loaded,
            };
            drop(busy);
            seat.loading.take();
            then(&seat, &sources, loaded);
        });
    }

    fn context(&self, sources: &Sources) -> Rc<Context> {
        let shared = Rc::clone(&self.shared);
        self.context_of(sources, Rc::clone(&self.kept), Rc::new(move |told| shared.tell(told)))
    }

    fn context_of(&self, sources: &Sources, kept: Kept, tell: Tell) -> Rc<Context> {
        let profile = Profile {
            name: self.name.clone(),
            dir: sources.profile_dir.clone(),
            env: sources.env.clone(),
            settings: sources.settings.clone(),
        };
        let own = std::iter::once(sources.profile_dir.clone());
        let modules = own.chain(self.shared.config.modules.iter().cloned()).collect();
        let around = &self.shared.around;
        let context = Context::new(profile, modules, around.clock, tell, Vars::new(kept));
        context.surround(Rc::clone(&around.outside));
        context.connect(self.shared.config.fleet.clone());
        context
    }

    fn install(self: &Rc<Self>, generation: u64, sources: &Sources, loaded: Result<Host, String>) {
        let (host, broken) = match loaded {
            Ok(host) => {
                let broken = host.hooks().broken.clone();
                (Some(Rc::new(host)), broken)
            }
            Err(why) => (None, sources.all().map(|(hook, _)| (hook, why.clone())).collect()),
        };
        let named: BTreeSet<Hook> = sources.all().map(|(hook, _)| hook).collect();
        self.hosts.borrow_mut().retain(|hook, _| named.contains(hook));
        if let Some(host) = &host {
            self.put_in_force(host);
        }
        let hosts = self.hosts.borrow();
        let hooks = Hooks {
            loaded: hosts.keys().copied().collect(),
            broken,
            checks: hosts.get(&Hook::Health).map(|host| host.hooks().checks.clone()).unwrap_or_default(),
            tick: hosts.get(&Hook::OnTick).and_then(|host| host.hooks().tick),
        };
        drop(hosts);
        self.shared.tell(Told::Loaded { name: self.name.clone(), generation, hooks });
        for lane in 0..lane::LANES {
            self.go_on(lane);
        }
    }

    /// How much memory its interpreters use, in bytes; each is counted once.
    pub(super) fn used_memory(&self) -> usize {
        let hosts = self.hosts.borrow();
        let mut counted: Vec<&Rc<Host>> = Vec::new();
        for host in hosts.values() {
            if !counted.iter().any(|other| Rc::ptr_eq(other, host)) {
                counted.push(host);
            }
        }
        counted.iter().map(|host| host.used_memory()).sum()
    }

    fn put_in_force(&self, host: &Rc<Host>) {
        *self.newest.borrow_mut() = Rc::downgrade(host);
        self.hosts.borrow_mut().extend(host.hooks().loaded.iter().map(|hook| (*hook, Rc::clone(host))));
    }

    /// Has a hook asked, when its turn comes.
    pub(super) fn ask(self: &Rc<Self>, question: Question) {
        let lane = lane::of(question.hook);
        let left_out = self.lanes.borrow_mut()[lane].push(question);
        if let Some(question) = left_out {
            self.decide(question.id, Outcome::Answer(Answer::Nothing));
        }
        self.go_on(lane);
    }

    /// Drops a question, asked or still to be.
    pub(super) fn cancel(self: &Rc<Self>, id: QuestionId) {
        for lane in self.lanes.borrow_mut().iter_mut() {
            lane.cancel(id);
        }
    }

    /// Drops everything. What runs ends at its next turn.
    pub(super) fn forget(&self) {
        self.gone.set(true);
        self.loading.take();
        self.hosts.borrow_mut().clear();
        self.lanes.take();
    }

    /// Begins the next call of a lane, if it is free.
    fn go_on(self: &Rc<Self>, lane: usize) {
        loop {
            let next = {
                let hosts = self.hosts.borrow();
                let is_loading = self.loading.borrow().is_some();
                self.lanes.borrow_mut()[lane].next(|hook| hosts.contains_key(&hook) || !is_loading)
            };
            match next {
                Next::None => return,
                Next::Late(question, outcome) => self.decide(question.id, outcome),
                Next::Call(call) => {
                    let host = self.hosts.borrow().get(&call.question.hook).cloned();
                    if let Some(host) = host {
                        self.call(lane, host, call);
                        return;
                    }
                    self.lanes.borrow_mut()[lane].free();
                    let why = format!("{}: there is no such hook", call.question.hook);
                    self.decide(call.question.id, Outcome::Failed(why));
                }
            }
        }
    }

    fn call(self: &Rc<Self>, lane: usize, host: Rc<Host>, call: lane::Call) {
        let lane::Call { question, waited, cancelled } = call;
        let (seat, busy) = (Rc::clone(self), self.shared.busy());
        tokio::task::spawn_local(async move {
            let outcome = tokio::select! {
                biased;
                end = cancelled => end.ok().map(|()| Outcome::Answer(Answer::Nothing)),
                outcome = host.call(&question) => Some(outcome),
            };
            match outcome {
                // It had not its whole time, for no fault of the service.
                Some(Outcome::TimedOut) if waited && question.hook == Hook::Health => {
                    seat.decide(question.id, Outcome::Answer(Answer::Nothing));
                }
                Some(outcome) => seat.decide(question.id, outcome),
                None => {}
            }
            let is_full = host.tidy().await;
            drop(busy);
            if !seat.gone.get() {
                if is_full {
                    seat.refresh(&host);
                }
                seat.lanes.borrow_mut()[lane].free();
                seat.freed.notify_waiters();
                seat.go_on(lane);
            }
        });
    }

    fn decide(&self, id: QuestionId, outcome: Outcome) {
        self.tell(Told::Decided { name: self.name.clone(), id, outcome });
    }

    fn tell(&self, told: Told) {
        if !self.gone.get() {
            self.shared.tell(told);
        }
    }
}
