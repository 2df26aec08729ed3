//! What the hooks of all profiles count and measure, and the file that monitoring reads it from.
//!
//! The file is in the text format of Prometheus, as the textfile collector of its node exporter takes it.
//!
//! **Invariant:** bounded, whatever hooks name; a metric has one kind in all profiles.
//! **Invariant:** the file is whole at any moment, and written only when something in it has changed, at most once in
//! [`SPACING`].

use std::collections::BTreeSet;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use proclaunch_core::clock::Moment;
use proclaunch_core::fleet::Input;
use proclaunch_core::ids::ProfileName;
use proclaunch_core::log::{Entry, Level, Own, Said};

use super::reactor::Reactor;
use crate::control::metrics::Recorder;
use crate::files;
use crate::hooks::Sample;

/// The file in the state directory.
const FILE: &str = "metrics.prom";

/// The shortest time between two versions of the file.
const SPACING: Duration = Duration::from_secs(15);

/// The file, and what is in it.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    /// Where everything is counted; shared with the server of the control socket.
    pub(super) recorder: Arc<Recorder>,
    /// The profiles of which a metric was refused, so that it is said once.
    refused: BTreeSet<ProfileName>,
    /// When the file is to be written.
    due: Option<Moment>,
    written: Option<Moment>,
    /// Whether the last version could not be written; said once.
    failed: bool,
}

impl Metrics {
    pub(super) const fn deadline(&self) -> Option<Moment> {
        self.due
    }

    /// Has the file written when it is time.
    fn change(&mut self, now: Moment) {
        let next = self.written.map_or(now, |written| written.plus(SPACING).max(now));
        self.due.get_or_insert(next);
    }

    /// Drops those of a profile that is gone.
    pub(super) fn forget(&mut self, name: &ProfileName, now: Moment) {
        self.refused.remove(name);
        if self.recorder.forget(name) {
            self.change(now);
        }
    }
}

impl Reactor {
    /// Takes what a call has counted and measured.
    pub(super) fn take_metrics(&mut self, name: &ProfileName, samples: Vec<Sample>) {
        for sample in samples {
            if let Err(text) = self.metrics.recorder.add(name, sample)
                && self.metrics.refused.insert(name.clone())
            {
                self.warn(name.clone(), text);
            }
        }
        let now = self.now;
        self.metrics.change(now);
    }

    /// Removes what an earlier supervisor left: its numbers are nobody's.
    pub(super) fn begin_metrics(&self) {
        if let Ok(dir) = File::open(&self.state_dir) {
            // A file that cannot be removed is replaced by the first one that is written.
            let _ = files::remove(&dir, FILE);
        }
    }

    /// Writes the file if it is time.
    pub(super) fn write_metrics(&mut self, now: Moment) {
        if self.metrics.due.is_none_or(|due| due > now) {
            return;
        }
        self.metrics.due = None;
        self.metrics.written = Some(now);
        let text = self.metrics.recorder.series_page();
        let written = File::open(&self.state_dir).and_then(|dir| files::replace(&dir, FILE, text.as_bytes()));
        match written {
            Ok(()) => {
                if std::mem::take(&mut self.metrics.failed) {
                    self.answer(Input::Say(Own::MetricsWritten));
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut self.metrics.failed, true) {
                    let why = format!("write metrics to `{}`: {error}", self.state_dir.join(FILE).display());
                    self.answer(Input::Say(Own::MetricsNotWritten { why }));
                }
                self.metrics.change(now);
            }
        }
    }

    fn warn(&self, name: ProfileName, text: String) {
        self.write(&Entry::Profile(name, Said::Hook { hook: None, level: Level::Warn, text }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn the_file_is_due_at_once_and_then_every_so_often() {
        let mut metrics = Metrics::default();
        metrics.change(at(5));
        assert_eq!(metrics.deadline(), Some(at(5)));
        (metrics.due, metrics.written) = (None, Some(at(5)));
        metrics.change(at(6));
        metrics.change(at(7));
        assert_eq!(metrics.deadline(), Some(at(20)));
        (metrics.due, metrics.written) = (None, Some(at(20)));
        metrics.change(at(100));
        assert_eq!(metrics.deadline(), Some(at(100)));
    }
}
