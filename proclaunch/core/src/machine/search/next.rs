//! What can happen at a node: everything, or what helps a stop to its end.

use std::sync::Arc;
use std::time::Duration;

use super::super::*;
use super::Flavour;
use super::node::{Node, Process, Role};
use crate::exit::Exit;
use crate::process::{SpawnError, Stage};
use crate::profile::Restart;
use crate::signal::Signal;

/// How many times time may pass on one path.
pub(super) const TIMEOUTS_MAX: u8 = 5;

impl Node {
    /// Everything that can happen next.
    pub(super) fn next(&self, flavour: &Flavour) -> Vec<Self> {
        let mut all = Vec::new();
        self.wishes(flavour, &mut all);
        self.happenings(&mut all);
        self.strays(&mut all);
        if let (Some((at, _)), true) = (self.machine.deadline(), self.timeouts < TIMEOUTS_MAX) {
            let mut next = self.clone();
            next.timeouts += 1;
            next.now = next.now.max(at);
            next.step(Event::Timeout);
            all.push(next);
        }
        all
    }

    pub(super) fn with(&self, event: Event, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        change(&mut next);
        next.step(event);
        next
    }

    /// What people want.
    fn wishes(&self, flavour: &Flavour, all: &mut Vec<Self>) {
        if self.is_new() {
            all.push(self.with(Event::Begin(None), |_| ()));
            for order in [None, Some(Want::Up), Some(Want::Down)] {
                all.extend(self.recalled(order));
            }
            return;
        }
        // A drain is the last wish: the fleet passes nothing on after it.
        if self.wishes >= flavour.wishes || self.world.draining {
            return;
        }
        let mut policy = (*flavour.versions[1]).clone();
        policy.policy.restart = Restart::Always;
        policy.policy.down = false;
        let mut events = vec![
            Event::Settings(Arc::clone(&flavour.versions[0])),
            Event::Settings(Arc::clone(&flavour.versions[1])),
            Event::Settings(Arc::new(policy)),
            Event::BadSettings("bad".into()),
            Event::Drain,
        ];
        if !self.world.removed {
            events.push(Event::Removed);
        }
        if self.machine.state() == StateName::Running {
            self.hook_wishes(all);
        }
        let orders = [
            Order::Start { force: false },
            Order::Stop,
            Order::Restart,
            Order::Reload,
            Order::Signal(Signal::HUP),
        ];
        // For what it forgets the fleet takes no orders but signals.
        let is_taken = |order: &Order| !self.world.removed || matches!(order, Order::Signal(_));
        events.extend(orders.into_iter().filter(is_taken).map(Event::Order));
        all.extend(events.into_iter().map(|event| self.with(event, |next| next.wishes += 1)));
    }

    /// What an earlier supervisor of version 1 may have left.
    fn recalled(&self, order: Option<Want>) -> Vec<Self> {
        let begin = |phase, found| {
            let remembered = Remembered { order, phase, ..Remembered::default() };
            Event::Begin(Some(Box::new(Recalled { remembered, found })))
        };
        let ran = |ticket, id| {
            let start = Start { ticket, since: None, shape: None, daemonizes: false };
            Phase::Running { start, id, attention: None }
        };
        let idle = if order == Some(Want::Down) { Phase::Ordered } else { Phase::Fresh };
        let phases = [idle, Phase::Rest(Rest::Done), Phase::Rest(Rest::Dead)];
        let mut all: Vec<Self> =
            phases.into_iter().map(|phase| self.with(begin(phase, Found::Nothing), |_| ())).collect();
        let (ticket, id) = (Ticket { instance: 9, serial: 2 }, ProcId { pid: 9, start: 9 });
        let found = Found::Ended { id, exit: Exit::Unknown, at: None };
        all.push(self.with(begin(ran(ticket, id), found), |_| ()));
        let mut next = self.clone();
        let (ticket, id) = (Ticket { instance: 9, serial: 1 }, next.new_id());
        next.world.processes.push(Process { ticket, id, role: Role::Main, doomed: false });
        next.step(begin(ran(ticket, id), Found::Alive { id, up: Duration::from_secs(3) }));
        all.push(next);
        all
    }

    /// What the keeper and the processes do.
    fn happenings(&self, all: &mut Vec<Self>) {
        self.answers(all);
        for &ticket in &self.world.asked {
            let answer = |next: &mut Self| next.world.asked.retain(|asked| *asked != ticket);
            let error = SpawnError::Errno(11);
            all.push(self.with(Event::SpawnFailed { ticket, stage: Stage::Clone, error }, answer));
            all.push(self.born(ticket));
        }
        for main in self.world.processes.iter().filter(|process| process.role == Role::Main) {
            for code in [0, 1] {
                all.push(self.ended(main, Exit::Code(code), false));
                if !main.doomed && self.of(main.ticket).count() == 1 && self.world.processes.len() < 3 {
                    all.push(self.ended(main, Exit::Code(code), true));
                }
            }
        }
        for rest in self.world.processes.iter().filter(|process| process.role == Role::Rest) {
            let mut next = self.clone();
            next.world.processes.retain(|process| process.id != rest.id);
            all.push(next);
        }
        for &ticket in &self.world.awaited {
            if self.of(ticket).next().is_none() && !self.world.asked.contains(&ticket) {
                let told = |next: &mut Self| next.world.awaited.retain(|awaited| *awaited != ticket);
                all.push(self.with(Event::Gone { ticket }, told));
            }
        }
        if self.world.looked_for {
            let told = |next: &mut Self| next.world.looked_for = false;
            all.push(self.with(Event::PidFile(Look::Absent), told));
            all.push(self.with(Event::PidFile(Look::Stale("stale".to_owned())), told));
            let up = Duration::from_secs(1);
            for process in self.world.processes.iter().filter(|process| !process.doomed) {
                all.push(self.with(Event::PidFile(Look::Names { id: process.id, up }), told));
            }
            // One that was there before, and that only an adoption makes a process of this world.
            if self.machine.state() == StateName::Stopped && self.world.processes.is_empty() {
                // Not the one that has ended since.
                let id = ProcId { pid: if self.unseen.is_none() { 7 } else { 6 }, start: 1 };
                all.push(self.with(Event::PidFile(Look::Names { id, up }), told));
            }
        }
    }

    fn born(&self, ticket: Ticket) -> Self {
        let mut next = self.clone();
        let id = next.new_id();
        next.world.asked.retain(|asked| *asked != ticket);
        let doomed = next.world.awaited.contains(&ticket);
        next.world.processes.push(Process { ticket, id, role: Role::Main, doomed });
        next.step(Event::Spawned { ticket, id });
        next
    }

    /// A main process ends, and perhaps leaves something behind.
    fn ended(&self, main: &Process, exit: Exit, leaves: bool) -> Self {
        let Process { ticket, id, .. } = *main;
        let mut next = self.clone();
        next.world.processes.retain(|process| process.id != id);
        if leaves {
            let id = next.new_id();
            next.world.processes.push(Process { ticket, id, role: Role::Rest, doomed: false });
        }
        let remains = next.of(ticket).map(|process| process.id).collect();
        next.step(Event::Exited { ticket, id, exit, remains });
        next
    }

    /// What comes too late, or for somebody else.
    fn strays(&self, all: &mut Vec<Self>) {
        let ticket = Ticket { instance: 8, serial: 8 };
        let id = ProcId { pid: 8, start: 8 };
        let error = SpawnError::Errno(11);
        for event in [
            Event::Exited { ticket, id, exit: Exit::Code(0), remains: Vec::new() },
            Event::Gone { ticket },
            Event::SpawnFailed { ticket, stage: Stage::Exec, error },
            Event::Begin(None),
            Event::PidFile(Look::Absent),
            Event::Timeout,
        ] {
            let is_first = self.is_new();
            let is_awaited = self.world.looked_for;
            let is_due = self.machine.deadline().is_some_and(|(at, _)| at <= self.now);
            match event {
                Event::Begin(_) if is_first => {}
                // What is overdue when a successor begins takes any word for the last.
                Event::PidFile(_) if is_awaited || is_due => {}
                Event::Timeout if is_due => {}
                event => {
                    let before = self.machine.state.clone();
                    let next = self.with(event, |_| ());
                    next.require(next.machine.state == before, "a stray event moves the machine");
                    all.push(next);
                }
            }
        }
    }

    /// From here on everybody is helpful: an order to stop must end in `stopped`.
    pub(super) fn check_that_stop_ends(&self) {
        if self.world.removed || self.world.draining || self.is_new() {
            return;
        }
        let mut node = self.with(Event::Order(Order::Stop), |_| ());
        for _ in 0..40 {
            if node.machine.idle().is_some() && !node.machine.is_resuming() {
                node.require(node.machine.idle() == Some(Idle::Ordered), "stopped, but not by order");
                return;
            }
            node = node.helpful();
        }
        node.require(false, "a stop does not end");
    }

    fn helpful(&self) -> Self {
        let doomed = |process: &&Process| process.doomed;
        if let Some(&ticket) = self.world.asked.first() {
            return self.born(ticket);
        }
        if let Some(rest) = self.world.processes.iter().filter(doomed).find(|one| one.role == Role::Rest) {
            let mut next = self.clone();
            next.world.processes.retain(|process| process.id != rest.id);
            return next;
        }
        if let Some(main) = self.world.processes.iter().filter(doomed).find(|one| one.role == Role::Main) {
            return self.ended(main, Exit::Signal { signal: Signal::KILL, core: false }, false);
        }
        let gone = |ticket: &&Ticket| self.of(**ticket).next().is_none();
        if let Some(&ticket) = self.world.awaited.iter().find(gone) {
            let told = |next: &mut Self| next.world.awaited.retain(|awaited| *awaited != ticket);
            return self.with(Event::Gone { ticket }, told);
        }
        let (at, _) = self.machine.deadline().unwrap_or_else(|| {
            self.require(false, "a stop waits for nothing");
            (self.now, Timer::KillAgain)
        });
        self.with(Event::Timeout, |next| next.now = next.now.max(at))
    }
}
