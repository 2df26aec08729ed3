//! Where tickets and jitter come from.

use std::time::Duration;

use crate::hook::QuestionId;
use crate::ids::Ticket;

/// Gives out tickets, each once, and spreads delays. Deterministic: the same instance gives the same ones.
#[derive(Clone, Debug)]
pub struct Tickets {
    instance: u64,
    serial: u64,
    /// Delays stay as they are.
    is_level: bool,
}

impl Tickets {
    /// The tickets of a supervisor with that random number.
    pub const fn new(instance: u64) -> Self {
        Self { instance, serial: 0, is_level: false }
    }

    /// Those of a machine that only shows what would happen: none was ever given out, and delays stay as they are.
    pub(super) const fn for_trial() -> Self {
        Self { instance: u64::MAX, serial: u64::MAX / 2, is_level: true }
    }

    /// A ticket that was never given out before.
    pub fn take(&mut self) -> Ticket {
        self.serial += 1;
        Ticket { instance: self.instance, serial: self.serial }
    }

    /// The number of a question that was never asked before.
    pub fn question(&mut self) -> QuestionId {
        self.serial += 1;
        QuestionId(self.serial)
    }

    /// The delay, longer or shorter by up to a tenth, so that what failed together does not come back together.
    pub fn spread(&mut self, delay: Duration) -> Duration {
        if self.is_level {
            return delay;
        }
        self.serial += 1;
        let per_mille = 900 + u32::try_from(mix(self.instance ^ self.serial) % 201).expect("below 201");
        delay * per_mille / 1000
    }
}

/// The finalizer of `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
const fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_a_tenth_and_uses_all_of_it() {
        let mut tickets = Tickets::new(7);
        let delays: Vec<_> = (0..2000).map(|_| tickets.spread(Duration::from_secs(10))).collect();
        let (least, most) = (delays.iter().min().unwrap(), delays.iter().max().unwrap());
        assert!(*least >= Duration::from_secs(9) && *least < Duration::from_millis(9_050), "{least:?}");
        assert!(*most <= Duration::from_secs(11) && *most > Duration::from_millis(10_950), "{most:?}");
    }
}
