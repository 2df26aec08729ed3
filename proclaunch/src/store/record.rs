//! One record, and its bytes.
//!
//! A field may be added under the same version if its absence means what it meant before; a reader ignores fields
//! that it does not know. Any other change is a new [`VERSION`], and the fixtures of the old ones stay.
//!
//! **Invariant:** decoding is total: any bytes give a record or a named error.

use std::io;

use proclaunch_core::ids::ProfileName;
use proclaunch_core::machine::{Phase, Remembered};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The version that is written. Those before it are read too.
pub const VERSION: u32 = 2;
/// The most bytes that a record may have: what hooks keep is at most 64 KiB of JSON, which at most doubles as a string
/// in JSON, and what the core remembers with every ring full stays below the rest.
pub const RECORD_BYTES_MAX: usize = 256 * 1024;

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
    pub remembered: Remembered,
    /// What its hooks keep, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vars: Option<String>,
}

/// A record as it is written, of what others hold.
#[derive(Debug, Serialize)]
pub struct Written<'a> {
    /// As in [`Record`], and so are all of these.
    pub version: u32,
    /// The boot.
    pub boot_id: &'a str,
    /// The profile.
    pub name: &'a ProfileName,
    /// What its machine remembers.
    pub remembered: &'a Remembered,
    /// What its hooks keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vars: Option<&'a str>,
}

impl Written<'_> {
    /// The bytes to store: one line of JSON.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec(self).expect("no field is a map or can fail to serialize");
        bytes.push(b'\n');
        bytes
    }
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
    #[error("it has version {version}, where at most {known} is understood")]
    OtherVersion {
        /// The version.
        version: u32,
        /// The newest version that is understood.
        known: u32,
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

    /// The same as it is written.
    pub fn written(&self) -> Written<'_> {
        let Self { version, boot_id, name, remembered, vars } = self;
        Written { version: *version, boot_id, name, remembered, vars: vars.as_deref() }
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
        let record = match version {
            1 => serde_json::from_slice::<old::Record>(bytes).map(Self::from),
            VERSION => serde_json::from_slice(bytes),
            version => return Err(RecordError::OtherVersion { version, known: VERSION }),
        };
        let record = record.map_err(|source| RecordError::Malformed { source })?;
        // 0 and below would signal groups, and 1 is never a service.
        match pids(&record.remembered.phase).into_iter().find(|pid| *pid <= 1) {
            Some(pid) => Err(RecordError::ImpossiblePid { pid }),
            None => Ok(record),
        }
    }
}

/// The processes that a phase names.
fn pids(phase: &Phase) -> Vec<i32> {
    let ended = if let Phase::Stopping { exit: Some((id, _)), .. } = phase { Some(*id) } else { None };
    phase.main().into_iter().chain(ended).map(|id| id.pid).collect()
}

/// Version 1: what ran, what rested, and the order in force.
mod old {
    use proclaunch_core::ids::{ProcId, ProfileName, Ticket};
    use proclaunch_core::machine::{Phase, Remembered, Rest, Start, Want};
    use serde::Deserialize;

    #[derive(Deserialize)]
    pub(super) struct Record {
        boot_id: String,
        name: ProfileName,
        order: Option<Want>,
        process: Option<Main>,
        rest: Option<Rest>,
        vars: Option<String>,
    }

    #[derive(Deserialize)]
    struct Main {
        ticket: Ticket,
        id: ProcId,
    }

    impl From<Record> for super::Record {
        fn from(old: Record) -> Self {
            let Record { boot_id, name, order, process, rest, vars } = old;
            let phase = match (process, rest, order) {
                (Some(Main { ticket, id }), _, _) => {
                    let start = Start { ticket, since: None, shape: None, daemonizes: false };
                    Phase::Running { start, id, attention: None }
                }
                (None, Some(rest), _) => Phase::Rest(rest),
                (None, None, Some(Want::Down)) => Phase::Ordered,
                (None, None, Some(Want::Up | Want::Gone) | None) => Phase::Fresh,
            };
            let remembered = Remembered { order, phase, ..Remembered::default() };
            Self { vars, ..Self::new(name, boot_id, remembered) }
        }
    }
}
