//! Chance from a seed: the same seed gives the same chances.

use std::time::Duration;

/// `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `end - 1`.
    pub(crate) const fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True once in `times` on average.
    pub(crate) const fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let index = self.below(u64::try_from(items.len()).expect("a short list"));
        &items[usize::try_from(index).expect("an index of the list")]
    }

    /// A duration below `end`, to the microsecond.
    pub(crate) fn duration(&mut self, end: Duration) -> Duration {
        let micros = u64::try_from(end.as_micros()).expect("a short duration");
        Duration::from_micros(if micros == 0 { 0 } else { self.below(micros) })
    }

    /// A delay of any order of magnitude, from none to many seconds: most races are close.
    pub(crate) fn delay(&mut self) -> Duration {
        let end = *self.pick(&[0, 0, 1, 20, 300, 3_000, 15_000]);
        self.duration(Duration::from_millis(end))
    }
}
