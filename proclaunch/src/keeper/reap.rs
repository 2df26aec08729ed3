//! Exits, what is left behind, and the reports on both.

use proclaunch_core::exit::Exit;
use proclaunch_core::ids::{ProcId, Ticket};
use proclaunch_core::signal::Signal;

use super::family::{Seen, attribute};
use super::protocol::{HeldEnd, REMAINS_MAX, Report};
use super::{Ended, Hunt, Keeper, RECENT_MAX, look, stat};
use crate::sys::{clock, wait};

/// How often one settling looks again because the last look found something new; then the next event goes on.
const ROUNDS_MAX: u32 = 16;
/// After so many rounds of a hunt its prey multiplies as fast as it is found, and a cgroup has to hold it.
const ROUNDS_BEFORE_CGROUP: u32 = 3;

impl Keeper {
    /// Collects until there is nothing left: SIGCHLD tells of one exit or of many.
    pub(super) fn reap(&mut self) -> usize {
        let mut count = 0;
        while let Some((pid, exit)) = wait::any() {
            count += 1;
            self.collected(pid, exit);
        }
        count
    }

    fn collected(&mut self, pid: i32, exit: Exit) {
        if let Some(ticket) = self.known.mains.get(&pid).copied() {
            self.main_ended(ticket, exit);
            return;
        }
        if self.helpers.remove(&pid) {
            self.helpers_ended.push((pid, exit));
            return;
        }
        if let Some(Some(ticket)) = self.orphans.remove(&pid) {
            self.no_longer_left(ticket, pid);
        }
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back((pid, exit));
    }

    pub(super) fn main_ended(&mut self, ticket: Ticket, exit: Exit) {
        let Some(main) = self.starts.get_mut(&ticket).and_then(|start| start.main.take()) else { return };
        self.known.mains.remove(&main.id.pid);
        if let Some(token) = main.token {
            self.watched.remove(&token);
        }
        self.unwatched.remove(&main.id);
        self.touched.insert(ticket);
        self.note_end(ticket, main.id, exit);
    }

    pub(super) fn note_end(&mut self, ticket: Ticket, id: ProcId, exit: Exit) {
        self.ended.push(Ended { ticket, end: HeldEnd { id, exit, at: clock::now() } });
    }

    pub(super) fn no_longer_left(&mut self, ticket: Ticket, pid: i32) {
        if let Some(start) = self.starts.get_mut(&ticket) {
            start.left.retain(|id| id.pid != pid);
            self.touched.insert(ticket);
        }
    }

    /// Looks where something happened, kills what is hunted, and reports.
    pub(super) fn settle(&mut self) {
        if self.ended.is_empty() && !self.touched.iter().any(|ticket| self.hunt_of(*ticket) != Hunt::None) {
            self.touched.clear();
            return;
        }
        let mut certain = self.looked || self.look();
        for round in 0..ROUNDS_MAX {
            let killed_any = self.kill_what_was_found(round >= ROUNDS_BEFORE_CGROUP);
            if !killed_any && certain {
                break;
            }
            if self.reap() == 0 && !killed_any {
                break;
            }
            certain = self.look();
        }
        self.looked = certain;
        self.report_ends();
        self.report_gone(certain);
    }

    fn hunt_of(&self, ticket: Ticket) -> Hunt {
        self.starts.get(&ticket).map_or(Hunt::None, |start| start.hunt)
    }

    fn kill_what_was_found(&mut self, in_cgroup: bool) -> bool {
        let prey: Vec<Ticket> =
            self.touched.iter().copied().filter(|ticket| self.hunt_of(*ticket) == Hunt::Kill).collect();
        if prey.is_empty() {
            return false;
        }
        let children = look::Children::new(self.own_children.is_some());
        let mut any = false;
        for ticket in prey {
            let found = self.strike(ticket, &children);
            any |= found;
            if found && in_cgroup {
                self.strike_in_cgroup(ticket);
            }
        }
        any
    }

    /// The ends since the last report. Which of those by SIGKILL were for want of memory is looked up for all at once.
    fn take_ended(&mut self) -> Vec<Ended> {
        let mut ended = std::mem::take(&mut self.ended);
        let is_killed = |one: &Ended| one.end.exit.signal() == Some(Signal::KILL);
        if let Some(log) = self.oom_log.as_mut().filter(|_| ended.iter().any(is_killed)) {
            log.look();
            for one in ended.iter_mut().filter(|one| is_killed(one)) {
                if log.has(one.end.id) {
                    one.end.exit = Exit::OutOfMemory;
                }
            }
        }
        ended
    }

    fn report_ends(&mut self) {
        for Ended { ticket, end } in self.take_ended() {
            let HeldEnd { id, exit, at: _ } = end;
            let Some(start) = self.starts.get_mut(&ticket) else { continue };
            start.ended = Some(end);
            let is_alive = |id: &&ProcId| stat::identify(id.pid) == Some(**id);
            let remains = start.left.iter().filter(is_alive).take(REMAINS_MAX).copied().collect();
            self.reports.push(Report::Exited { name: start.name.clone(), ticket, id, exit, remains });
        }
    }

    /// After a look that was not certain, the touched ones stay touched: a zombie that was seen is on its way to us.
    fn report_gone(&mut self, certain: bool) {
        if !certain {
            return;
        }
        for ticket in std::mem::take(&mut self.touched) {
            let Some(start) = self.starts.get_mut(&ticket) else { continue };
            if start.main.is_some() || !start.left.is_empty() {
                continue;
            }
            start.empty = true;
            let sessions = std::mem::take(&mut start.sessions);
            if start.hunt != Hunt::None {
                start.hunt = Hunt::None;
                self.reports.push(Report::Gone { name: start.name.clone(), ticket });
            }
            self.forget_marks(ticket, &sessions);
        }
    }

    /// Drops what would let a stranger with a reused pid pass for one of this start.
    pub(super) fn forget_marks(&mut self, ticket: Ticket, sessions: &[i32]) {
        for sid in sessions {
            if self.known.sessions.get(sid) == Some(&ticket) {
                self.known.sessions.remove(sid);
            }
        }
        if let Some(start) = self.starts.get_mut(&ticket) {
            start.killed.clear();
            for id in std::mem::take(&mut start.kin) {
                self.known.kin.remove(&id);
            }
        }
        self.cgroups.release(ticket);
    }

    /// Takes in every child that is not known yet. Whether the look can be relied on for "there is nothing else": a
    /// zombie among the unknown may have had children that were counted under it, so then it cannot.
    pub(super) fn look(&mut self) -> bool {
        let mut certain = true;
        let mut found: Vec<Seen> = Vec::new();
        for pid in self.children() {
            if self.is_known(pid) {
                continue;
            }
            match stat::read_stat(pid) {
                Some(stat) if !stat.is_dead() => {
                    found.push(look::seen(&stat, |seen| self.known.by_itself(seen).is_none()));
                }
                Some(_) | None => certain = false,
            }
        }
        let owners = attribute(&found, &self.known);
        for Seen { id, in_exec, .. } in found {
            let owner = owners.get(&id).copied().filter(|ticket| self.starts.contains_key(ticket));
            if owner.is_none() && in_exec {
                certain = false;
                continue;
            }
            self.orphans.insert(id.pid, owner);
            if let Some(ticket) = owner {
                self.is_left(ticket, id);
            }
        }
        self.look_far();
        self.looked = certain;
        certain
    }

    fn is_known(&self, pid: i32) -> bool {
        self.known.mains.contains_key(&pid) || self.orphans.contains_key(&pid) || self.helpers.contains(&pid)
    }

    /// Notes a live process of a start that is neither its main nor below it. Whether it is new.
    pub(super) fn is_left(&mut self, ticket: Ticket, id: ProcId) -> bool {
        let Some(start) = self.starts.get_mut(&ticket) else { return false };
        if start.left.contains(&id) {
            return false;
        }
        start.left.push(id);
        start.empty = false;
        self.touched.insert(ticket);
        true
    }

    /// All orphans, and those of our other children that the first thread has made.
    fn children(&self) -> Vec<i32> {
        if let Some(own) = &self.own_children {
            return own.pids();
        }
        look::everybody().into_iter().filter(|stat| stat.ppid == self.me).map(|stat| stat.id.pid).collect()
    }

    /// The exit of a process that was collected as a child but not known as anybody's.
    pub(super) fn recent_exit(&self, pid: i32) -> Option<Exit> {
        self.recent.iter().rev().find(|(known, _)| *known == pid).map(|(_, exit)| *exit)
    }
}
