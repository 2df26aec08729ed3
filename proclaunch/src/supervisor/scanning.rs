//! Reads profile directories, and gives the fleet what they say.

use proclaunch_core::fleet::{Input, Reading};
use proclaunch_core::log::Own;
use proclaunch_core::profile::{Defaults, parse};

use crate::killpoint;
use crate::scan::{self, Hint, Scan, ScanError};

use super::reactor::Reactor;

impl Reactor {
    /// Reads every profile directory.
    pub(super) fn scan_all(&mut self) {
        let scanned = scan::scan_all(&self.profiles_dir);
        let scanned = scanned.and_then(|found| Ok((found, scan::modules(self.hooks.module_dirs())?)));
        self.rescan.set_failed(scanned.is_err(), self.now);
        self.control.note_scan(scanned.as_ref().err().map(ToString::to_string));
        let (Scan { defaults, profiles, bad_names }, modules) = match scanned {
            Ok(found) => found,
            Err(error) => return self.answer(Input::ScanFailed(error.to_string())),
        };
        let (defaults, problems) = Defaults::parse(&defaults);
        self.defaults = defaults.with_modules(modules);
        let bad_names = bad_names.iter().map(|name| name.to_string_lossy().into_owned());
        let bad_names = bad_names.map(|name| Own::BadDirectoryName { name });
        let problems = problems.iter().map(|problem| Own::BadDefault { problem: problem.to_string() });
        let remarks = bad_names.chain(problems).collect();
        let found = profiles.into_iter().map(|(name, files)| (name, parse(&files, &self.defaults)));
        let reading = Reading { complete: true, found: found.collect(), missing: Vec::new() };
        self.take_reading(reading, remarks);
        self.outputs_of_the_gone();
    }

    /// Reads what a hint names, after watching it anew: what changes in between is the next hint.
    pub(super) fn rescan(&mut self, hint: &Hint) {
        let gap = self.watcher.as_mut().map(|watcher| {
            let had_gap = !watcher.is_complete();
            watcher.refresh(hint);
            watcher.gap().filter(|_| !had_gap).map(ToOwned::to_owned)
        });
        self.say_gap(gap.flatten());
        killpoint::pass("rescan");
        let Hint::Some(names) = hint else {
            self.scan_all();
            return;
        };
        let mut reading = Reading::default();
        for name in self.roster.concerned(names) {
            match scan::scan_one(&self.profiles_dir, &name) {
                Ok(Some(files)) => reading.found.push((name, parse(&files, &self.defaults))),
                Ok(None) => reading.missing.push(name),
                Err(error) => return self.scan_failed(&error),
            }
        }
        self.take_reading(reading, Vec::new());
    }

    fn scan_failed(&mut self, error: &ScanError) {
        self.rescan.set_failed(true, self.now);
        self.answer(Input::ScanFailed(error.to_string()));
    }

    /// Tells the fleet what was read, by profiles.
    fn take_reading(&mut self, reading: Reading, remarks: Vec<Own>) {
        let (mut scan, taken) = self.roster.take(reading);
        scan.remarks = remarks;
        self.output_settings_of(&scan.profiles);
        for own in taken {
            self.answer(Input::Say(own));
        }
        self.answer(Input::Scan(scan));
    }

    /// Where the kernel does not tell of every change, the files are read each second; said when it begins.
    pub(super) fn say_gap(&mut self, gap: Option<String>) {
        let is_blind = self.watcher.as_ref().is_none_or(|watcher| !watcher.is_complete());
        self.rescan.set_blind(is_blind, self.now);
        if let Some(why) = gap {
            self.answer(Input::Say(Own::WatchIncomplete { why }));
        }
    }
}
