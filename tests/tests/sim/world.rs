//! The simulated world: a virtual clock, what is going to happen, and a second fleet that is looked into.
//!
//! The fleet under test runs in [`proclaunch_core::world::run`], the loop of production, and cannot be looked into
//! there. So a second fleet, the *shadow*, takes the same inputs at the same moments, and has to give the same
//! effects: that shows what state each effect comes from, and proves on the way that the core is deterministic.
//!
//! A supervisor is killed by unwinding out of its wait: everything that it knew is gone, as with SIGKILL.

use std::collections::{BTreeMap, VecDeque};
use std::panic::resume_unwind;
use std::time::Duration;

use proclaunch_core::clock::Moment;
use proclaunch_core::fleet::{Config, Effect, Fleet, Input, Memo, Recall};
use proclaunch_core::ids::ProfileName;
use proclaunch_core::machine::{Found, Phase, Recalled, Remembered};
use proclaunch_core::profile::Kill;
use proclaunch_core::signal::Signal;
use proclaunch_core::world::World;

use crate::book::Book;
use crate::checks::{ensure, violated};
use crate::directory::Directory;
use crate::happening::{Fate, Happening, Unwound};
use crate::hooks::Host;
use crate::keeper::Keeper;
use crate::lines::Lines;
use crate::model::Model;
use crate::orders::Orders;
use crate::plan::Kin;
use crate::processes::{Process, Processes};
use crate::questions::Questions;
use crate::rng::Rng;
use crate::timetable::Timetable;
use crate::trace::{self, Trace};

/// How many waits there may be at one moment.
const WAITS_MAX: u32 = 300;
/// How many inputs one run may have.
const INPUTS_MAX: u64 = 200_000;

/// Everything outside the fleet.
#[derive(Debug)]
pub(crate) struct Sim {
    pub(crate) rng: Rng,
    pub(crate) now: Moment,
    pub(crate) queue: BTreeMap<(Moment, u64), Happening>,
    queued: u64,
    pub(crate) ready: Vec<Input>,
    pub(crate) processes: Processes,
    pub(crate) keeper: Keeper,
    pub(crate) hooks: Host,
    pub(crate) questions: Questions,
    pub(crate) records: BTreeMap<ProfileName, Remembered>,
    pub(crate) memo: Memo,
    pub(crate) book: Book,
    pub(crate) directory: Directory,
    pub(crate) timetable: Timetable,
    pub(crate) model: Model,
    pub(crate) lines: Lines,
    pub(crate) shadow: Fleet,
    config: Config,
    /// What the shadow wants done, and the `kill` file in force then.
    expected: VecDeque<(Effect, Kill)>,
    pub(crate) trace: Trace,
    waits: (Moment, u32),
    inputs: u64,
    pub(crate) orders: Orders,
    had_timeout: bool,
    pub(crate) fate: Fate,
    /// How many effects the supervisor may have before it is killed, if it is to be killed between two.
    effects_left: Option<u64>,
    /// There is no supervisor.
    pub(crate) is_alone: bool,
}

impl Sim {
    pub(crate) fn new(seed: u64, keeps_trace: bool) -> Self {
        let mut rng = Rng::new(seed);
        let config = Config { instance: 0, drain_on_term: rng.one_in(4), exit_with: None };
        let mut hooks = Host::new(seed);
        let directory = Directory::draw(&mut rng, &mut hooks.rng);
        let timetable = Timetable::draw(&mut rng);
        let mut sim = Self {
            rng,
            now: Moment::from_nanos(1_000_000_000_000),
            queue: BTreeMap::new(),
            queued: 0,
            ready: Vec::new(),
            processes: Processes::default(),
            keeper: Keeper::default(),
            hooks,
            questions: Questions::default(),
            records: BTreeMap::new(),
            memo: Memo::default(),
            book: Book::default(),
            directory,
            timetable,
            model: Model::default(),
            lines: Lines::default(),
            shadow: Fleet::new(config.clone()),
            config,
            expected: VecDeque::new(),
            trace: Trace::new(keeps_trace),
            waits: (Moment::default(), 0),
            inputs: 0,
            orders: Orders::default(),
            had_timeout: false,
            fate: Fate::Lives,
            effects_left: None,
            is_alone: false,
        };
        sim.begin();
        sim
    }

    /// A new supervisor, which recalls what was remembered.
    pub(crate) fn boot(&mut self) -> Fleet {
        self.end_of_supervisor();
        self.queue.retain(|_, happening| !happening.is_for_supervisor());
        self.ready.clear();
        self.expected.clear();
        self.keeper.forget_reports();
        self.hooks.forget();
        self.questions = Questions::default();
        self.orders.forget();
        self.fate = Fate::Lives;
        self.config.instance = self.rng.next();
        self.note("--- a supervisor begins");
        let profiles: BTreeMap<ProfileName, Recalled> =
            self.records.iter().map(|(name, remembered)| (name.clone(), self.recall(remembered))).collect();
        for (name, recalled) in &profiles {
            if let (Phase::Launching { start, .. }, Found::Nothing | Found::Left) =
                (&recalled.remembered.phase, recalled.found)
            {
                self.book.never_made(name, start.ticket);
            }
        }
        self.end_strays();
        self.model = Model::new(profiles.clone(), self.config.drain_on_term);
        self.lines = Lines::after(&profiles);
        self.questions = Questions::after(&profiles);
        let fleet = self.memo.clone();
        self.model.is_draining = fleet.draining.is_some();
        if !profiles.is_empty() || fleet != Memo::default() || self.rng.one_in(2) {
            self.ready.push(Input::Recall(Recall { fleet, profiles }));
        }
        self.tell_again();
        let delay = if self.rng.one_in(3) { self.rng.delay() } else { Duration::ZERO };
        self.later(delay, Happening::Scan(None));
        self.shadow = Fleet::new(self.config.clone());
        Fleet::new(self.config.clone())
    }

    /// What a supervisor asked of the keeper is done; a keeper that is killed too may not have come to it.
    fn end_of_supervisor(&mut self) {
        let takes_keeper = self.fate == Fate::Leaves || self.rng.one_in(4);
        let asked: Vec<Happening> =
            self.queue.values().filter(|one| matches!(one, Happening::Launch(..))).cloned().collect();
        self.queue.retain(|_, happening| !matches!(happening, Happening::Launch(..)));
        for happening in asked {
            let Happening::Launch(name, ticket, profile) = happening else { continue };
            if !takes_keeper || self.rng.one_in(2) {
                self.launch(&name, ticket, &profile);
            }
        }
        if takes_keeper {
            self.note("--- the keeper is gone");
            self.keeper = Keeper::default();
            self.excuse_the_forgotten();
        }
    }

    fn recall(&self, remembered: &Remembered) -> Recalled {
        let phase = &remembered.phase;
        let inventory = phase.start().and_then(|start| self.keeper.inventory(start.ticket));
        let up = |id| self.processes.get(id).map(|process| self.now.since(process.born));
        let bearer = |ticket| {
            let bears = |process: &&Process| process.ticket == ticket && process.kin != Kin::Untold;
            self.processes.iter().filter(bears).min_by_key(|process| process.born).map(|process| process.id)
        };
        let found = Found::work_out(phase, inventory, up, bearer);
        Recalled { remembered: remembered.clone(), found }
    }

    pub(crate) fn later(&mut self, delay: Duration, happening: Happening) {
        self.at(self.now.plus(delay), happening);
    }

    pub(crate) fn at(&mut self, moment: Moment, happening: Happening) {
        self.queued += 1;
        self.queue.insert((moment, self.queued), happening);
    }

    pub(crate) fn note(&mut self, text: &str) {
        self.trace.line(self.now, text);
    }

    /// Moves the clock, and lets everything happen that is due by then.
    pub(crate) fn pass(&mut self, until: Moment) {
        while let Some((&(at, number), _)) = self.queue.first_key_value() {
            if at > until {
                break;
            }
            let happening = self.queue.remove(&(at, number)).expect("it is the first");
            self.now = self.now.max(at);
            self.happen(happening);
        }
        self.now = self.now.max(until);
    }

    fn collect(&mut self, inputs: &mut Vec<Input>) {
        inputs.append(&mut self.ready);
        inputs.extend(self.keeper.take_reports().into_iter().map(Input::Report));
    }

    /// Sleeps until something is there for the supervisor.
    fn sleep(&mut self, deadline: Option<Moment>, inputs: &mut Vec<Input>) {
        loop {
            self.collect(inputs);
            if !inputs.is_empty() || deadline.is_some_and(|deadline| deadline <= self.now) {
                return;
            }
            let next = self.queue.first_key_value().map(|((at, _), _)| *at);
            let Some(mut until) = next.into_iter().chain(deadline).min() else {
                violated("nothing can ever happen again".to_owned())
            };
            if self.rng.one_in(6) {
                // The machine is busy: several things are found at once.
                until = until.plus(self.rng.duration(Duration::from_millis(50)));
            }
            self.pass(until);
            if self.fate != Fate::Lives {
                return self.meet_fate(inputs);
            }
        }
    }

    fn meet_fate(&mut self, inputs: &mut Vec<Input>) {
        if self.fate == Fate::Leaves && !self.config.drain_on_term {
            inputs.push(Input::Signal(Signal::TERM));
            return;
        }
        if self.effects_left.is_none() && self.rng.one_in(2) {
            // Between two effects, of one of its next steps.
            self.effects_left = Some(self.rng.below(8));
            return;
        }
        self.be_killed()
    }

    fn be_killed(&mut self) -> ! {
        self.note("--- the supervisor is killed");
        self.effects_left = None;
        resume_unwind(Box::new(Unwound::Killed));
    }

    /// Gives the inputs to the shadow, in the order in which the loop will take them.
    fn foresee(&mut self, inputs: &[Input]) {
        let mut inputs = inputs.to_vec();
        inputs.sort_by_key(Input::rank);
        self.had_timeout = inputs.contains(&Input::Timeout);
        check_order(&inputs);
        for input in inputs {
            self.inputs += 1;
            if self.inputs > INPUTS_MAX {
                violated(format!("the run does not end: {INPUTS_MAX} inputs"));
            }
            self.note(&format!("< {}", trace::input(&input)));
            let before = self.model.take(&input, &self.shadow);
            let asked = self.questions.before(&input, &self.shadow);
            let effects = self.shadow.step(self.now, input.clone());
            for effect in &effects {
                self.note(&format!("    > {}", trace::effect(effect)));
            }
            self.check_step(&input, &before, &effects);
            self.orders.check(&input, &effects, &self.shadow);
            let now = self.now;
            self.questions.check(now, &asked, &effects, &self.shadow);
            for effect in effects {
                let kill = match &effect {
                    // Of files that are bad, the record tells what was in force.
                    Effect::Do(name, _) => {
                        let record = self.records.get(name).and_then(|record| record.stop.as_ref());
                        let of_record = || record.map_or(Kill::Mixed, |stop| stop.kill);
                        self.model.kill(name).unwrap_or_else(of_record)
                    }
                    Effect::Log(_)
                    | Effect::ReopenLog
                    | Effect::Upgrade
                    | Effect::RememberFleet(_)
                    | Effect::Forget(_)
                    | Effect::ForgetAll
                    | Effect::Reply(..)
                    | Effect::Happened { .. } => Kill::Mixed,
                };
                self.expected.push_back((effect, kill));
            }
            if self.shadow.ended().is_some() {
                return;
            }
        }
    }

    fn check_clock(&mut self, deadline: Option<Moment>) {
        if let Some((effect, _)) = self.expected.front() {
            violated(format!("not deterministic: the shadow also wants {effect:?}"));
        }
        if deadline != self.shadow.deadline() {
            violated(format!("not deterministic: {deadline:?}, shadow {:?}", self.shadow.deadline()));
        }
        if self.had_timeout && deadline.is_some_and(|deadline| deadline < self.now) {
            violated(format!("the deadline {deadline:?} is in the past, and was not handled"));
        }
        let waits = if self.waits.0 == self.now { self.waits.1 + 1 } else { 0 };
        self.waits = (self.now, waits);
        if waits > WAITS_MAX {
            violated(format!("spins: {waits} waits at the same moment"));
        }
    }
}

impl World for Sim {
    fn now(&mut self) -> Moment {
        self.now
    }

    fn wait(&mut self, deadline: Option<Moment>, inputs: &mut Vec<Input>) {
        self.check_clock(deadline);
        self.check_all();
        self.sleep(deadline, inputs);
        if deadline.is_some_and(|deadline| deadline <= self.now) {
            inputs.push(Input::Timeout);
        }
        self.foresee(inputs);
    }

    fn perform(&mut self, effect: Effect) {
        match self.effects_left {
            Some(0) => self.be_killed(),
            Some(left) => self.effects_left = Some(left - 1),
            None => {}
        }
        match self.expected.pop_front() {
            Some((expected, kill)) if expected == effect => self.perform_one(effect, kill),
            expected => violated(format!("not deterministic: {effect:?}, shadow {expected:?}")),
        }
    }
}

/// What has happened to processes is told before what is wanted of them, and the timeout last.
fn check_order(inputs: &[Input]) {
    let mut wanted = false;
    for (index, input) in inputs.iter().enumerate() {
        match input {
            Input::Signal(_)
            | Input::Order(..)
            | Input::Shutdown(_)
            | Input::Scan(_)
            | Input::ScanFailed(_) => wanted = true,
            Input::Report(_) | Input::PidFile(..) | Input::Recall(_) => {
                ensure(!wanted, || format!("{input:?} comes after what is wanted: {inputs:?}"));
            }
            Input::Timeout => {
                ensure(index + 1 == inputs.len(), || format!("a timeout is not last: {inputs:?}"));
            }
            Input::Hook(..) | Input::Say(_) => {}
        }
    }
}
