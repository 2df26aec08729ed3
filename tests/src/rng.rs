//! Chance from a seed.

use std::time::Duration;

/// `xorshift64` (Marsaglia: Xorshift RNGs, 2003).
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// The same for every seed.
    pub const fn new(seed: u64) -> Self {
        // Small seeds have few bits, and zero none: spread them.
        Self((seed ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0x2545_f491_4f6c_dd1d) | 1)
    }

    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number from 0 to `end - 1`.
    pub const fn below(&mut self, end: u64) -> u64 {
        (self.next() >> 16) % end
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let index = self.below(u64::try_from(items.len()).expect("a short list"));
        &items[usize::try_from(index).expect("an index of the list")]
    }

    /// A pause of any order of magnitude up to a second and more: most races are close, and a supervisor that has lived
    /// for a second is followed by another at once.
    pub fn pause(&mut self) -> Duration {
        let end = *self.pick(&[1, 3_000, 50_000, 200_000, 2_000_000]);
        Duration::from_micros(self.below(end))
    }
}
