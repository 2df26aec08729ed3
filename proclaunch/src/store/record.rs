//! One record, and its bytes.
//!
//! A field may be added under the same version if its absence means what it meant before; a reader ignores fields
//! that it does not know. Any other change is a new [`VERSION`], and the fixtures of the old ones stay.
//!
//! **Invariant:** decoding is total: any bytes give a record or a named error.

use std::io;

use proclaunch_core::ids::ProfileName;
use proclaunch_core::machine::Remembered;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The version that is written, and the only one that is read.
pub const VERSION: u32 = 1;
/// The most bytes that a record may have.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;

/// What is remembered of one profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The version of the form: [`VERSION`].
    pub version: u32,
    /// The boot in which it was written: see [`crate::sys::clock::boot_id`].
    pub boot_id: String,
    /// Whose record it is.
    pub name: ProfileName,
    /// What its machine has remembered.
    #[serde(flatten)]
    pub remembered: Remembered,
    /// What its hooks keep, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vars: Option<String>,
}

/// Why bytes are no record: fragments for people.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The file cannot be read.
    #[error("it cannot be read: {source}")]
    Unreadable {
        /// Why.
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("it is empty")]
    Empty,
    /// There is too much in it.
    #[error("it has more than {RECORD_BYTES_MAX} bytes")]
    Huge,
    /// It is another program's, or a torn one.
    #[error("it is not a record: {source}")]
    Malformed {
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// It was written by another version of `ProcLaunch`.
    #[error("it has version {version}, where {VERSION} is understood")]
    OtherVersion {
        /// The version.
        version: u32,
    },
    /// It has been renamed or copied.
    #[error("it is the record of `{name}`")]
    OtherName {
        /// Whose it says it is.
        name: ProfileName,
    },
    /// It names a process that no service can be.
    #[error("it names pid {pid}, which no service has")]
    ImpossiblePid {
        /// The pid.
        pid: i32,
    },
}

/// What every version has.
#[derive(Deserialize)]
struct Header {
    version: u32,
}

impl Record {
    /// A record of this version.
    pub const fn new(name: ProfileName, boot_id: String, remembered: Remembered) -> Self {
        Self { version: VERSION, boot_id, name, remembered, vars: None }
    }

    /// The bytes to store: one line of JSON.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("no field is a map or can fail to serialize");
        bytes.push(b'\n');
        bytes
    }

    /// The record that these bytes are.
    ///
    /// # Errors
    /// All of [`RecordError`] but those about the file.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.is_empty() {
            return Err(RecordError::Empty);
        }
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(RecordError::Huge);
        }
        let malformed = |source| RecordError::Malformed { source };
        // First, so that another version is called that, whatever else it has.
        let Header { version } = serde_json::from_slice(bytes).map_err(malformed)?;
        if version != VERSION {
            return Err(RecordError::OtherVersion { version });
        }
        let record: Self =
            serde_json::from_slice(bytes).map_err(|source| RecordError::Malformed { source })?;
        match record.remembered.process.map(|main| main.id.pid) {
            // 0 and below would signal groups, and 1 is never a service.
            Some(pid) if pid <= 1 => Err(RecordError::ImpossiblePid { pid }),
            Some(_) | None => Ok(record),
        }
    }
}
