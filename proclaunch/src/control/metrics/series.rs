//! What hooks count and measure themselves, added up.

use std::collections::BTreeMap;
use std::sync::Arc;

use proclaunch_core::ids::ProfileName;

use super::text::Text;
use crate::hooks::{MetricKind, SERIES_MAX, Sample, Series};

/// All of it.
#[derive(Clone, Debug, Default)]
pub(super) struct AllSeries {
    /// By profile: a metric's name may be in several. Shared with who has taken a copy, until it changes.
    profiles: BTreeMap<ProfileName, Arc<BTreeMap<Series, f64>>>,
    /// What each metric is, and how many series it has.
    kinds: BTreeMap<String, (MetricKind, usize)>,
}

impl AllSeries {
    /// Takes one sample, or says why it is not kept.
    pub(super) fn add(&mut self, name: &ProfileName, sample: Sample) -> Result<(), String> {
        let Sample { series, kind, value } = sample;
        if let Some((of, _)) = self.kinds.get(&series.metric).filter(|(of, _)| *of != kind) {
            return Err(format!(
                "`{}` is not kept as a {}: it is a {} already",
                series.metric,
                kind.name(),
                of.name()
            ));
        }
        let own = Arc::make_mut(self.profiles.entry(name.clone()).or_default());
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

    /// Drops those of a profile that is gone; says whether there were any.
    pub(super) fn forget(&mut self, name: &ProfileName) -> bool {
        let Some(gone) = self.profiles.remove(name) else { return false };
        for series in gone.keys() {
            if let Some((_, count)) = self.kinds.get_mut(&series.metric) {
                *count -= 1;
            }
        }
        self.kinds.retain(|_, (_, count)| *count > 0);
        true
    }

    /// Writes them all.
    pub(super) fn write(&self, text: &mut Text) {
        for (name, all) in &self.profiles {
            for (series, value) in all.as_ref() {
                let Some((kind, _)) = self.kinds.get(&series.metric) else { continue };
                let labels = series.labels.iter().map(|(label, text)| (label.as_str(), text.as_str()));
                let labels: Vec<_> = [("profile", name.as_str())].into_iter().chain(labels).collect();
                let help = "What hooks have told.";
                text.family(&series.metric, kind.name(), help).add(&labels, *value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::convert::tests::name;

    fn sample(metric: &str, labels: &[(&str, &str)], kind: MetricKind, value: f64) -> Sample {
        let labels = labels.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Sample { series: Series { metric: metric.to_owned(), labels }, kind, value }
    }

    fn render(all: &AllSeries) -> String {
        let mut text = Text::default();
        all.write(&mut text);
        text.finish()
    }

    #[test]
    fn the_text_is_that_of_prometheus() {
        let mut all = AllSeries::default();
        let (web, db) = (name("web"), name("db"));
        let odd = [("queue", "a\"b\\c\nd"), ("at", "x")];
        for (profile, sample) in [
            (&web, sample("jobs_total", &odd, MetricKind::Counter, 2.0)),
            (&web, sample("depth", &[], MetricKind::Gauge, 12.0)),
            (&web, sample("jobs_total", &odd, MetricKind::Counter, 0.5)),
            (&db, sample("jobs_total", &[], MetricKind::Counter, 1.0)),
            (&web, sample("depth", &[], MetricKind::Gauge, -3.0)),
        ] {
            assert_eq!(all.add(profile, sample), Ok(()));
        }
        assert_eq!(
            render(&all),
            "# HELP depth What hooks have told.\n# TYPE depth gauge\ndepth{profile=\"web\"} -3\n\
             # HELP jobs_total What hooks have told.\n# TYPE jobs_total counter\njobs_total{profile=\"db\"} 1\n\
             jobs_total{profile=\"web\",at=\"x\",queue=\"a\\\"b\\\\c\\nd\"} 2.5\n"
        );
        assert!(all.forget(&web) && !all.forget(&web));
        assert!(render(&all).ends_with("counter\njobs_total{profile=\"db\"} 1\n"));
        let again = all.add(&db, sample("depth", &[], MetricKind::Counter, 1.0));
        assert_eq!(again, Ok(()), "the gauge is gone");
    }

    #[test]
    fn a_profile_has_so_many_and_a_metric_one_kind() {
        let mut all = AllSeries::default();
        let web = name("web");
        for index in 0..SERIES_MAX {
            let label = index.to_string();
            let one = sample("jobs", &[("n", &label)], MetricKind::Counter, 1.0);
            assert_eq!(all.add(&web, one), Ok(()));
        }
        let more = all.add(&web, sample("jobs", &[], MetricKind::Counter, 1.0));
        assert_eq!(more, Err("`jobs` is not kept: a profile has at most 64 metrics".to_owned()));
        assert_eq!(all.add(&web, sample("jobs", &[("n", "7")], MetricKind::Counter, 1.0)), Ok(()));
        let other = all.add(&name("db"), sample("jobs", &[], MetricKind::Gauge, 1.0));
        assert_eq!(other, Err("`jobs` is not kept as a gauge: it is a counter already".to_owned()));
    }

    #[test]
    fn a_copy_stays_as_it_was() {
        let mut all = AllSeries::default();
        assert_eq!(all.add(&name("web"), sample("depth", &[], MetricKind::Gauge, 1.0)), Ok(()));
        let copy = all.clone();
        assert_eq!(all.add(&name("web"), sample("depth", &[], MetricKind::Gauge, 2.0)), Ok(()));
        assert!(render(&copy).ends_with(" 1\n") && render(&all).ends_with(" 2\n"));
    }
}
