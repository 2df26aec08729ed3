//! The last minutes of a figure, as a row of bars.

use std::collections::VecDeque;

/// How many samples are kept: five minutes of one a second.
pub const KEPT: usize = 300;

/// A figure over time.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    kept: VecDeque<f64>,
    /// How many were ever taken: bars begin at multiples of their width, so that they do not flicker as time goes on.
    taken: usize,
}

impl Samples {
    /// Takes one; what is unknown counts as nothing.
    pub fn take(&mut self, value: Option<f64>) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(value.filter(|value| value.is_finite()).unwrap_or(0.0).max(0.0));
        self.taken += 1;
    }

    /// The highest of them.
    pub fn peak(&self) -> f64 {
        self.kept.iter().copied().fold(0.0, f64::max)
    }

    /// So many bars, the newest last: each the highest sample of its share of the time. Those before the first sample
    /// are nothing.
    pub fn bars(&self, width: usize) -> Vec<f64> {
        if width == 0 {
            return Vec::new();
        }
        let share = KEPT.div_ceil(width);
        let newest = self.taken.saturating_sub(1) / share;
        let mut bars = vec![0.0_f64; width];
        let first = self.taken - self.kept.len();
        for (index, value) in self.kept.iter().enumerate() {
            let age = newest - (first + index) / share;
            if let Some(bar) = width.checked_sub(age + 1).and_then(|at| bars.get_mut(at)) {
                *bar = bar.max(*value);
            }
        }
        bars
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_the_highest_of_its_share() {
        let mut samples = Samples::default();
        assert_eq!(samples.bars(3), [0.0; 3]);
        for value in 1..=150 {
            samples.take(Some(f64::from(value)));
        }
        assert_eq!(samples.bars(3), [0.0, 100.0, 150.0]);
        for value in 151..=400 {
            samples.take(Some(f64::from(value)));
        }
        assert_eq!(samples.bars(3), [200.0, 300.0, 400.0]);
        assert!(samples.peak() >= 400.0);
        assert!(samples.bars(0).is_empty());
    }

    #[test]
    fn bars_of_the_past_stay_as_they_are() {
        let mut samples = Samples::default();
        for value in 0..300_u32 {
            samples.take(Some(f64::from(value % 7)));
        }
        let before = samples.bars(60);
        samples.take(Some(100.0));
        assert_eq!(samples.bars(60)[..59], before[1..], "only the newest is new");
    }

    #[test]
    fn what_is_no_figure_is_nothing() {
        let mut samples = Samples::default();
        for value in [None, Some(f64::NAN), Some(f64::INFINITY), Some(-1.0)] {
            samples.take(value);
        }
        assert!(samples.peak().abs() < f64::EPSILON);
    }
}
