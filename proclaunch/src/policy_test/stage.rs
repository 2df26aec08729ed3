//! The driver of a test: the real fleet and the real hooks, in a made-up world, on a virtual clock.
//!
//! The runtime is paused: its clock jumps to the next thing that is due as soon as nobody can go on, so that hours pass
//! in milliseconds and a hook that sleeps takes no time.
//!
//! **Invariant:** one input in, all its effects performed, then the next input, as in production.
//! **Invariant:** after each statement of the script a millisecond passes, so that everything that comes of it at once
//! has come.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use proclaunch_core::clock::Moment;
use proclaunch_core::fleet::{Config, Fleet, Input, Recall, Scan};
use proclaunch_core::hook::{Hook, QuestionId};
use proclaunch_core::ids::{ProfileName, Ticket};
use proclaunch_core::machine::{Found, Machine, Recalled, Remembered, Timer};
use proclaunch_core::profile::Fingerprint;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::files::ProfileFiles;
use super::outside::Staged;
use super::processes::{BEGINNING, End, age};
use super::world::World;
use crate::hooks::worker::{Order, Surroundings, Worker};
use crate::hooks::{self, Exec, ExecId, Told};
use crate::supervisor::published::snapshot;

/// How long a statement takes.
const INSTANT: Duration = Duration::from_millis(1);

/// A question that a hook has not answered yet.
pub(super) struct Asked {
    pub(super) hook: Hook,
    pub(super) label: String,
    pub(super) at: Duration,
}

/// One test's driver.
pub(super) struct Stage {
    pub(super) world: Rc<World>,
    pub(super) files: ProfileFiles,
    modules: Vec<PathBuf>,
    pub(super) fleet: Fleet,
    pub(super) worker: Worker,
    inbox: UnboundedReceiver<Told>,
    /// Inputs for the next round.
    pub(super) ready: Vec<Input>,
    pub(super) remembered: Option<Box<Remembered>>,
    pub(super) open: BTreeMap<QuestionId, Asked>,
    pub(super) loading: Option<(u64, Fingerprint)>,
    pub(super) execs: BTreeMap<ExecId, Arc<Exec>>,
    pub(super) watched: BTreeSet<Ticket>,
    /// How the last main process ended, where it was for want of memory.
    pub(super) last_oom: bool,
    /// What was wrong with the hook files at the beginning.
    pub(super) broken: Option<String>,
    supervisors: u64,
    is_begun: bool,
    is_removed: bool,
}

impl Stage {
    /// A driver that has not begun: the script may say first what the world is like.
    pub(super) fn new(world: Rc<World>, files: ProfileFiles, modules: Vec<PathBuf>) -> Self {
        let (worker, inbox) = worker(&world, &modules);
        Self {
            world,
            files,
            modules,
            fleet: fleet(0),
            worker,
            inbox,
            ready: Vec::new(),
            remembered: None,
            open: BTreeMap::new(),
            loading: None,
            execs: BTreeMap::new(),
            watched: BTreeSet::new(),
            last_oom: false,
            broken: None,
            supervisors: 0,
            is_begun: false,
            is_removed: false,
        }
    }

    pub(super) fn name(&self) -> &ProfileName {
        &self.files.name
    }

    /// The machine of the profile; none once it is gone.
    pub(super) fn machine(&self) -> Option<&Machine> {
        self.fleet.machine(self.name())
    }

    /// Has the supervisor find the profile, unless it has already.
    ///
    /// # Errors
    /// A setting or a hook file is no good: nothing that follows would test what it seems to.
    pub(super) async fn begin(&mut self) -> Result<(), String> {
        if std::mem::replace(&mut self.is_begun, true) {
            return Ok(());
        }
        if let Err(problems) = self.files.parsed().profile {
            let all: Vec<String> = problems.iter().map(ToString::to_string).collect();
            return Err(format!("{} cannot be started: {}", self.name(), all.join("; ")));
        }
        self.scan();
        self.until(self.world.now() + INSTANT).await?;
        self.broken.take().map_or(Ok(()), Err)
    }

    /// Has the files read anew, if there is a supervisor that would.
    pub(super) fn rescan(&mut self) -> bool {
        if self.is_begun {
            self.scan();
        }
        self.is_begun
    }

    fn scan(&mut self) {
        let mut scan = Scan { complete: true, ..Scan::default() };
        if !self.is_removed {
            scan.profiles.push((self.name().clone(), self.files.parsed()));
        }
        self.ready.push(Input::Scan(scan));
    }

    /// The profile's directory goes.
    pub(super) fn remove(&mut self) {
        self.is_removed = true;
        self.scan();
    }

    /// The supervisor dies, and another one takes its place: what lives, lives on.
    pub(super) fn crash(&mut self) {
        let name = self.name().clone();
        self.worker.obey(Order::Forget(name.clone()));
        (self.worker, self.inbox) = worker(&self.world, &self.modules);
        self.supervisors += 1;
        self.fleet = fleet(self.supervisors);
        self.ready.clear();
        self.open.clear();
        self.execs.clear();
        self.watched.clear();
        self.loading = None;
        if let Some(remembered) = self.remembered.clone() {
            let now = self.world.now();
            let ticket = remembered.phase.start().map(|start| start.ticket);
            let mut processes = self.world.processes.borrow_mut();
            let its = ticket.map(|ticket| processes.of(ticket)).unwrap_or_default();
            // What no record speaks of is found by its ticket and ended.
            for stray in processes.all().into_iter().filter(|id| !its.contains(id)) {
                processes.end(stray);
            }
            let up = |id| processes.lives(id).then(|| age(id, now));
            let found = Found::work_out(&remembered.phase, None, up, |_| its.first().copied());
            drop(processes);
            let profiles = [(name, Recalled { remembered: *remembered, found })].into();
            self.ready.push(Input::Recall(Recall { profiles, ..Recall::default() }));
        }
        self.scan();
    }

    /// Lets so much time pass, and what is due in it happen.
    pub(super) async fn advance(&mut self, time: Duration) -> Result<(), String> {
        let target = self.world.now() + time;
        self.until(target).await?;
        self.until(target + INSTANT).await
    }

    /// Lets everything happen that comes at once of what is ready.
    pub(super) async fn settle(&mut self) -> Result<(), String> {
        self.until(self.world.now() + INSTANT).await
    }

    async fn until(&mut self, target: Duration) -> Result<(), String> {
        loop {
            let now = self.world.now();
            self.world.watch.step(now)?;
            let ending = self.world.processes.borrow().ending(now);
            for (id, end) in ending {
                self.end(id, end);
            }
            if self.deadline().is_some_and(|at| at <= now) {
                self.ready.push(Input::Timeout);
            }
            if !self.ready.is_empty() {
                self.round(now);
                continue;
            }
            if now >= target {
                return self.world.fault.borrow_mut().take().map_or(Ok(()), Err);
            }
            let due = [self.deadline(), self.world.processes.borrow().next_end()];
            let next = due.into_iter().flatten().chain([target]).min().unwrap_or(target);
            tokio::select! {
                biased;
                told = self.inbox.recv() => {
                    if let Some(told) = told {
                        self.told(told);
                    }
                }
                () = tokio::time::sleep(next.saturating_sub(now)) => {}
            }
        }
    }

    fn round(&mut self, now: Duration) {
        let mut inputs = std::mem::take(&mut self.ready);
        inputs.sort_by_key(Input::rank);
        for input in inputs {
            if self.fleet.ended().is_some() {
                return;
            }
            for effect in self.fleet.step(BEGINNING.plus(now), input) {
                self.perform(effect);
            }
        }
        self.publish();
    }

    /// Tells hooks what the profile does, and the others.
    pub(super) fn publish(&self) {
        let mut all = self.world.others.borrow().clone();
        all.extend(snapshot(&self.fleet));
        self.world.fleet.publish(all);
    }

    fn deadline(&self) -> Option<Duration> {
        let at = self.fleet.deadline().filter(|_| self.fleet.ended().is_none())?;
        Some(since_beginning(at))
    }

    /// In how long the next attempt to start comes, if it waits for one.
    pub(super) fn next_try(&self) -> Option<Duration> {
        let machine = self.machine()?;
        let (at, timer) = machine.deadline()?;
        let waits = match timer {
            Timer::Backoff => true,
            Timer::Hook => machine.process().is_none() && machine.questions().is_empty(),
            Timer::PidFileLook
            | Timer::Launch
            | Timer::StartTimeout
            | Timer::StopTimeout
            | Timer::KillAgain => false,
        };
        waits.then(|| since_beginning(at).saturating_sub(self.world.now()))
    }

    /// Ends the service's process by its own doing.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn exit(&mut self, end: End) -> Result<(), String> {
        let main = self.world.processes.borrow().main().map(|process| process.id);
        if let Some(id) = main {
            self.end(id, end);
            return Ok(());
        }
        let state = self.machine().map_or("gone".to_owned(), |machine| machine.state().to_string());
        Err(format!("there is no process that could end: {} is {state}", self.name()))
    }
}

/// The hooks' side, and what it tells.
fn worker(world: &Rc<World>, modules: &[PathBuf]) -> (Worker, UnboundedReceiver<Told>) {
    let (sender, inbox) = unbounded_channel();
    let around = Surroundings {
        // Who does not listen any more is a supervisor that has crashed.
        tell: Rc::new(move |told| drop(sender.send(told))),
        clock: world.clock,
        outside: Rc::new(Staged(Rc::clone(world))),
    };
    let (modules, fleet) = (modules.to_vec(), world.fleet.clone());
    let config = hooks::Config { modules, fleet, ..hooks::Config::default() };
    (Worker::new(config, around), inbox)
}

/// Jitter comes from the number of the supervisor: it is the same in every run.
fn fleet(supervisor: u64) -> Fleet {
    Fleet::new(Config { instance: 0x7e57 + supervisor, drain_on_term: false, exit_with: None })
}

fn since_beginning(at: Moment) -> Duration {
    at.since(BEGINNING)
}
