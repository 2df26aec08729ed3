//! What is remembered of the supervisor as a whole: `STATE_DIR/fleet.json`, there only while there is something to
//! remember.

use std::fs::File;
use std::io::{self, ErrorKind};

use proclaunch_core::fleet::Memo;
use serde::{Deserialize, Serialize};

use super::{RECORD_BYTES_MAX, RecordError, Refused, Store, StoreError, read};
use crate::files;

const FILE: &str = "fleet.json";

/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct FleetRecord {
    version: u32,
    /// The boot in which it was written: see [`crate::sys::clock::boot_id`].
    boot_id: String,
    memo: Memo,
}

#[derive(Deserialize)]
struct Header {
    version: u32,
}

impl FleetRecord {
    fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.is_empty() {
            return Err(RecordError::Empty);
        }
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(RecordError::Huge);
        }
        let malformed = |source| RecordError::Malformed { source };
        let Header { version } = serde_json::from_slice(bytes).map_err(malformed)?;
        if version != VERSION {
            return Err(RecordError::OtherVersion { version, known: VERSION });
        }
        serde_json::from_slice(bytes).map_err(|source| RecordError::Malformed { source })
    }
}

/// Forgets what the supervisor does as a whole, once it does nothing any more.
///
/// # Errors
/// The file is there and cannot be removed.
pub fn forget_fleet(state_dir: &File) -> io::Result<()> {
    files::remove(state_dir, FILE)
}

impl Store {
    /// Reads what is remembered of the supervisor; nothing if it is of another boot. What is no such record is refused
    /// by name, and stays where it is.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn load_fleet(&self, boot_id: &str) -> Result<Memo, Refused> {
        let bytes = match read(&self.state, FILE) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Memo::default()),
            read => read.map_err(|source| RecordError::Unreadable { source }),
        };
        match bytes.and_then(|bytes| FleetRecord::decode(&bytes)) {
            Ok(record) if record.boot_id == boot_id => Ok(record.memo),
            Ok(_) => Ok(Memo::default()),
            Err(error) => Err(Refused { file: FILE.to_owned(), why: error.to_string() }),
        }
    }

    /// Writes down what the supervisor does as a whole.
    ///
    /// # Errors
    /// [`StoreError::Save`], or [`StoreError::Remove`] where there is nothing to remember any more.
    pub fn save_fleet(&self, boot_id: &str, memo: &Memo) -> Result<(), StoreError> {
        let path = || self.path.with_file_name(FILE);
        if *memo == Memo::default() {
            return files::remove(&self.state, FILE)
                .map_err(|source| StoreError::Remove { path: path(), source });
        }
        let record = FleetRecord { version: VERSION, boot_id: boot_id.to_owned(), memo: memo.clone() };
        let mut bytes = serde_json::to_vec(&record).expect("no field is a map or can fail to serialize");
        bytes.push(b'\n');
        files::replace(&self.state, FILE, &bytes).map_err(|source| StoreError::Save { path: path(), source })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proclaunch_core::fleet::Draining;
    use tempfile::tempdir;

    use super::*;

    #[test]
    fn a_drain_is_remembered_until_it_is_over_or_the_boot_is() {
        let temp = tempdir().unwrap();
        let store = Store::open(temp.path()).unwrap();
        let memo = Memo { draining: Some(Draining { code: 111, why: "received HUP".to_owned() }) };
        assert_eq!(store.load_fleet("boot"), Ok(Memo::default()));
        store.save_fleet("boot", &memo).unwrap();
        assert_eq!(Store::open(temp.path()).unwrap().load_fleet("boot"), Ok(memo.clone()));
        assert_eq!(store.load_fleet("another boot"), Ok(Memo::default()));
        store.clear().unwrap();
        assert_eq!(store.load_fleet("boot"), Ok(memo.clone()), "until the keeper has ended");
        forget_fleet(&File::open(temp.path()).unwrap()).unwrap();
        assert_eq!(store.load_fleet("boot"), Ok(Memo::default()));
        store.save_fleet("boot", &memo).unwrap();
        store.save_fleet("boot", &Memo::default()).unwrap();
        assert!(!temp.path().join(FILE).exists());
    }

    #[test]
    fn the_fixture_of_version_1_still_loads() {
        let temp = tempdir().unwrap();
        let store = Store::open(temp.path()).unwrap();
        fs::write(temp.path().join(FILE), include_bytes!("fixtures/fleet.v1.json")).unwrap();
        let draining = Draining { code: 111, why: "received HUP".to_owned() };
        assert_eq!(store.load_fleet("boot"), Ok(Memo { draining: Some(draining) }));
    }

    #[test]
    fn what_is_no_record_is_refused_by_name() {
        let temp = tempdir().unwrap();
        let store = Store::open(temp.path()).unwrap();
        for (text, why) in [
            ("", "it is empty"),
            ("{\"version\":9}", "it has version 9, where at most 1 is understood"),
            ("{", "it is not a record: EOF while parsing an object at line 1 column 1"),
        ] {
            fs::write(temp.path().join(FILE), text).unwrap();
            let refused = store.load_fleet("boot").unwrap_err();
            assert_eq!((refused.file.as_str(), refused.why.as_str()), (FILE, why));
        }
    }
}
