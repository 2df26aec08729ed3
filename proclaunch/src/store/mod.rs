//! What is remembered of each profile: one small file, `STATE_DIR/records/NAME.json`.
//!
//! A record is replaced as a whole at every transition that a successor must know of. Nothing is synced to the disk:
//! a record of another boot is dropped anyway, and within one boot the kernel's memory is what a killed supervisor
//! leaves behind.
//!
//! **Invariant:** a record is trusted only when it is of a known version, this boot, and named as its file is; any
//! other bytes are refused by name, and never stop the rest from loading.
//! **Invariant:** a failure is a value: the caller says it once, and supervision goes on.

mod fleet;
mod record;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::marker::PhantomData;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

pub use fleet::forget_fleet;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use proclaunch_core::ids::ProfileName;
pub use record::{RECORD_BYTES_MAX, Record, RecordError, VERSION, Written};
use thiserror::Error;

use crate::files;

const DIRECTORY: &str = "records";
const SUFFIX: &str = ".json";

/// The records of one state directory.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    dir: File,
    /// The state directory itself.
    state: File,
    /// All records share one spare file: two threads may not write at once.
    one_thread: PhantomData<Cell<()>>,
}

/// What [`Store::load_all`] found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The records of this boot.
    pub records: BTreeMap<ProfileName, Record>,
    /// The files that are no record, by name. They stay where they are.
    pub refused: Vec<Refused>,
}

/// A file that is no record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    /// Its name in the directory of records, as text.
    pub file: String,
    /// Why: a fragment for people.
    pub why: String,
}

/// Why the store does not work. The text completes "failed to ...".
#[derive(Debug, Error)]
pub enum StoreError {
    /// The directory cannot be made or read.
    #[error("open records `{}`: {source}; it must be a directory that can be read and written", .path.display())]
    Open {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A record cannot be written.
    #[error("write record `{}`: {source}; a restart of ProcLaunch may not know of the latest change", .path.display())]
    Save {
        /// The record.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A record cannot be removed.
    #[error("remove record `{}`: {source}; a restart of ProcLaunch may go by it", .path.display())]
    Remove {
        /// The record.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Store {
    /// Opens the records in a state directory, and makes their directory if it is missing, mode 0700.
    ///
    /// # Errors
    /// [`StoreError::Open`].
    pub fn open(state_dir: &Path) -> Result<Self, StoreError> {
        let path = state_dir.join(DIRECTORY);
        let made = match DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            other => other,
        };
        let open = |path: &Path, flags| OpenOptions::new().read(true).custom_flags(flags).open(path);
        let dir = made.and_then(|()| open(&path, libc::O_DIRECTORY | libc::O_NOFOLLOW));
        match dir.and_then(|dir| Ok((dir, open(state_dir, libc::O_DIRECTORY)?))) {
            Ok((dir, state)) => Ok(Self { path, dir, state, one_thread: PhantomData }),
            Err(source) => Err(StoreError::Open { path, source }),
        }
    }

    /// Reads every record. Those of another boot are removed: nothing in them is true any more.
    ///
    /// # Errors
    /// [`StoreError::Open`] if the directory cannot be listed.
    pub fn load_all(&self, boot_id: &str) -> Result<Loaded, StoreError> {
        let mut loaded = Loaded::default();
        for file in self.list()? {
            let Some(name) = file.strip_suffix(SUFFIX).and_then(ProfileName::parse) else {
                if file != files::SPARE {
                    loaded.refused.push(Refused { file, why: "its name is not NAME.json".to_owned() });
                }
                continue;
            };
            match self.load(&file, &name) {
                Ok(record) if record.boot_id == boot_id => {
                    loaded.records.insert(name, record);
                }
                // One that stays for the time being is dropped again by the next start.
                Ok(_) => drop(files::remove(&self.dir, &file)),
                Err(error) => loaded.refused.push(Refused { file, why: error.to_string() }),
            }
        }
        Ok(loaded)
    }

    /// Reads the record of one profile, if there is a good one of this boot.
    pub fn load_one(&self, name: &ProfileName, boot_id: &str) -> Option<Record> {
        self.load(&file_of(name), name).ok().filter(|record| record.boot_id == boot_id)
    }

    /// Writes a record over the one that its profile had.
    ///
    /// # Errors
    /// [`StoreError::Save`]; the record that was there stays.
    pub fn save(&self, record: &Written<'_>) -> Result<(), StoreError> {
        let file = file_of(record.name);
        files::exchange(&self.dir, &file, &record.encode())
            .map_err(|source| StoreError::Save { path: self.path.join(&file), source })
    }

    /// Removes the record of a profile; a missing one is removed already.
    ///
    /// # Errors
    /// [`StoreError::Remove`].
    pub fn remove(&self, name: &ProfileName) -> Result<(), StoreError> {
        let file = file_of(name);
        files::remove(&self.dir, &file)
            .map_err(|source| StoreError::Remove { path: self.path.join(&file), source })
    }

    /// Removes the records of all profiles: after a drain, the next start is fresh. That there is a drain stays written
    /// down until the keeper has ended (see [`forget_fleet`]): a supervisor that comes after this one must not start
    /// them anew.
    ///
    /// # Errors
    /// [`StoreError::Open`] if the directory cannot be listed; else the first [`StoreError::Remove`], after all the
    /// others have been tried.
    pub fn clear(&self) -> Result<(), StoreError> {
        let mut result = Ok(());
        for file in self.list()? {
            let removed = files::remove(&self.dir, &file);
            result = result
                .and(removed.map_err(|source| StoreError::Remove { path: self.path.join(&file), source }));
        }
        result
    }

    /// The names of all files, sorted. A name that is not text comes out altered, and is then no record's name.
    fn list(&self) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        let wrong = |source| StoreError::Open { path: self.path.clone(), source };
        for entry in fs::read_dir(&self.path).map_err(wrong)? {
            let name =
                entry.map_err(|source| StoreError::Open { path: self.path.clone(), source })?.file_name();
            names.push(name.to_string_lossy().into_owned());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn load(&self, file: &str, name: &ProfileName) -> Result<Record, RecordError> {
        let bytes = read(&self.dir, file).map_err(|source| RecordError::Unreadable { source })?;
        let record = Record::decode(&bytes)?;
        if record.name != *name {
            return Err(RecordError::OtherName { name: record.name });
        }
        Ok(record)
    }
}

/// Reads at most one byte more than a record may have.
fn read(dir: &File, file: &str) -> io::Result<Vec<u8>> {
    // O_NONBLOCK: a FIFO in the place of a record must not hold the start up.
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let file = File::from(openat(dir, file, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(RECORD_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn file_of(name: &ProfileName) -> String {
    format!("{name}{SUFFIX}")
}

#[cfg(test)]
mod tests;
