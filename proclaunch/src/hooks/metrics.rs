//! What hooks count and measure, until their call ends: then it is told all at once.
//!
//! **Invariant:** bounded: a call that counts without end still tells no more than [`SERIES_MAX`] series, once.

use std::collections::BTreeMap;

/// The most series of one profile: pairs of a name and labels.
pub const SERIES_MAX: usize = 64;

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows; what is told is by how much.
    Counter,
    /// It is what was measured last.
    Gauge,
}

impl MetricKind {
    /// As Prometheus calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}

/// One series: the name of a metric, and its labels.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    /// By the rules of Prometheus.
    pub metric: String,
    /// Likewise; any text is a value.
    pub labels: BTreeMap<String, String>,
}

/// What became of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Which.
    pub series: Series,
    /// What it is.
    pub kind: MetricKind,
    /// By how much it grew, or what it is.
    pub value: f64,
}

/// What was counted and measured since it was last told.
#[derive(Debug, Default)]
pub(super) struct Samples(BTreeMap<Series, (MetricKind, f64)>);

impl Samples {
    /// Adds one.
    ///
    /// # Errors
    /// There are too many, or the metric is of another kind; in words.
    pub(super) fn add(&mut self, sample: Sample) -> Result<(), String> {
        let Sample { series, kind, value } = sample;
        let other = self.0.iter().find(|(known, (of, _))| known.metric == series.metric && *of != kind);
        if let Some((_, (of, _))) = other {
            return Err(format!("`{}` is a {} already", series.metric, of.name()));
        }
        if self.0.len() >= SERIES_MAX && !self.0.contains_key(&series) {
            return Err(format!("more than {SERIES_MAX} metrics, counted with their labels"));
        }
        let known = &mut self.0.entry(series).or_insert((kind, 0.0)).1;
        *known = match kind {
            MetricKind::Counter => *known + value,
            MetricKind::Gauge => value,
        };
        Ok(())
    }

    /// Takes them all.
    pub(super) fn take(&mut self) -> Vec<Sample> {
        let all = std::mem::take(&mut self.0).into_iter();
        all.map(|(series, (kind, value))| Sample { series, kind, value }).collect()
    }
}
