//! What has happened in a test, counted: what `expect` looks at.
//!
//! **Invariant:** everything counts from the beginning of the test.

use std::collections::BTreeMap;

use proclaunch_core::signal::Signal;
use serde_json::Value as Json;

use crate::hooks::{MetricKind, Sample, Series};

/// What has happened.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// How often each line was written to the log, without its time, its level and the profile's name.
    pub(super) lines: BTreeMap<String, u64>,
    /// How often each command was executed, its words joined by spaces.
    pub(super) execs: BTreeMap<String, u64>,
    /// How often each signal was sent to which process; CONT after a stop signal left aside.
    pub(super) signals: BTreeMap<(Signal, i32), u64>,
    /// What `on_event` was told: `transition: running -> stopped (exit 1)`.
    pub(super) events: Vec<String>,
    /// Processes that were started.
    pub(super) starts: u64,
    /// Main processes that ended.
    pub(super) exits: u64,
    /// Why a hook had everything shut down.
    pub(super) shutdown: Option<String>,
    /// What was counted and measured, series by series.
    pub(super) metrics: BTreeMap<Series, f64>,
    /// What the hooks keep, as JSON.
    pub(super) vars: String,
}

impl Facts {
    /// How many lines have this in them.
    pub(super) fn lines_with(&self, part: &str) -> u64 {
        self.lines.iter().filter(|(line, _)| line.contains(part)).map(|(_, count)| count).sum()
    }

    /// How many of the commands that were executed begin with these words.
    pub(super) fn execs_of(&self, words: &str) -> u64 {
        let is_one = |command: &str| {
            command.strip_prefix(words).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        self.execs.iter().filter(|(command, _)| is_one(command)).map(|(_, count)| count).sum()
    }

    /// How often a signal was sent, to that process or to any.
    pub(super) fn signals_of(&self, signal: Signal, pid: Option<i32>) -> u64 {
        let is_one = |sent: &(Signal, i32)| sent.0 == signal && pid.is_none_or(|pid| pid == sent.1);
        self.signals.iter().filter(|(sent, _)| is_one(sent)).map(|(_, count)| count).sum()
    }

    /// Takes what a hook has counted or measured.
    pub(super) fn measure(&mut self, sample: Sample) {
        let known = self.metrics.entry(sample.series).or_default();
        *known = match sample.kind {
            MetricKind::Counter => *known + sample.value,
            MetricKind::Gauge => sample.value,
        };
    }

    /// The values of a metric, one for each of its sets of labels.
    pub(super) fn measured(&self, metric: &str) -> Vec<f64> {
        self.metrics.iter().filter(|(series, _)| series.metric == metric).map(|(_, value)| *value).collect()
    }

    /// The variables as data.
    pub(super) fn kept(&self) -> Json {
        serde_json::from_str(&self.vars).unwrap_or_else(|_| Json::Object(serde_json::Map::new()))
    }
}

/// Counts one more.
pub(super) fn count<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    *counts.entry(key).or_default() += 1;
}
