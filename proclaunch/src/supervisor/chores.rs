//! What is done again later because it could not be done at once: lines of the log, records, watching a process.

use std::collections::BTreeMap;
use std::time::Duration;

use proclaunch_core::clock::Moment;
use proclaunch_core::fleet::{Input, Memo};
use proclaunch_core::ids::ProfileName;
use proclaunch_core::log::Own;
use proclaunch_core::machine::Remembered;

use crate::store::{StoreError, VERSION, Written};

use super::reactor::Reactor;

/// How often what failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What is to be tried again.
#[derive(Debug, Default)]
pub(super) struct Chores {
    /// Records that could not be written.
    unsaved: BTreeMap<ProfileName, Box<Remembered>>,
    /// What the supervisor does as a whole, while that could not be written.
    unsaved_fleet: Option<Memo>,
    /// Whether output has gone lost since it was last kept; said once.
    pub(super) output_lost: bool,
    next: Option<Moment>,
}

impl Chores {
    fn has_unsaved(&self) -> bool {
        !self.unsaved.is_empty() || self.unsaved_fleet.is_some()
    }

    pub(super) const fn deadline(&self) -> Option<Moment> {
        self.next
    }
}

impl Reactor {
    /// Writes a profile's record, now or as soon as it can be written.
    pub(super) fn save(&mut self, name: &ProfileName, remembered: Box<Remembered>) {
        match self.try_save(name, &remembered) {
            Ok(()) => {
                self.chores.unsaved.remove(name);
            }
            Err(error) => {
                self.say_unsaved(&error);
                self.chores.unsaved.insert(name.clone(), remembered);
            }
        }
    }

    /// Keeps what a profile's hooks want kept, with its record.
    pub(super) fn keep_vars(&mut self, name: &ProfileName, json: String) {
        self.hooks.vars.insert(name.clone(), json);
        // Thousands of records are not kept in memory for the few that are written anew.
        let unsaved = self.chores.unsaved.remove(name);
        let saved = || self.store.load_one(name, &self.boot_id).map(|record| Box::new(record.remembered));
        let remembered = unsaved.or_else(saved).unwrap_or_default();
        self.save(name, remembered);
    }

    /// Writes down what the supervisor does as a whole, now or as soon as it can be written.
    pub(super) fn save_fleet(&mut self, memo: Memo) {
        match self.store.save_fleet(&self.boot_id, &memo) {
            Ok(()) => self.chores.unsaved_fleet = None,
            Err(error) => {
                self.say_unsaved(&error);
                self.chores.unsaved_fleet = Some(memo);
            }
        }
    }

    /// Says the first of several failures.
    fn say_unsaved(&mut self, error: &StoreError) {
        if !self.chores.has_unsaved() {
            self.answer(Input::Say(Own::RecordNotWritten { why: error.to_string() }));
        }
    }

    fn try_save(&self, name: &ProfileName, remembered: &Remembered) -> Result<(), StoreError> {
        let vars = self.hooks.vars.get(name).map(String::as_str);
        self.store.save(&Written { version: VERSION, boot_id: &self.boot_id, name, remembered, vars })
    }

    /// Drops a profile's record.
    pub(super) fn forget(&mut self, name: &ProfileName) {
        self.chores.unsaved.remove(name);
        if let Err(error) = self.store.remove(name) {
            self.answer(Input::Say(Own::RecordNotWritten { why: error.to_string() }));
        }
    }

    /// Says once when output goes lost, and once when it is kept again.
    pub(super) fn output(&mut self, lost: Option<(ProfileName, String)>) {
        match lost {
            Some((name, why)) if !self.chores.output_lost => {
                self.chores.output_lost = true;
                self.answer(Input::Say(Own::OutputLost { name, why }));
            }
            None if self.chores.output_lost => {
                self.chores.output_lost = false;
                self.answer(Input::Say(Own::OutputBack));
            }
            Some(_) | None => {}
        }
    }

    /// Tries again what is due, and sets the next time.
    pub(super) fn do_chores(&mut self, now: Moment) {
        if self.chores.next.is_some_and(|at| at <= now) {
            self.chores.next = None;
            self.log.retry();
            self.save_unsaved();
        }
        if let Some(recovered) = self.log.take_recovered() {
            self.answer(Input::Say(Own::LogDelayed {
                delayed: recovered.delayed,
                dropped: recovered.dropped,
                why: recovered.error,
            }));
        }
        let is_needed = self.log.has_backlog() || self.chores.has_unsaved();
        if is_needed && self.chores.next.is_none() {
            self.chores.next = Some(now.plus(AGAIN));
        }
    }

    fn save_unsaved(&mut self) {
        if !self.chores.has_unsaved() {
            return;
        }
        let mut unsaved = std::mem::take(&mut self.chores.unsaved);
        unsaved.retain(|name, remembered| self.try_save(name, remembered).is_err());
        self.chores.unsaved = unsaved;
        if let Some(memo) = self.chores.unsaved_fleet.take() {
            self.chores.unsaved_fleet = self.store.save_fleet(&self.boot_id, &memo).is_err().then_some(memo);
        }
        if !self.chores.has_unsaved() {
            self.answer(Input::Say(Own::RecordsWritten));
        }
    }
}
