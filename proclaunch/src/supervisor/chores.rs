//! What is done again later because it could not be done at once: lines of the log, records, watching a process.

use std::collections::BTreeMap;
use std::time::Duration;

use proclaunch_core::clock::Moment;
use proclaunch_core::fleet::Input;
use proclaunch_core::ids::ProfileName;
use proclaunch_core::log::Own;
use proclaunch_core::machine::Remembered;

use crate::store::{Record, StoreError};

use super::reactor::Reactor;

/// How often what failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What is to be tried again.
#[derive(Debug, Default)]
pub(super) struct Chores {
    /// Records that could not be written.
    unsaved: BTreeMap<ProfileName, Remembered>,
    /// The last record of each profile. Hooks may come later, and what they keep is written with it.
    saved: BTreeMap<ProfileName, Remembered>,
    /// Whether output has gone lost since it was last kept; said once.
    pub(super) output_lost: bool,
    next: Option<Moment>,
}

impl Chores {
    pub(super) const fn deadline(&self) -> Option<Moment> {
        self.next
    }
}

impl Reactor {
    /// Writes a profile's record, now or as soon as it can be written.
    pub(super) fn save(&mut self, name: &ProfileName, remembered: Remembered) {
        self.chores.saved.insert(name.clone(), remembered);
        match self.try_save(name, remembered) {
            Ok(()) => {
                self.chores.unsaved.remove(name);
            }
            Err(error) => {
                if self.chores.unsaved.is_empty() {
                    self.answer(Input::Say(Own::RecordNotWritten { why: error.to_string() }));
                }
                self.chores.unsaved.insert(name.clone(), remembered);
            }
        }
    }

    /// Keeps what a profile's hooks want kept, with its record.
    pub(super) fn keep_vars(&mut self, name: &ProfileName, json: String) {
        let remembered = self.chores.saved.get(name).copied().unwrap_or_default();
        self.hooks.vars.insert(name.clone(), json);
        self.save(name, remembered);
    }

    fn try_save(&self, name: &ProfileName, remembered: Remembered) -> Result<(), StoreError> {
        self.store.save(&Record {
            vars: self.hooks.vars.get(name).cloned(),
            ..Record::new(name.clone(), self.boot_id.clone(), remembered)
        })
    }

    /// Drops a profile's record.
    pub(super) fn forget(&mut self, name: &ProfileName) {
        self.chores.unsaved.remove(name);
        self.chores.saved.remove(name);
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
            self.keeper.look_at_unwatched();
            self.take_reports();
        }
        if let Some(recovered) = self.log.take_recovered() {
            self.answer(Input::Say(Own::LogDelayed {
                delayed: recovered.delayed,
                dropped: recovered.dropped,
                why: recovered.error,
            }));
        }
        let is_needed =
            self.log.has_backlog() || !self.chores.unsaved.is_empty() || self.keeper.has_unwatched();
        if is_needed && self.chores.next.is_none() {
            self.chores.next = Some(now.plus(AGAIN));
        }
    }

    fn save_unsaved(&mut self) {
        let unsaved = std::mem::take(&mut self.chores.unsaved);
        if unsaved.is_empty() {
            return;
        }
        for (name, remembered) in unsaved {
            if self.try_save(&name, remembered).is_err() {
                self.chores.unsaved.insert(name, remembered);
            }
        }
        if self.chores.unsaved.is_empty() {
            self.answer(Input::Say(Own::RecordsWritten));
        }
    }
}
