//! An exhaustive search of the machine: every event that can happen, in every state that can be reached.
//!
//! The world around the machine is as small as it can be and still do everything that the real one does: processes
//! that end when they like, or only when killed, that leave others behind, that name themselves in a pid file; a
//! keeper that answers now, later or not at all. After each step the invariants at the head of the module are
//! checked, and from each state a stop must end in `stopped`.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::exit::Exit;
use crate::process::{Scope, SpawnError, Stage};
use crate::profile::{Backoff, Fingerprint, GiveUp, Kill, Policy, Restart, Shape};
use crate::signal::Signal;

/// How many orders and changes of files one path may hold; what the world does is bounded by what lives.
const WISHES_MAX: u8 = 2;

/// How many times time may pass on one path.
const TIMEOUTS_MAX: u8 = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Main,
    Rest,
}

#[derive(Clone, Copy, Debug)]
struct Process {
    ticket: Ticket,
    id: ProcId,
    role: Role,
    /// It got SIGKILL: it will end.
    doomed: bool,
}

/// The world around one machine.
#[derive(Clone, Debug, Default)]
struct World {
    processes: Vec<Process>,
    /// Starts that the keeper has not answered yet.
    asked: Vec<Ticket>,
    /// Starts of which the keeper is to say when nothing is left.
    awaited: Vec<Ticket>,
    looked_for: bool,
    removed: bool,
    draining: bool,
    /// Its `kill` file lets it leave processes behind.
    leaves: bool,
}

#[derive(Clone, Debug)]
struct Node {
    machine: Machine,
    world: World,
    tickets: Tickets,
    now: Moment,
    next_pid: i32,
    wishes: u8,
    timeouts: u8,
    path: Option<Rc<Step>>,
}

/// How a node was reached, last first.
#[derive(Debug)]
struct Step {
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

fn profile(run: u128, change: impl FnOnce(&mut Profile)) -> Arc<Profile> {
    let mut profile = Profile {
        shape: Shape {
            run: Fingerprint(run),
            pid_file: None,
            oneshot: false,
            user: None,
            env: Box::default(),
            directory: None,
            umask: 0o022,
            nice: None,
            limits: Box::default(),
        },
        policy: Policy {
            backoff: Backoff { base: Duration::from_secs(5), cap: Duration::from_secs(5) },
            start_timeout: Duration::from_secs(1),
            ..Policy::default()
        },
    };
    change(&mut profile);
    Arc::new(profile)
}

/// Two versions of a profile.
struct Flavour {
    name: &'static str,
    versions: [Arc<Profile>; 2],
}

fn flavour(name: &'static str, change: impl Fn(&mut Profile)) -> Flavour {
    Flavour { name, versions: [profile(1, &change), profile(2, &change)] }
}

fn flavours() -> Vec<Flavour> {
    let daemon = |profile: &mut Profile| profile.shape.pid_file = Some("pid".into());
    vec![
        flavour("always", |profile| profile.policy.restart = Restart::Always),
        flavour("never", |_| ()),
        flavour("on-failure oneshot", |profile| {
            profile.policy.restart = Restart::OnFailure;
            profile.shape.oneshot = true;
        }),
        flavour("gives up, down", |profile| {
            profile.policy.restart = Restart::Always;
            profile.policy.give_up = Some(GiveUp { deaths: 2, within: Duration::from_secs(60) });
            profile.policy.down = true;
        }),
        flavour("group, reload", |profile| {
            profile.policy.restart = Restart::Always;
            profile.policy.kill = Kill::Group;
            profile.policy.reload = Some(Signal::HUP);
        }),
        flavour("process", |profile| {
            profile.policy.restart = Restart::Always;
            profile.policy.kill = Kill::Process;
        }),
        flavour("daemon always", move |profile| {
            daemon(profile);
            profile.policy.restart = Restart::Always;
        }),
        flavour("daemon tree", move |profile| {
            daemon(profile);
            profile.policy.kill = Kill::Tree;
        }),
        flavour("daemon process", move |profile| {
            daemon(profile);
            profile.policy.kill = Kill::Process;
        }),
    ]
}

impl Node {
    fn new(flavour: &Flavour) -> Self {
        let mut node = Self {
            machine: Machine::new(),
            world: World { leaves: flavour.versions[0].policy.kill == Kill::Process, ..World::default() },
            tickets: Tickets::new(1),
            now: Moment::from_nanos(1_000_000_000_000),
            next_pid: 100,
            wishes: 0,
            timeouts: 0,
            path: None,
        };
        node.step(Event::Settings(Arc::clone(&flavour.versions[0])));
        node
    }

    fn new_id(&mut self) -> ProcId {
        self.next_pid += 1;
        ProcId { pid: self.next_pid, start: 1 }
    }

    /// One step of the machine, and what it does to the world.
    fn step(&mut self, event: Event) {
        match &event {
            Event::Removed => self.world.removed = true,
            Event::Settings(_) => self.world.removed = false,
            Event::Drain => self.world.draining = true,
            _ => {}
        }
        let mut cx = Context::new(self.now, &mut self.tickets);
        self.machine.step(&mut cx, event.clone());
        let actions = cx.actions;
        self.path = Some(Rc::new(Step { before: self.path.take(), event, actions: actions.clone() }));
        for action in actions {
            self.perform(action);
        }
        self.check();
    }

    fn require(&self, holds: bool, what: &str) {
        assert!(holds, "{what}\n{}\n{:#?}\n{:#?}", self.story(), self.machine.state, self.world);
    }

    fn story(&self) -> String {
        let steps = std::iter::successors(self.path.as_ref(), |step| step.before.as_ref());
        let mut lines: Vec<String> =
            steps.map(|step| format!("{:?}\n    {:?}", step.event, step.actions)).collect();
        lines.reverse();
        lines.join("\n")
    }

    fn of(&self, ticket: Ticket) -> impl Iterator<Item = &Process> {
        self.world.processes.iter().filter(move |process| process.ticket == ticket)
    }

    fn perform(&mut self, action: Action) {
        match action {
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
                if !self.world.processes.iter().any(|process| process.id == id) {
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
            Action::RemovePidFile(_) | Action::Remember(_) | Action::Log(_) => {}
        }
    }

    fn machine_cares(&self, process: &Process) -> bool {
        process.role == Role::Main || !self.world.leaves
    }

    fn doom(&mut self, ticket: Ticket, main_only: bool) {
        for process in &mut self.world.processes {
            if process.ticket == ticket && (!main_only || process.role == Role::Main) {
                process.doomed = true;
            }
        }
    }

    fn await_end(&mut self, ticket: Ticket) {
        if !self.world.awaited.contains(&ticket) {
            self.world.awaited.push(ticket);
        }
    }

    fn check(&self) {
        let mains = self.world.processes.iter().filter(|process| process.role == Role::Main);
        self.require(mains.clone().count() <= 1, "two main processes");
        let deadline = self.machine.deadline();
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
                self.require(deadline.is_none(), "running has a deadline");
            }
            State::Starting(_) | State::Stopping(_) => {
                self.require(deadline.is_some(), "waits without a deadline");
                let late = deadline.is_some_and(|(at, _)| at.plus(Duration::from_millis(1)) < self.now);
                self.require(!late, "its deadline has passed for good");
            }
        }
        self.require(
            !(self.world.removed && self.machine.want() != Want::Gone),
            "removed, and wanted all the same",
        );
    }

    /// Everything that can happen next.
    fn next(&self, flavour: &Flavour) -> Vec<Self> {
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

    fn with(&self, event: Event, change: impl FnOnce(&mut Self)) -> Self {
        let mut next = self.clone();
        change(&mut next);
        next.step(event);
        next
    }

    /// What people want.
    fn wishes(&self, flavour: &Flavour, all: &mut Vec<Self>) {
        if self.machine.idle() == Some(Idle::New) {
            all.push(self.with(Event::Begin(None), |_| ()));
            for order in [None, Some(Want::Up), Some(Want::Down)] {
                all.extend(self.recalled(order));
            }
            return;
        }
        // A drain is the last wish: the fleet passes nothing on after it.
        if self.wishes == WISHES_MAX || self.world.draining {
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
        let orders = [Order::Start, Order::Stop, Order::Restart, Order::Reload, Order::Signal(Signal::HUP)];
        // The fleet takes no orders for what it forgets.
        if !self.world.removed {
            events.extend(orders.map(Event::Order));
        }
        all.extend(events.into_iter().map(|event| self.with(event, |next| next.wishes += 1)));
    }

    /// What an earlier supervisor may have left.
    fn recalled(&self, order: Option<Want>) -> Vec<Self> {
        let mut rests = vec![None, Some(Rest::Done), Some(Rest::Dead)];
        let mut all: Vec<Self> = rests
            .drain(..)
            .map(|rest| {
                let remembered = Remembered { order, process: None, rest };
                self.with(Event::Begin(Some(Recalled { remembered, up: None })), |_| ())
            })
            .collect();
        let mut next = self.clone();
        let (ticket, id) = (Ticket { instance: 9, serial: 1 }, next.new_id());
        next.world.processes.push(Process { ticket, id, role: Role::Main, doomed: false });
        let remembered = Remembered { order, process: Some(Main { ticket, id }), rest: None };
        next.step(Event::Begin(Some(Recalled { remembered, up: Some(Duration::from_secs(3)) })));
        all.push(next);
        all
    }

    /// What the keeper and the processes do.
    fn happenings(&self, all: &mut Vec<Self>) {
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
                let id = ProcId { pid: 7, start: 1 };
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
            let is_first = self.machine.idle() == Some(Idle::New);
            let is_awaited = self.world.looked_for;
            let is_due = self.machine.deadline().is_some_and(|(at, _)| at <= self.now);
            match event {
                Event::Begin(_) if is_first => {}
                Event::PidFile(_) if is_awaited => {}
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
    fn check_that_stop_ends(&self) {
        if self.world.removed || self.world.draining || self.machine.idle() == Some(Idle::New) {
            return;
        }
        let mut node = self.with(Event::Order(Order::Stop), |_| ());
        for _ in 0..40 {
            if node.machine.idle().is_some() {
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

    /// What makes two nodes the same: names of processes and starts do not matter, nor does the time of day.
    fn key(&self) -> String {
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
        let _ = write!(text, " {:?}", self.world);
        canonical(&text, self.now)
    }
}

/// Moments become distances in whole seconds; numbers of starts and processes become the order they appear in.
fn canonical(text: &str, now: Moment) -> String {
    let mut out = String::with_capacity(text.len());
    let mut seen: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some((at, marker)) =
        ["Moment(", "serial: ", "pid: "].iter().filter_map(|marker| Some((rest.find(marker)?, *marker))).min()
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

#[test]
fn no_reachable_state_breaks_an_invariant_and_a_stop_always_ends() {
    for flavour in flavours() {
        let mut seen = BTreeSet::new();
        let mut states = BTreeSet::new();
        let mut queue = VecDeque::from([Node::new(&flavour)]);
        while let Some(node) = queue.pop_front() {
            if !seen.insert(node.key()) {
                continue;
            }
            states.insert(node.machine.state());
            node.check_that_stop_ends();
            queue.extend(node.next(&flavour));
        }
        assert_eq!(states.len(), 4, "{}: not every state was reached", flavour.name);
        assert!(seen.len() > 500, "{}: only {} nodes", flavour.name, seen.len());
        eprintln!("{}: {} nodes", flavour.name, seen.len());
    }
}
