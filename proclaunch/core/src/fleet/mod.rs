//! All profiles, and what the supervisor as a whole is doing.
//!
//! The contract: one [`Input`] in, its [`Effect`]s out; all of them are performed before the next input.
//!
//! **Invariants:**
//! - a profile is kept by its name and never replaced: the machine that saw the name first keeps it until nothing of
//!   it lives and its directory is gone;
//! - a step costs what the input touches, and nothing for the profiles that it does not;
//! - during a drain nothing new begins.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Moment;
use crate::hook::Wish;
use crate::ids::{ProcId, ProfileName};
use crate::log::{Entry, Own, Said};
use crate::machine::{Action, Context, Event, Happened, Health, Idle, Machine, Recalled, StateName, Tickets};
use crate::process::Report;
use crate::profile::Problem;

mod diff;
mod input;
mod orders;
mod roster;
#[cfg(test)]
mod scenarios;
mod shutdown;
mod waiting;

pub use input::{Draining, Effect, Input, Memo, Recall, Scan};
pub use orders::{OrderId, Reply, Standing};
pub use roster::{Reading, Roster};

use shutdown::Mode;
use waiting::{News, Waiting};

/// How many timeouts one machine can have at one moment: a stop has at most 16 steps, each of which may wait for no
/// time at all.
const TIMEOUTS_MAX: u32 = 20;

/// What does not change while a supervisor lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// A random number of this supervisor's own.
    pub instance: u64,
    /// TERM and INT stop all profiles instead of leaving them running.
    pub drain_on_term: bool,
    /// Once this profile has ended and nothing follows by itself, the rest is stopped, and ProcLaunch ends with its
    /// exit code.
    pub exit_with: Option<ProfileName>,
}

/// All profiles, and the supervisor's own mode.
#[derive(Debug)]
pub struct Fleet {
    config: Config,
    mode: Mode,
    /// Boxed, as a tree that was filled in order is half empty.
    machines: BTreeMap<ProfileName, Box<Kept>>,
    /// The deadlines of those machines that have one: an index, rebuilt from the machine after each of its steps.
    due: BTreeSet<(Moment, ProfileName)>,
    /// How many machines are not stopped.
    alive: usize,
    /// How often what others can see of a machine has changed.
    revision: u64,
    /// How many events were given to machines.
    steps: u64,
    tickets: Tickets,
    recalled: BTreeMap<ProfileName, Recalled>,
    /// What was reported of those before a scan has shown their settings: told when they have begun.
    early: BTreeMap<ProfileName, Vec<Event>>,
    /// The remarks of the last complete scan, so that each is said once.
    remarks: Vec<Own>,
    scan_failed: bool,
    waiting: Waiting,
}

#[derive(Debug)]
struct Kept {
    machine: Machine,
    /// What was wrong with its files at the last scan, so that each problem is said once.
    problems: Box<[Problem]>,
    /// Its entry in `due`.
    due: Option<Moment>,
    /// The fleet's count of steps at the machine's own last one.
    stepped: u64,
}

impl Fleet {
    /// A fleet without profiles.
    pub const fn new(config: Config) -> Self {
        let tickets = Tickets::new(config.instance);
        Self {
            config,
            mode: Mode::Supervising,
            machines: BTreeMap::new(),
            due: BTreeSet::new(),
            alive: 0,
            revision: 0,
            steps: 0,
            tickets,
            recalled: BTreeMap::new(),
            early: BTreeMap::new(),
            remarks: Vec::new(),
            scan_failed: false,
            waiting: Waiting::new(),
        }
    }

    /// Takes one input, and gives what is to be done.
    pub fn step(&mut self, now: Moment, input: Input) -> Vec<Effect> {
        let mut out = Vec::new();
        match input {
            Input::Report(report) => self.report(now, report, &mut out),
            Input::PidFile(name, look) => self.tell(now, &name, Event::PidFile(look), &mut out),
            Input::Hook(name, event) => self.hook(now, &name, *event, &mut out),
            Input::Signal(signal) => self.signal(now, signal, &mut out),
            Input::Order(id, name, order) => self.order(now, id, &name, order, &mut out),
            Input::Recall(recall) => self.recall(now, recall, &mut out),
            Input::Scan(scan) if self.mode == Mode::Supervising => self.scan(now, scan, &mut out),
            // A drain is the last order, and nothing begins during it; but what was begun may go by its settings.
            Input::Scan(scan) => self.drain_recalled(now, scan.profiles, &mut out),
            Input::Shutdown(reason) => self.told_to_shut_down(now, reason, &mut out),
            Input::ScanFailed(why) => {
                self.scan_failed(why, &mut out);
                if self.mode != Mode::Supervising {
                    self.drain_recalled(now, Vec::new(), &mut out);
                }
            }
            Input::Say(own) => out.push(Effect::Log(Entry::Own(own))),
            Input::Timeout => self.timeout(now, &mut out),
        }
        self.end_with(now, &mut out);
        self.end_drain(&mut out);
        self.dismiss_waiting(&mut out);
        out
    }

    /// When the fleet wants an [`Input::Timeout`].
    pub fn deadline(&self) -> Option<Moment> {
        self.due.first().map(|(at, _)| *at)
    }

    /// The exit code, once all is done.
    pub const fn ended(&self) -> Option<u8> {
        match self.mode {
            Mode::Ended { code } => Some(code),
            Mode::Supervising | Mode::Draining { .. } => None,
        }
    }

    /// A number that grows when a profile comes or goes, or its state, health or process is another one.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// A number that grows whenever a machine takes an event, comes or goes: while it is the same, nothing that can be
    /// seen of any machine is another.
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// Whether all profiles are being stopped.
    pub const fn is_draining(&self) -> bool {
        !matches!(self.mode, Mode::Supervising)
    }

    /// The machines by name, each with what [`Fleet::steps`] was at its own last event.
    pub fn stepped(&self) -> impl Iterator<Item = (&ProfileName, u64, &Machine)> {
        self.machines.iter().map(|(name, kept)| (name, kept.stepped, &kept.machine))
    }

    /// The machines by name.
    pub fn machines(&self) -> impl Iterator<Item = (&ProfileName, &Machine)> {
        self.machines.iter().map(|(name, kept)| (name, &kept.machine))
    }

    /// The machine of that name.
    pub fn machine(&self, name: &ProfileName) -> Option<&Machine> {
        self.machines.get(name).map(|kept| &kept.machine)
    }

    fn report(&mut self, now: Moment, report: Report, out: &mut Vec<Effect>) {
        let Some((name, event)) = input::as_event(report) else { return };
        if self.recalled.contains_key(&name) {
            self.early.entry(name).or_default().push(event);
            return;
        }
        if let (false, Event::Spawned { ticket, .. }) = (self.machines.contains_key(&name), &event) {
            // Its profile went while it was being started.
            out.push(Effect::Do(name, Action::KillTree { ticket: *ticket }));
            return;
        }
        self.tell(now, &name, event, out);
    }

    /// Begins a machine, and tells it what has happened since it was recalled.
    fn begin(&mut self, now: Moment, name: &ProfileName, recalled: Option<Recalled>, out: &mut Vec<Effect>) {
        self.tell(now, name, Event::Begin(recalled.map(Box::new)), out);
        for event in self.early.remove(name).unwrap_or_default() {
            self.tell(now, name, event, out);
        }
    }

    /// What a hook says goes to its profile's machine; that the supervisor is to drain, to all.
    fn hook(&mut self, now: Moment, name: &ProfileName, event: Event, out: &mut Vec<Effect>) {
        if let Event::Wished { hook, wish: Wish::Shutdown(reason) } = &event {
            self.shut_down(now, name.clone(), *hook, reason.clone(), out);
            return;
        }
        self.tell(now, name, event, out);
    }

    fn timeout(&mut self, now: Moment, out: &mut Vec<Effect>) {
        let mut again = 0;
        while let Some((at, name)) = self.due.first().cloned() {
            if at > now {
                break;
            }
            self.tell(now, &name, Event::Timeout, out);
            let is_due = self.due.first().is_some_and(|(at, next)| *at <= now && *next == name);
            again = if is_due { again + 1 } else { 0 };
            assert!(again < TIMEOUTS_MAX, "{name} takes its timeout and waits for the same: it would spin");
        }
    }

    /// Gives an event to one machine, and takes its actions.
    fn tell(&mut self, now: Moment, name: &ProfileName, event: Event, out: &mut Vec<Effect>) {
        let Some(kept) = self.machines.get_mut(name) else { return };
        let before = visible(&kept.machine);
        self.steps += 1;
        kept.stepped = self.steps;
        let mut cx = Context::new(now, &mut self.tickets);
        kept.machine.step(&mut cx, event);
        let is_draining = self.mode != Mode::Supervising;
        let news = News { failed: cx.failed.take(), is_sent: cx.is_sent, is_draining };
        out.extend(cx.actions.into_iter().map(|action| match action {
            Action::Log(said) => Effect::Log(Entry::Profile(name.clone(), said)),
            action @ (Action::Spawn { .. }
            | Action::Adopt { .. }
            | Action::Signal { .. }
            | Action::KillTree { .. }
            | Action::Watch { .. }
            | Action::Release { .. }
            | Action::LookAtPidFile(_)
            | Action::RemovePidFile(_)
            | Action::LoadHooks(_)
            | Action::Consult(_)
            | Action::Lapse(_)
            | Action::Remember(_)) => Effect::Do(name.clone(), action),
            Action::Happened(happened) => {
                let Happened { what, id, exit } = *happened;
                Effect::Happened { name: name.clone(), what: Box::new(what), id, exit }
            }
        }));
        let after = visible(&kept.machine);
        if before != after {
            self.revision += 1;
        }
        match (before.0 == StateName::Stopped, after.0 == StateName::Stopped) {
            (true, false) => self.alive += 1,
            (false, true) => self.alive -= 1,
            (true, true) | (false, false) => {}
        }
        let due = kept.machine.deadline().map(|(at, _)| at);
        if due != kept.due {
            if let Some(at) = kept.due.take() {
                self.due.remove(&(at, name.clone()));
            }
            if let Some(at) = due {
                self.due.insert((at, name.clone()));
            }
            kept.due = due;
        }
        self.waiting.judge(name, &kept.machine, &news, out);
        if kept.machine.idle() == Some(Idle::Gone) {
            self.machines.remove(name);
            self.revision += 1;
            out.push(Effect::Log(Entry::Profile(name.clone(), Said::Deleting)));
            out.push(Effect::about(name, "profile_gone", "its directory is gone, and nothing of it lives"));
            out.push(Effect::Forget(name.clone()));
        }
    }
}

/// What others can see of a machine.
fn visible(machine: &Machine) -> (StateName, Health, Option<ProcId>) {
    (machine.state(), machine.health(), machine.process().map(|(_, id)| id))
}
