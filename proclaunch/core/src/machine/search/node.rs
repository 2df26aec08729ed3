//! One node of the search: a machine, the world around it, and how it came there.

use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;

use super::super::*;
use super::Flavour;
use crate::hook::{Hook, QuestionId};
use crate::process::Scope;
use crate::profile::{Fingerprint, Kill};
use crate::signal::Signal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Main,
    Rest,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Process {
    pub(super) ticket: Ticket,
    pub(super) id: ProcId,
    pub(super) role: Role,
    /// It got SIGKILL: it will end.
    pub(super) doomed: bool,
}

/// The world around one machine.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent: a world can be any of them at once")]
pub(super) struct World {
    pub(super) processes: Vec<Process>,
    /// Starts that the keeper has not answered yet.
    pub(super) asked: Vec<Ticket>,
    /// Starts of which the keeper is to say when nothing is left.
    pub(super) awaited: Vec<Ticket>,
    pub(super) looked_for: bool,
    pub(super) removed: bool,
    pub(super) draining: bool,
    /// The hook files that the engine was asked to load.
    pub(super) loading: Option<Fingerprint>,
    /// Questions to hooks that nobody has answered or dropped.
    pub(super) open: Vec<(QuestionId, Hook)>,
    /// Its `kill` file lets it leave processes behind.
    pub(super) leaves: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) machine: Machine,
    pub(super) world: World,
    pub(super) tickets: Tickets,
    pub(super) now: Moment,
    pub(super) next_pid: i32,
    pub(super) wishes: u8,
    pub(super) timeouts: u8,
    pub(super) kills: u8,
    /// The process that ended while no supervisor ran.
    pub(super) unseen: Option<ProcId>,
    /// What the record says. It follows from the state, but for what passes by itself.
    pub(super) record: Option<Remembered>,
    pub(super) path: Option<Rc<Step>>,
}

/// How a node was reached, last first.
#[derive(Debug)]
pub(super) struct Step {
    before: Option<Rc<Step>>,
    event: Event,
    actions: Vec<Action>,
}

impl Drop for Step {
    /// Long paths are dropped one by one: by recursion they would overflow the stack.
    fn drop(&mut self) {
        let mut next = self.before.take();
        while let Some(mut step) = next.and_then(Rc::into_inner) {
            next = step.before.take();
        }
    }
}

impl Node {
    pub(super) fn new(flavour: &Flavour) -> Self {
        let mut node = Self {
            machine: Machine::new(),
            world: World { leaves: flavour.versions[0].policy.kill == Kill::Process, ..World::default() },
            tickets: Tickets::new(1),
            now: Moment::from_nanos(1_000_000_000_000),
            next_pid: 100,
            wishes: 0,
            timeouts: 0,
            kills: 0,
            unseen: None,
            record: None,
            path: None,
        };
        node.step(Event::Settings(Arc::clone(&flavour.versions[0])));
        node
    }

    /// Whether it was not told to begin yet.
    pub(super) fn is_new(&self) -> bool {
        self.machine.idle() == Some(Idle::New) && !self.machine.is_resuming()
    }

    pub(super) fn new_id(&mut self) -> ProcId {
        self.next_pid += 1;
        ProcId { pid: self.next_pid, start: 1 }
    }

    /// One step of the machine, and what it does to the world.
    pub(super) fn step(&mut self, event: Event) {
        match &event {
            Event::Removed => self.world.removed = true,
            Event::Settings(_) => self.world.removed = false,
            Event::Drain => self.world.draining = true,
            _ => {}
        }
        let mut cx = Context::new(self.now, &mut self.tickets);
        self.machine.step(&mut cx, event.clone());
        let actions = cx.actions;
        // What was is for people: a search that keeps it would tell equal nodes apart, and copy texts all the time.
        self.machine.memory.history = Ring::new();
        self.machine.memory.decisions = Ring::new();
        self.machine.memory.decided = Decided::default();
        self.path = Some(Rc::new(Step { before: self.path.take(), event, actions: actions.clone() }));
        for action in actions {
            self.perform(&action);
        }
        self.check();
    }

    pub(super) fn require(&self, holds: bool, what: &str) {
        assert!(holds, "{what}\n{}\n{:#?}\n{:#?}", self.story(), self.machine.state, self.world);
    }

    pub(super) fn story(&self) -> String {
        let steps = std::iter::successors(self.path.as_ref(), |step| step.before.as_ref());
        let mut lines: Vec<String> =
            steps.map(|step| format!("{:?}\n    {:?}", step.event, step.actions)).collect();
        lines.reverse();
        lines.join("\n")
    }

    pub(super) fn of(&self, ticket: Ticket) -> impl Iterator<Item = &Process> {
        self.world.processes.iter().filter(move |process| process.ticket == ticket)
    }

    pub(super) fn perform(&mut self, action: &Action) {
        match *action {
            Action::Spawn { ticket, .. } => {
                self.require(self.world.leaves || self.world.processes.is_empty(), "starts beside a process");
                let mains = self.world.processes.iter().filter(|process| process.role == Role::Main).count();
                self.require(mains == 0, "starts beside a main process");
                self.require(self.world.asked.is_empty(), "starts twice");
                self.require(!self.world.removed, "starts after removal");
                self.require(!self.world.draining, "starts in a drain");
                self.world.asked.push(ticket);
            }
            Action::Adopt { ticket, id } => {
                for process in &mut self.world.processes {
                    if process.id == id {
                        // It may have been left behind by an older start.
                        process.ticket = ticket;
                        process.role = Role::Main;
                    } else {
                        process.role = Role::Rest;
                    }
                }
                // Every pid from there on was given out by this world; 9 is one that was dead before.
                let is_dead = id.pid > 100 || id.pid == 9 || self.unseen == Some(id);
                if !is_dead && !self.world.processes.iter().any(|process| process.id == id) {
                    self.world.processes.push(Process { ticket, id, role: Role::Main, doomed: false });
                }
            }
            Action::Signal { ticket, scope, signal } => {
                let known = self.world.asked.contains(&ticket) || self.of(ticket).next().is_some();
                let tree = scope == Scope::Tree;
                self.require(known || tree, "signals a start that is not there");
                if signal == Signal::KILL {
                    self.doom(ticket, scope == Scope::Main);
                }
            }
            Action::KillTree { ticket } => {
                self.doom(ticket, false);
                self.await_end(ticket);
            }
            Action::Watch { ticket } => self.await_end(ticket),
            Action::Release { ticket } => {
                self.require(!self.world.asked.contains(&ticket), "forgets a start that may come");
                let lives = self.of(ticket).any(|process| self.machine_cares(process));
                self.require(!lives, "forgets a start that lives");
                self.world.awaited.retain(|awaited| *awaited != ticket);
            }
            Action::LookAtPidFile(_) => self.world.looked_for = true,
            Action::LoadHooks(ref profile) => self.world.loading = Some(profile.policy.hooks.digest),
            Action::Consult(ref question) => self.world.open.push((question.id, question.hook)),
            Action::Lapse(id) => self.world.open.retain(|(open, _)| *open != id),
            Action::Remember(ref remembered) => {
                let mut record = Remembered::clone(remembered);
                record.past.history.clear();
                record.past.decisions.clear();
                self.record = Some(record);
            }
            Action::RemovePidFile(_) | Action::Log(_) | Action::Happened(_) => {}
        }
    }

    pub(super) fn machine_cares(&self, process: &Process) -> bool {
        process.role == Role::Main || !self.world.leaves
    }

    pub(super) fn doom(&mut self, ticket: Ticket, main_only: bool) {
        for process in &mut self.world.processes {
            if process.ticket == ticket && (!main_only || process.role == Role::Main) {
                process.doomed = true;
            }
        }
    }

    pub(super) fn await_end(&mut self, ticket: Ticket) {
        if !self.world.awaited.contains(&ticket) {
            self.world.awaited.push(ticket);
        }
    }

    pub(super) fn check(&self) {
        let mains = self.world.processes.iter().filter(|process| process.role == Role::Main);
        self.require(mains.clone().count() <= 1, "two main processes");
        let deadline = self.machine.deadline();
        if self.is_new() {
            return;
        }
        if self.machine.is_resuming() {
            return self.require(deadline.is_some(), "awaits its hooks for ever");
        }
        match &self.machine.state {
            State::Stopped(stopped) => {
                self.require(mains.count() == 0, "stopped beside its main process");
                self.require(self.world.asked.is_empty(), "stopped before the keeper's answer");
                let lives = self.world.processes.iter().any(|process| !process.doomed);
                self.require(self.world.leaves || !lives, "stopped beside its processes");
                self.require(deadline.is_some() != matches!(stopped, Stopped::Idle(_)), "waits for nothing");
            }
            State::Running(running) => {
                self.require(mains.clone().any(|main| main.id == running.id), "runs without its process");
                let watched = running.attention.is_some();
                self.require(watched || deadline.is_none(), "running has a deadline");
            }
            State::Starting(_) | State::Stopping(_) => {
                self.require(deadline.is_some(), "waits without a deadline");
                let late = deadline.is_some_and(|(at, _)| at.plus(Duration::from_millis(1)) < self.now);
                // What was due before a successor began is due at once.
                self.require(!late || self.kills > 0, "its deadline has passed for good");
            }
        }
        self.require(
            !(self.world.removed && self.machine.want() != Want::Gone),
            "removed, and wanted all the same",
        );
    }

    /// What makes two nodes the same: names of processes and starts do not matter, nor does the time of day.
    pub(super) fn key(&self) -> String {
        let memory = &self.machine.memory;
        let mut text = String::new();
        let _ = write!(
            text,
            "{:?} {:?} {} {} {} {} {:?} {} {}",
            self.machine.state,
            memory.want,
            memory.ordered,
            memory.failures.min(2),
            memory.deaths.len(),
            memory.trouble.is_some(),
            memory.profile.as_ref().map(|profile| profile.shape.run),
            self.wishes,
            self.timeouts,
        );
        let off = Hook::ALL.map(|hook| memory.switched_off(hook).is_some());
        let _ = write!(text, " {}", self.kills);
        let _ = write!(text, " {off:?} {:?} {:?}", self.machine.resuming, self.world);
        canonical(&text, self.now)
    }
}

/// Moments become distances in whole seconds; numbers of starts and processes become the order they appear in.
fn canonical(text: &str, now: Moment) -> String {
    let mut out = String::with_capacity(text.len());
    let mut seen: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some((at, marker)) = ["Moment(", "serial: ", "pid: ", "QuestionId("]
        .iter()
        .filter_map(|marker| Some((rest.find(marker)?, *marker)))
        .min()
    {
        let (head, tail) = rest.split_at(at + marker.len());
        out.push_str(head);
        let digits = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        let (number, tail) = tail.split_at(digits);
        if marker == "Moment(" {
            let moment = Moment::from_nanos(number.parse().expect("digits"));
            let _ = write!(out, "{}", moment.since(now).as_millis().div_ceil(1000));
        } else {
            let name = format!("{marker}{number}");
            let index = seen.iter().position(|known| *known == name).unwrap_or_else(|| {
                seen.push(name);
                seen.len() - 1
            });
            let _ = write!(out, "{index}");
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}
