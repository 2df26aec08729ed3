//! The FIFOs that services write to, held so that what is in one is not lost when all others who have it open are gone:
//! a service that has ended, a logger that was killed, and a supervisor.
//!
//! The supervisor holds them as well. So whichever two of ProcLaunch's processes are killed at once, the third one has
//! what no reader has seen.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use proclaunch_core::ids::ProfileName;

use super::output;
use super::parcel::parcel;
use crate::logger::fifo::PIPE;

/// The FIFOs by profile, each in an open file of our own.
#[derive(Debug, Default)]
pub(super) struct Outputs(BTreeMap<ProfileName, OwnedFd>);

impl Outputs {
    /// Holds a profile's FIFO from here on; one that was held before, and has been replaced, no longer.
    pub(super) fn hold(&mut self, name: &ProfileName, path: &Path, has_room: impl Fn(&OwnedFd) -> bool) {
        if let Some(fd) = output::fifo(path).ok().map(OwnedFd::from).filter(has_room) {
            self.0.insert(name.clone(), fd);
        }
    }

    /// Holds all that there are.
    pub(super) fn hold_all(&mut self, log_dir: &Path, has_room: impl Fn(&OwnedFd) -> bool) {
        let Ok(entries) = fs::read_dir(log_dir) else { return };
        for entry in entries.flatten() {
            if let Some(name) = entry.file_name().to_str().and_then(ProfileName::parse) {
                self.hold(&name, &entry.path().join(PIPE), &has_room);
            }
        }
    }

    /// A socket in which all of them are in flight: see [`super::parcel`].
    pub(super) fn parcel(&self) -> Result<OwnedFd, Errno> {
        parcel(self.0.values())
    }

    /// Lets go of a profile's.
    pub(super) fn forget(&mut self, name: &ProfileName) {
        self.0.remove(name);
    }
}
