//! What an earlier supervisor remembered, checked against what the keeper holds and what lives.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proclaunch_core::fleet::{Input, Memo, Recall};
use proclaunch_core::ids::{ProcId, ProfileName, Ticket};
use proclaunch_core::log::Own;
use proclaunch_core::machine::{Found, Inventory, Phase, Recalled, Remembered, Start};

use crate::keeper;
use crate::keeper::protocol::{Held, Kind, Request};
use crate::store::{Loaded, Record};

use super::reactor::Reactor;

/// Starts that the keeper holds and no record speaks of: they are killed, and released once they are gone.
#[derive(Debug, Default)]
pub(super) struct Strays(BTreeSet<Ticket>);

impl Strays {
    /// Takes the report that nothing of a start lives any more; whether it was a stray, which can be released.
    pub(super) fn take(&mut self, ticket: Ticket) -> bool {
        self.0.remove(&ticket)
    }
}

impl Reactor {
    /// Reads the records, and works out what became of what they name. `held` is what the keeper holds once it has
    /// done all that the supervisor before has asked for.
    pub(super) fn recall(&mut self, held: &[Held]) {
        let loaded = match self.store.load_all(&self.boot_id) {
            Ok(loaded) => loaded,
            Err(error) => {
                self.answer(Input::Say(Own::RecordNotWritten { why: error.to_string() }));
                Loaded::default()
            }
        };
        let fleet = self.store.load_fleet(&self.boot_id);
        for refused in loaded.refused.into_iter().chain(fleet.as_ref().err().cloned()) {
            self.answer(Input::Say(Own::RecordRefused { file: refused.file, why: refused.why }));
        }
        for (name, record) in &loaded.records {
            if let Some(vars) = &record.vars {
                self.hooks.vars.insert(name.clone(), vars.clone());
            }
        }
        let mut records = loaded.records;
        recall_by_inventory(held, &mut records, &self.boot_id);
        let stays = records.iter().filter(|(_, record)| !record.remembered.is_gone);
        self.roster.recall(stays.map(|(name, _)| name.clone()));
        self.outputs.recalled = Some(records.keys().cloned().collect());
        self.end_strays(held, &records);
        let fleet = fleet.unwrap_or_default();
        self.goes_on_draining = fleet.draining.is_some();
        let profiles = find(held, records);
        if !profiles.is_empty() || fleet != Memo::default() {
            self.answer(Input::Recall(Recall { fleet, profiles }));
        }
    }

    fn end_strays(&mut self, held: &[Held], records: &BTreeMap<ProfileName, Record>) {
        let known: BTreeSet<Ticket> =
            records.values().filter_map(|record| ticket(&record.remembered.phase)).collect();
        for held in held.iter().filter(|held| !known.contains(&held.ticket)) {
            if held.kind == Kind::LogRun {
                self.log_runs.adopt(held, self.now);
                continue;
            }
            self.strays.0.insert(held.ticket);
            self.link.request(Request::KillTree { ticket: held.ticket });
        }
    }
}

/// A service that lives and has no record, as that could not be written or was removed: it is the one that runs.
fn recall_by_inventory(held: &[Held], records: &mut BTreeMap<ProfileName, Record>, boot_id: &str) {
    for Held { name, ticket, kind, main, .. } in held {
        if let (Kind::Service, Some(id), false) = (kind, main, records.contains_key(name)) {
            let start = Start { ticket: *ticket, since: None, shape: None, daemonizes: false };
            let phase = Phase::Running { start, id: *id, attention: None };
            let remembered = Remembered { phase, ..Remembered::default() };
            records.insert(name.clone(), Record::new(name.clone(), boot_id.to_owned(), remembered));
        }
    }
}

fn ticket(phase: &Phase) -> Option<Ticket> {
    phase.start().map(|start| start.ticket)
}

/// What there is of what each record names. The process table is walked only for tickets that nothing else tells of.
fn find(held: &[Held], records: BTreeMap<ProfileName, Record>) -> BTreeMap<ProfileName, Recalled> {
    let held: BTreeMap<Ticket, Inventory> = held
        .iter()
        .map(|held| {
            let ended = held.ended.as_ref().map(|end| (end.id, end.exit, end.at));
            (held.ticket, Inventory { main: held.main, ended })
        })
        .collect();
    let sought = |record: &Record| {
        let phase = &record.remembered.phase;
        ticket(phase).filter(|ticket| phase.main().is_none() && !held.contains_key(ticket))
    };
    let bearers = keeper::find_by_tickets(&records.values().filter_map(sought).collect());
    let recalled = |(name, record): (ProfileName, Record)| {
        let remembered = record.remembered;
        let inventory = ticket(&remembered.phase).and_then(|ticket| held.get(&ticket).copied());
        let found = Found::work_out(&remembered.phase, inventory, up, |ticket| bearers.get(&ticket).copied());
        (name, Recalled { remembered, found })
    };
    records.into_iter().map(recalled).collect()
}

/// How long a process has been up, if it lives.
fn up(id: ProcId) -> Option<Duration> {
    (keeper::identify(id.pid) == Some(id)).then(|| keeper::age_of(id).unwrap_or_default())
}
