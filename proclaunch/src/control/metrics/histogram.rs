//! How long something took, in classes.

use std::time::Duration;

use super::text::{Samples, count, number};

/// The upper bounds of the classes, in seconds; the last class has none. From a pure Lua check to a gate that waits out
/// its budget of 600 s.
const BOUNDS: [f64; 11] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0];

/// Durations, counted by class.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Histogram {
    /// How many lie in each class, and not in one before it.
    classes: [u64; BOUNDS.len() + 1],
    sum: Duration,
}

impl Histogram {
    /// Counts one.
    pub fn observe(&mut self, duration: Duration) {
        let seconds = duration.as_secs_f64();
        self.classes[BOUNDS.partition_point(|bound| *bound < seconds)] += 1;
        self.sum = self.sum.saturating_add(duration);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.classes.iter().sum()
    }

    /// Writes the samples.
    pub(super) fn write(&self, samples: &mut Samples<'_>, labels: &[(&str, &str)]) {
        let bounds = BOUNDS.iter().copied().chain([f64::INFINITY]);
        let mut up_to = 0;
        for (bound, class) in bounds.zip(self.classes) {
            up_to += class;
            let bound = number(bound);
            let labels: Vec<_> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
            samples.add_suffixed("_bucket", &labels, count(up_to));
        }
        samples.add_suffixed("_sum", labels, self.sum.as_secs_f64());
        samples.add_suffixed("_count", labels, count(up_to));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_class_and_all_are_counted() {
        let mut histogram = Histogram::default();
        for millis in [0, 1, 2, 5, 1000, 1001, 600_000, 600_001] {
            histogram.observe(Duration::from_millis(millis));
        }
        assert_eq!(histogram.classes, [2, 2, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1]);
        assert_eq!(histogram.count(), 8);
        assert_eq!(histogram.sum, Duration::from_millis(1_202_010));
    }
}
