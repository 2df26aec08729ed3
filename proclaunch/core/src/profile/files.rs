//! A profile's files as the scan found them: the input of the parser.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a profile directory holds, as far as it can matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// What became of `run`.
    pub run: Run,
    /// Everything else by file name: setting files with their content, other files as [`File::Other`].
    pub entries: BTreeMap<String, File>,
}

/// The `run` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Run {
    /// There is none.
    Missing,
    /// There is one, but it may not be executed, or it is no regular file.
    NotExecutable,
    /// It can be executed, and its content is this.
    Executable(Fingerprint),
    /// It, or the directory that holds it, could not be read, for this reason: not the same as gone.
    Unreadable(String),
}

/// One file of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum File {
    /// A regular file and all its bytes.
    Bytes(Vec<u8>),
    /// A regular file of that many bytes: more than any value needs, so not read.
    TooLarge(u64),
    /// A regular file that is of use only if it may be executed, which it may not.
    NotExecutable,
    /// It could not be read, for this reason.
    Unreadable(String),
    /// A directory with its files by name.
    Directory(BTreeMap<String, File>),
    /// Present, not read: its name means nothing to the parser, or it is a FIFO, a socket or a device.
    Other,
}

/// A digest of a file's content: equal content, equal fingerprint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub u128);

impl Fingerprint {
    /// The digest of `content`: FNV-1a of 128 bits, the same in every build, since records outlive an upgrade.
    pub fn of(content: &[u8]) -> Self {
        const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
        Self(content.iter().fold(OFFSET, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_fnv_1a_of_128_bits() {
        for (content, digest) in [
            ("", 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d),
            ("a", 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964),
            ("foobar", 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18),
        ] {
            assert_eq!(Fingerprint::of(content.as_bytes()), Fingerprint(digest), "{content}");
        }
    }
}
