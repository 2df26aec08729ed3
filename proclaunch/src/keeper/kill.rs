//! Signals, and the hunt for everything that a start has left.

use std::os::fd::{AsFd, OwnedFd};

use proclaunch_core::ids::{ProcId, Ticket};
use proclaunch_core::process::Scope;
use proclaunch_core::signal::Signal;

use super::look::Children;
use super::protocol::Report;
use super::{Hunt, Keeper, Start, look, stat};
use crate::sys::{pidfd, signal_child};

impl Keeper {
    pub(super) fn signal(&mut self, ticket: Ticket, scope: Scope, signal: Signal) {
        match scope {
            Scope::Main => self.signal_main(ticket, signal),
            Scope::Group => self.signal_group(ticket, signal),
            Scope::Tree => {
                if !self.looked {
                    self.look();
                }
                // Before the main process has it: it may die of it at once, and its children's descent with it.
                let rest = self.tree(ticket);
                self.note_kin(ticket, &rest);
                self.signal_main(ticket, signal);
                for id in rest {
                    self.signal_other(id, signal);
                }
            }
        }
    }

    /// Begins to watch or to kill a start. What is known of it is killed here; what only a look can find is killed
    /// when the batch is settled.
    pub(super) fn hunt(&mut self, ticket: Ticket, hunt: Hunt) {
        let Some(start) = self.starts.get_mut(&ticket) else { return };
        if start.empty {
            self.reports.push(Report::Gone { name: start.name.clone(), ticket });
            return;
        }
        start.hunt = hunt;
        self.touched.insert(ticket);
        if hunt == Hunt::Kill {
            start.killed.clear();
            self.looked = false;
            // Where children are not named, one walk serves all that are hunted in this batch.
            if self.own_children.is_some() {
                self.strike(ticket, &Children::Named);
            }
        }
    }

    /// Kills what is known of a start, and what is below that, unless it was killed before. Whether there was
    /// anything besides the main process.
    pub(super) fn strike(&mut self, ticket: Ticket, children: &Children) -> bool {
        let Some(start) = self.starts.get(&ticket) else { return false };
        let main = start.main.as_ref().map(|main| main.id);
        let roots: Vec<ProcId> = main
            .into_iter()
            .chain(start.left.iter().copied())
            .filter(|id| !start.killed.contains(id))
            .collect();
        if roots.is_empty() {
            return false;
        }
        // Before the parents die: then their children's descent could not be told any more.
        let mut prey: Vec<ProcId> = self.below(ticket, &roots, children);
        prey.extend(roots.iter().filter(|id| Some(**id) != main));
        let found_others = !prey.is_empty();
        self.note_kin(ticket, &prey);
        if main.is_some_and(|main| roots.contains(&main)) {
            self.signal_main(ticket, Signal::KILL);
        }
        for id in &prey {
            self.signal_other(*id, Signal::KILL);
        }
        if let Some(start) = self.starts.get_mut(&ticket) {
            start.killed.extend(prey.into_iter().chain(main));
        }
        found_others
    }

    /// Puts everything of a start into a cgroup, so that nothing can be born outside, and kills that.
    pub(super) fn strike_in_cgroup(&mut self, ticket: Ticket) {
        let prey = self.tree(ticket);
        self.cgroups.kill(ticket, &prey);
    }

    /// Forgets a start; what lives of it is left alone.
    pub(super) fn release(&mut self, ticket: Ticket) {
        let sessions = self.starts.get_mut(&ticket).map(|start| std::mem::take(&mut start.sessions));
        self.forget_marks(ticket, &sessions.unwrap_or_default());
        let Some(Start { main, left, .. }) = self.starts.remove(&ticket).map(|start| *start) else { return };
        for id in left {
            self.orphans.entry(id.pid).and_modify(|owner| *owner = None);
        }
        if let Some(main) = main {
            self.known.mains.remove(&main.id.pid);
        }
        self.watched.retain(|_, watched| watched.ticket != ticket);
        self.unwatched.retain(|_, of| *of != ticket);
        self.touched.remove(&ticket);
    }

    /// All of a start that is known or below what is known, its main process left out.
    fn tree(&self, ticket: Ticket) -> Vec<ProcId> {
        let Some(start) = self.starts.get(&ticket) else { return Vec::new() };
        let main = start.main.as_ref().map(|main| main.id);
        let roots: Vec<ProcId> = main.into_iter().chain(start.left.iter().copied()).collect();
        let mut tree = self.below(ticket, &roots, &Children::new(self.own_children.is_some()));
        tree.extend(&start.left);
        tree
    }

    /// Remembers whose they are, until the start is forgotten: their descent may end before they do.
    fn note_kin(&mut self, ticket: Ticket, ids: &[ProcId]) {
        self.known.kin.extend(ids.iter().map(|id| (*id, ticket)));
        if let Some(start) = self.starts.get_mut(&ticket) {
            start.kin.extend(ids);
        }
    }

    fn below(&self, ticket: Ticket, roots: &[ProcId], children: &Children) -> Vec<ProcId> {
        let pids: Vec<i32> = roots.iter().map(|id| id.pid).collect();
        let is_anothers = |pid: i32| self.known.mains.get(&pid).is_some_and(|owner| *owner != ticket);
        look::below(&pids, children, is_anothers).into_iter().map(|stat| stat.id).collect()
    }

    fn signal_main(&self, ticket: Ticket, signal: Signal) {
        let Some(main) = self.starts.get(&ticket).and_then(|start| start.main.as_ref()) else { return };
        // That it has ended in the meantime is no failure: its exit is on the way.
        let _ = match &main.pidfd {
            Some(fd) => pidfd::signal(fd.as_fd(), signal.number()),
            None if main.is_child => signal_child(main.id.pid, signal.number()),
            None => return self.signal_other(main.id, signal),
        };
    }

    /// The group that the main process leads or is in; after its end, what is left in the groups that were its own.
    fn signal_group(&self, ticket: Ticket, signal: Signal) {
        let Some(start) = self.starts.get(&ticket) else { return };
        let Some(main) = &start.main else {
            let is_in_group = |id: &&ProcId| {
                stat::read_stat(id.pid).is_some_and(|stat| start.sessions.contains(&stat.pgid))
            };
            start.left.iter().filter(is_in_group).for_each(|id| self.signal_other(*id, signal));
            return;
        };
        let opened = if main.is_child { None } else { open(main.id) };
        let fd = main.pidfd.as_ref().or(opened.as_ref());
        if fd.is_some_and(|fd| pidfd::signal_group(fd.as_fd(), signal.number()).is_ok()) {
            return;
        }
        // Before Linux 6.9, or without a descriptor: the group of an unreaped child exists, and is the one we read.
        match stat::read_stat(main.id.pid).filter(|stat| stat.id == main.id) {
            Some(read) if read.pgid > 1 && read.pgid != nix::unistd::getpgrp().as_raw() => {
                let _ = signal_child(-read.pgid, signal.number());
            }
            Some(_) | None => self.signal_main(ticket, signal),
        }
    }

    /// Signals a process that we hold no descriptor of.
    fn signal_other(&self, id: ProcId, signal: Signal) {
        match pidfd::open(id.pid) {
            Ok(fd) => {
                if stat::identify(id.pid) == Some(id) {
                    let _ = pidfd::signal(fd.as_fd(), signal.number());
                }
            }
            Err(_) if self.orphans.contains_key(&id.pid) => {
                let _ = signal_child(id.pid, signal.number());
            }
            Err(_) => {}
        }
    }
}

/// A descriptor of exactly that process, for a moment.
fn open(id: ProcId) -> Option<OwnedFd> {
    let fd = pidfd::open(id.pid).ok()?;
    (stat::identify(id.pid) == Some(id)).then_some(fd)
}
