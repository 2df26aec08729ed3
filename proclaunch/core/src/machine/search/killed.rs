//! The supervisor is killed at a node, and a successor goes on by what was remembered; its keeper lives, or is gone
//! too, and what the process did meanwhile may not have been seen by anybody.

use std::sync::Arc;
use std::time::Duration;

use super::super::*;
use super::Flavour;
use super::next::TIMEOUTS_MAX;
use super::node::{Node, Process, Role};
use crate::exit::Exit;

/// How many supervisors may be killed on one path.
const KILLS_MAX: u8 = 1;

/// Which keeper the successor finds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keeper {
    /// The one that held the start.
    Same,
    /// One that holds nothing.
    New,
}

impl Node {
    /// Every successor that a supervisor can have that is killed here.
    pub(super) fn killed(&self, flavour: &Flavour) -> Vec<Self> {
        if self.kills >= KILLS_MAX || self.is_new() || self.machine.idle() == Some(Idle::Gone) {
            return Vec::new();
        }
        let mut worlds = vec![self.without_supervisor(flavour)];
        // What was asked of the keeper was done, or never came to it.
        for &ticket in &self.world.asked {
            let mut made = worlds[0].clone();
            let id = made.new_id();
            made.world.processes.push(Process { ticket, id, role: Role::Main, doomed: false });
            worlds.push(made);
        }
        let ticket = self.record.as_ref().and_then(|record| record.phase.start()).map(|start| start.ticket);
        let mut all = Vec::new();
        for world in worlds {
            let main =
                world.world.processes.iter().find(|one| Some(one.ticket) == ticket && one.role == Role::Main);
            for keeper in [Keeper::Same, Keeper::New] {
                if let Some(id) = main.map(|main| main.id) {
                    // It ends, and no supervisor sees it.
                    let mut ended = world.clone();
                    ended.unseen = Some(id);
                    ended.world.processes.retain(|process| process.id != id);
                    // A new keeper knows of no exit.
                    let exits = [Exit::Code(0), Exit::Code(1)];
                    let exits = if keeper == Keeper::Same { &exits[..] } else { &exits[..1] };
                    for &exit in exits {
                        ended.successors(flavour, keeper, Some((id, exit)), &mut all);
                    }
                }
                world.successors(flavour, keeper, None, &mut all);
            }
        }
        all
    }

    /// Everything that was on its way to the supervisor is lost with it.
    fn without_supervisor(&self, flavour: &Flavour) -> Self {
        let mut next = self.clone();
        next.kills += 1;
        // What follows is bounded: wishes and time have been searched by those that are not killed.
        next.wishes = flavour.wishes;
        next.timeouts = next.timeouts.max(TIMEOUTS_MAX - 2);
        next.machine = Machine::new();
        next.tickets = Tickets::new(50);
        next.world.asked.clear();
        next.world.awaited.clear();
        next.world.looked_for = false;
        next.world.loading = None;
        next.world.open.clear();
        let ticket = self.record.as_ref().and_then(|record| record.phase.start()).map(|start| start.ticket);
        // The shell kills what no record speaks of.
        let is_left = |process: &Process| process.role == Role::Rest && self.world.leaves;
        next.world.processes.retain(|process| Some(process.ticket) == ticket || is_left(process));
        next
    }

    fn successors(
        &self,
        flavour: &Flavour,
        keeper: Keeper,
        unseen: Option<(ProcId, Exit)>,
        all: &mut Vec<Self>,
    ) {
        let Some(mut remembered) = self.record.clone() else { return };
        let found = self.found(&remembered.phase, keeper, unseen);
        remembered.is_gone |= self.world.removed;
        let begin = Event::Begin(Some(Box::new(Recalled { remembered, found })));
        if self.world.removed {
            let mut next = self.clone();
            next.step(begin);
            all.push(next);
            return;
        }
        // One change of files is like another, whoever keeps the processes.
        let versions = if keeper == Keeper::Same { &flavour.versions[..] } else { &flavour.versions[..1] };
        for version in versions {
            let mut next = self.clone();
            next.step(Event::Settings(Arc::clone(version)));
            if self.world.draining {
                next.step(Event::Drain);
            }
            next.step(begin.clone());
            all.push(next);
        }
    }

    fn found(&self, phase: &Phase, keeper: Keeper, unseen: Option<(ProcId, Exit)>) -> Found {
        let Some(start) = phase.start() else { return Found::Nothing };
        let its = |role| {
            self.world.processes.iter().find(move |one| one.ticket == start.ticket && one.role == role)
        };
        let main = its(Role::Main).map(|process| process.id);
        let told = if let Phase::Stopping { exit, .. } = phase { *exit } else { None };
        let ended = unseen.or(told).map(|(id, exit)| (id, exit, self.now));
        let is_held = keeper == Keeper::Same && (main.is_some() || ended.is_some());
        let up = |id| {
            let lives = self.world.processes.iter().any(|process| process.id == id);
            lives.then_some(Duration::from_secs(3))
        };
        let bearer = |_| main.or_else(|| its(Role::Rest).map(|process| process.id));
        Found::work_out(phase, is_held.then_some(Inventory { main, ended }), up, bearer)
    }
}
