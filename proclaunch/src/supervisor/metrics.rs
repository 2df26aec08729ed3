//! What the hooks of all profiles count and measure, and the file that monitoring reads it from.
//!
//! The file is in the text format of Prometheus, as the textfile collector of its node exporter takes it.
//!
//! **Invariant:** bounded, whatever hooks name; a metric has one kind in all profiles.
//! **Invariant:** the file is whole at any moment, and written only when something in it has changed, at most once in
//! [`SPACING`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::time::Duration;

use proclaunch_core::clock::Moment;
use proclaunch_core::fleet::Input;
use proclaunch_core::ids::ProfileName;
use proclaunch_core::log::{Entry, Level, Own, Said};

use super::reactor::Reactor;
use crate::files;
use crate::hooks::{MetricKind, SERIES_MAX, Sample, Series};

/// The file in the state directory.
const FILE: &str = "metrics.prom";

/// The shortest time between two versions of the file.
const SPACING: Duration = Duration::from_secs(15);

/// All metrics.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    /// By profile: a metric's name may be in several.
    profiles: BTreeMap<ProfileName, BTreeMap<Series, f64>>,
    /// What each metric is, and how many series it has.
    kinds: BTreeMap<String, (MetricKind, usize)>,
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

    /// Takes one sample, or says why it is not kept.
    fn add(&mut self, name: &ProfileName, sample: Sample) -> Result<(), String> {
        let Sample { series, kind, value } = sample;
        if let Some((of, _)) = self.kinds.get(&series.metric).filter(|(of, _)| *of != kind) {
            return Err(format!(
                "`{}` is not kept as a {}: it is a {} already",
                series.metric,
                kind.name(),
                of.name()
            ));
        }
        let own = self.profiles.entry(name.clone()).or_default();
        let value = match (own.get(&series), kind) {
            (None, _) if own.len() >= SERIES_MAX => {
                return Err(format!(
                    "`{}` is not kept: a profile has at most {SERIES_MAX} metrics",
                    series.metric
                ));
            }
            (Some(known), MetricKind::Counter) => known + value,
            (Some(_) | None, MetricKind::Counter | MetricKind::Gauge) => value,
        };
        let metric = series.metric.clone();
        if own.insert(series, value).is_none() {
            self.kinds.entry(metric).or_insert((kind, 0)).1 += 1;
        }
        Ok(())
    }

    /// Has the file written when it is time.
    fn change(&mut self, now: Moment) {
        let next = self.written.map_or(now, |written| written.plus(SPACING).max(now));
        self.due.get_or_insert(next);
    }

    /// Drops those of a profile that is gone.
    pub(super) fn forget(&mut self, name: &ProfileName, now: Moment) {
        self.refused.remove(name);
        let Some(gone) = self.profiles.remove(name) else { return };
        for series in gone.into_keys() {
            if let Some((_, count)) = self.kinds.get_mut(&series.metric) {
                *count -= 1;
            }
        }
        self.kinds.retain(|_, (_, count)| *count > 0);
        self.change(now);
    }

    /// All of them in the text format of Prometheus, each metric's series together.
    fn render(&self) -> String {
        let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (name, all) in &self.profiles {
            for (series, value) in all {
                let labels =
                    series.labels.iter().map(|(label, text)| format!(",{label}=\"{}\"", escaped(text)));
                let labels: String = labels.collect();
                let line = format!("{}{{profile=\"{name}\"{labels}}} {value}\n", series.metric);
                lines.entry(&series.metric).or_default().push(line);
            }
        }
        let mut text = String::new();
        for (metric, (kind, _)) in &self.kinds {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# TYPE {metric} {}", kind.name());
            text.extend(lines.remove(metric.as_str()).into_iter().flatten());
        }
        text
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

impl Reactor {
    /// Takes what a call has counted and measured.
    pub(super) fn take_metrics(&mut self, name: &ProfileName, samples: Vec<Sample>) {
        for sample in samples {
            if let Err(text) = self.metrics.add(name, sample)
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
        let text = self.metrics.render();
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

    fn name(text: &str) -> ProfileName {
        ProfileName::parse(text).unwrap()
    }

    fn sample(metric: &str, labels: &[(&str, &str)], kind: MetricKind, value: f64) -> Sample {
        let labels = labels.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Sample { series: Series { metric: metric.to_owned(), labels }, kind, value }
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn the_text_is_that_of_prometheus() {
        let mut metrics = Metrics::default();
        let (web, db) = (name("web"), name("db"));
        let odd = [("queue", "a\"b\\c\nd"), ("at", "x")];
        for (profile, sample) in [
            (&web, sample("jobs_total", &odd, MetricKind::Counter, 2.0)),
            (&web, sample("depth", &[], MetricKind::Gauge, 12.0)),
            (&web, sample("jobs_total", &odd, MetricKind::Counter, 0.5)),
            (&db, sample("jobs_total", &[], MetricKind::Counter, 1.0)),
            (&web, sample("depth", &[], MetricKind::Gauge, -3.0)),
        ] {
            assert_eq!(metrics.add(profile, sample), Ok(()));
        }
        assert_eq!(
            metrics.render(),
            "# TYPE depth gauge\ndepth{profile=\"web\"} -3\n# TYPE jobs_total counter\njobs_total{profile=\"db\"} 1\n\
             jobs_total{profile=\"web\",at=\"x\",queue=\"a\\\"b\\\\c\\nd\"} 2.5\n"
        );
        metrics.forget(&web, at(1));
        assert_eq!(metrics.render(), "# TYPE jobs_total counter\njobs_total{profile=\"db\"} 1\n");
        assert_eq!(
            metrics.add(&db, sample("depth", &[], MetricKind::Counter, 1.0)),
            Ok(()),
            "the gauge is gone"
        );
    }

    #[test]
    fn a_profile_has_so_many_and_a_metric_one_kind() {
        let mut metrics = Metrics::default();
        let web = name("web");
        for index in 0..SERIES_MAX {
            let label = index.to_string();
            let one = sample("jobs", &[("n", &label)], MetricKind::Counter, 1.0);
            assert_eq!(metrics.add(&web, one), Ok(()));
        }
        let more = metrics.add(&web, sample("jobs", &[], MetricKind::Counter, 1.0));
        assert_eq!(more, Err("`jobs` is not kept: a profile has at most 64 metrics".to_owned()));
        assert_eq!(metrics.add(&web, sample("jobs", &[("n", "7")], MetricKind::Counter, 1.0)), Ok(()));
        let other = metrics.add(&name("db"), sample("jobs", &[], MetricKind::Gauge, 1.0));
        assert_eq!(other, Err("`jobs` is not kept as a gauge: it is a counter already".to_owned()));
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
