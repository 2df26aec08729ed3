//! The file `progress`: how far a spool is worked off.

/// Its length, in bytes: less than a page, so that a SIGKILL does not divide the writing of it.
pub(super) const RECORD: usize = 40;

/// The first eight bytes: what it is, and of which version.
const MAGIC: u64 = u64::from_le_bytes(*b"plspool1");

/// What it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// So many bytes of the spool are in `current`.
    pub(super) done: u64,
    /// So large is `current` with them.
    pub(super) size: u64,
    /// Which file it was that is called `current`.
    pub(super) inode: u64,
}

impl Progress {
    /// What a record says; none if it is none, or was damaged by a power failure.
    pub(super) fn parse(record: &[u8]) -> Option<Self> {
        let (words, rest) = record.as_chunks::<8>();
        let [magic, done, size, inode, sum] = *words else { return None };
        let [magic, done, size, inode, sum] = [magic, done, size, inode, sum].map(u64::from_le_bytes);
        let told = Self { done, size, inode };
        (rest.is_empty() && magic == MAGIC && sum == told.sum()).then_some(told)
    }

    /// The record that says this.
    pub(super) fn record(self) -> [u8; RECORD] {
        let mut record = [0; RECORD];
        let words = [MAGIC, self.done, self.size, self.inode, self.sum()];
        for (place, word) in record.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        record
    }

    fn sum(self) -> u64 {
        // The prime of FNV-1a.
        [self.done, self.size, self.inode]
            .iter()
            .fold(MAGIC, |sum, word| (sum ^ word).wrapping_mul(0x0100_0000_01b3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_back_and_a_damaged_one_is_none() {
        let told = Progress { done: 7, size: 1 << 40, inode: 99 };
        let record = told.record();
        assert_eq!(Progress::parse(&record), Some(told));
        for index in 0..RECORD {
            let mut damaged = record;
            damaged[index] ^= 4;
            assert_eq!(Progress::parse(&damaged), None, "byte {index}");
            assert_eq!(Progress::parse(&record[..index]), None, "{index} bytes");
        }
    }
}
