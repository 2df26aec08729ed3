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
}

/// One file of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum File {
    /// A regular file and all its bytes.
    Bytes(Vec<u8>),
    /// A regular file of that many bytes: more than any value needs, so not read.
    TooLarge(u64),
    /// It could not be read, for this reason.
    Unreadable(String),
    /// A directory with its files by name.
    Directory(BTreeMap<String, File>),
    /// A file whose name means nothing to the parser: present, not read.
    Other,
}

/// A digest of a file's content: equal content, equal fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub u128);
