//! The simulated keeper: which processes belong to which start, and what is to be reported.
//!
//! It keeps to the words of `process.rs`: the reports of one start come in the order of their causes; `Gone` comes
//! once for each hunt; what was released is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use proclaunch_core::clock::Moment;

use proclaunch_core::exit::Exit;
use proclaunch_core::ids::{ProcId, ProfileName, Ticket};
use proclaunch_core::machine::Inventory;
use proclaunch_core::process::{REMAINS_MAX, Report, Scope};
use proclaunch_core::profile::Kill;

use crate::plan::Kin;
use crate::processes::{Process, Processes};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hunt {
    None,
    Watch,
    Kill,
}

/// One start of one profile.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) name: ProfileName,
    pub(crate) main: Option<ProcId>,
    /// All that ever were its main process.
    mains: Vec<ProcId>,
    hunt: Hunt,
    /// The last end of a main process.
    ended: Option<(ProcId, Exit, Moment)>,
    /// Its main process was taken over: how it ends may stay unknown.
    pub(crate) is_adopted: bool,
}

/// **Invariant:** outlives a supervisor, and when it dies itself the processes live on.
#[derive(Debug, Default)]
pub(crate) struct Keeper {
    pub(crate) starts: BTreeMap<Ticket, Start>,
    /// Starts that were asked for and not answered yet.
    pub(crate) launching: BTreeMap<Ticket, ProfileName>,
    /// Starts that failed and are not released yet.
    pub(crate) failed: BTreeMap<Ticket, ProfileName>,
    reports: Vec<Report>,
    /// Starts that no record speaks of: they are released once they are gone.
    strays: BTreeSet<Ticket>,
}

impl Keeper {
    /// What is held of a start.
    pub(crate) fn inventory(&self, ticket: Ticket) -> Option<Inventory> {
        self.starts.get(&ticket).map(|start| Inventory { main: start.main, ended: start.ended })
    }

    /// A new supervisor asks for the inventory, and hears nothing of what was to be told before: of starts that
    /// have failed nothing is held.
    pub(crate) fn forget_reports(&mut self) {
        self.reports.clear();
        self.strays.clear();
        self.failed.clear();
        self.launching.clear();
    }

    pub(crate) fn is_stray(&self, ticket: Ticket) -> bool {
        self.strays.contains(&ticket)
    }

    /// A start that no record speaks of.
    pub(crate) fn add_stray(&mut self, ticket: Ticket) {
        self.strays.insert(ticket);
    }

    pub(crate) fn take_reports(&mut self) -> Vec<Report> {
        let mut reports = std::mem::take(&mut self.reports);
        // The shell releases what no record speaks of, and tells the fleet nothing of it.
        reports.retain(|report| {
            let stray = ticket_of(report).filter(|ticket| self.strays.contains(ticket));
            if let (Some(ticket), Report::Gone { .. }) = (stray, report) {
                self.strays.remove(&ticket);
                self.starts.remove(&ticket);
                return false;
            }
            true
        });
        reports
    }

    pub(crate) fn has_report_on(&self, ticket: Ticket) -> bool {
        self.reports.iter().any(|report| ticket_of(report) == Some(ticket))
    }

    /// Whose ticket it is, if it was given out and not released.
    pub(crate) fn owner(&self, ticket: Ticket) -> Option<&ProfileName> {
        let start = self.starts.get(&ticket).map(|start| &start.name);
        start.or_else(|| self.launching.get(&ticket)).or_else(|| self.failed.get(&ticket))
    }

    pub(crate) fn spawned(&mut self, name: &ProfileName, ticket: Ticket, id: ProcId) {
        self.launching.remove(&ticket);
        let start = Start {
            name: name.clone(),
            main: Some(id),
            mains: vec![id],
            hunt: Hunt::None,
            ended: None,
            is_adopted: false,
        };
        self.starts.insert(ticket, start);
        self.reports.push(Report::Spawned { name: name.clone(), ticket, id });
    }

    pub(crate) fn spawn_failed(&mut self, ticket: Ticket, report: impl FnOnce(ProfileName) -> Report) {
        if let Some(name) = self.launching.remove(&ticket) {
            self.failed.insert(ticket, name.clone());
            self.reports.push(report(name));
        }
    }

    pub(crate) fn adopt(
        &mut self,
        now: Moment,
        name: &ProfileName,
        ticket: Ticket,
        id: ProcId,
        processes: &Processes,
    ) {
        let start = self.starts.entry(ticket).or_insert_with(|| Start {
            name: name.clone(),
            main: None,
            mains: Vec::new(),
            hunt: Hunt::None,
            ended: None,
            is_adopted: true,
        });
        if start.main == Some(id) {
            return;
        }
        start.mains.push(id);
        if processes.get(id).is_some() {
            start.main = Some(id);
            start.is_adopted = true;
        } else {
            // What was the main process until now is one of those that remain.
            start.main = None;
            let remains = self.tree(ticket, processes);
            let (name, exit) = (name.clone(), Exit::Unknown);
            if let Some(start) = self.starts.get_mut(&ticket) {
                start.ended = Some((id, exit, now));
            }
            self.reports.push(Report::Exited { name, ticket, id, exit, remains });
        }
    }

    /// Begins to watch or to kill a start. A ticket that is not known is no error, and gets no answer.
    pub(crate) fn hunt(&mut self, ticket: Ticket, hunt: Hunt, processes: &Processes) {
        if let Some(start) = self.starts.get_mut(&ticket) {
            start.hunt = hunt;
            self.report_gone(ticket, processes);
        }
    }

    /// Whether a new process of that start is to be killed at once.
    pub(crate) fn kills(&self, ticket: Ticket) -> bool {
        self.starts.get(&ticket).is_some_and(|start| start.hunt == Hunt::Kill)
    }

    /// A process has ended.
    pub(crate) fn ended(&mut self, now: Moment, process: &Process, exit: Exit, processes: &Processes) {
        let main_of = |start: &Start| start.main == Some(process.id);
        if let Some(ticket) = self.starts.iter().find(|(_, start)| main_of(start)).map(|(ticket, _)| *ticket)
        {
            let mut remains = self.tree(ticket, processes);
            remains.truncate(REMAINS_MAX);
            let start = self.starts.get_mut(&ticket).expect("found above");
            start.main = None;
            let exit = if start.is_adopted && process.id.pid % 2 == 0 { Exit::Unknown } else { exit };
            let (name, id) = (start.name.clone(), process.id);
            start.ended = Some((id, exit, now));
            self.reports.push(Report::Exited { name, ticket, id, exit, remains });
        }
        let tickets: Vec<Ticket> = self.starts.keys().copied().collect();
        for ticket in tickets {
            self.report_gone(ticket, processes);
        }
    }

    fn report_gone(&mut self, ticket: Ticket, processes: &Processes) {
        let is_hunted = self.starts.get(&ticket).is_some_and(|start| start.hunt != Hunt::None);
        if is_hunted && self.tree(ticket, processes).is_empty() {
            let start = self.starts.get_mut(&ticket).expect("it is hunted");
            start.hunt = Hunt::None;
            let name = start.name.clone();
            self.reports.push(Report::Gone { name, ticket });
        }
    }

    /// Everything that lives of a start and can be told to be its.
    pub(crate) fn tree(&self, ticket: Ticket, processes: &Processes) -> Vec<ProcId> {
        let Some(start) = self.starts.get(&ticket) else { return Vec::new() };
        let is_its = |process: &&Process| {
            let is_anothers =
                self.starts.iter().any(|(other, start)| *other != ticket && start.main == Some(process.id));
            let is_told = process.ticket == ticket && process.kin != Kin::Untold;
            let is_below = process.kin != Kin::Untold
                && process.parent.is_some_and(|parent| start.mains.contains(&parent));
            start.main == Some(process.id) || (!is_anothers && (is_told || is_below))
        };
        processes.iter().filter(is_its).map(|process| process.id).collect()
    }

    /// Whom a signal reaches.
    pub(crate) fn scope(&self, ticket: Ticket, scope: Scope, processes: &Processes) -> Vec<ProcId> {
        let main = self.starts.get(&ticket).and_then(|start| start.main);
        let in_group = |id: &ProcId| {
            Some(*id) == main || processes.get(*id).is_some_and(|process| process.kin == Kin::Group)
        };
        match scope {
            Scope::Main => main.into_iter().collect(),
            Scope::Group => self.tree(ticket, processes).into_iter().filter(in_group).collect(),
            Scope::Tree => self.tree(ticket, processes),
        }
    }

    /// Forgets a start. What lives of it has to be excused by its `kill` file.
    pub(crate) fn release(
        &mut self,
        ticket: Ticket,
        kill: Kill,
        processes: &mut Processes,
    ) -> Result<(), String> {
        let tree = self.tree(ticket, processes);
        let start = self.starts.remove(&ticket);
        self.failed.remove(&ticket);
        if let Some(main) = start.and_then(|start| start.main) {
            return Err(format!("{ticket} is released while its main process {main:?} lives"));
        }
        if kill != Kill::Process && !tree.is_empty() {
            return Err(format!("{ticket} is released while {tree:?} live"));
        }
        for id in tree {
            if let Some(process) = processes.get_mut(id) {
                process.excused = true;
            }
        }
        self.reports.retain(|report| ticket_of(report) != Some(ticket));
        Ok(())
    }
}

const fn ticket_of(report: &Report) -> Option<Ticket> {
    match report {
        Report::Spawned { ticket, .. }
        | Report::SpawnFailed { ticket, .. }
        | Report::Exited { ticket, .. }
        | Report::Gone { ticket, .. } => Some(*ticket),
        Report::OutputLost { .. } => None,
    }
}
