//! What an error of the kernel's means: which value of which setting, and what would be right.
//!
//! The child can only say how far it got, and with which `errno`; the rest is found out afterwards, when a start has
//! failed.

use std::fs;

use nix::errno::Errno;
use nix::sys::resource::getrlimit;
use proclaunch_core::process::{SpawnError, Stage};
use proclaunch_core::profile::{Limit, Resource};

use super::launch::resource;
use super::protocol::{Program, SpawnSpec};
use crate::program::why_unfit;

/// The error with what it is about, where the supervisor could not tell.
pub(super) fn meant(spec: &SpawnSpec, stage: Stage, error: SpawnError) -> SpawnError {
    let SpawnError::Errno(errno) = error else { return error };
    let meant = match (stage, Errno::from_raw(errno)) {
        (Stage::Limits, _) => refused(&spec.limits).map(|value| SpawnError::Setting { value, errno }),
        (Stage::Exec, Errno::ENOENT | Errno::ENOEXEC) if spec.program == Program::Run => {
            why_unfit(&spec.profile_dir.join("run"), &spec.directory).map(SpawnError::Unfit)
        }
        _ => None,
    };
    meant.unwrap_or(error)
}

/// The first limit that is above what there can be (`setrlimit(2)`): `fs.nr_open` for everybody, the keeper's own hard
/// limit for whoever lacks `CAP_SYS_RESOURCE`.
fn refused(limits: &[Limit]) -> Option<String> {
    let system: Option<u64> =
        fs::read_to_string("/proc/sys/fs/nr_open").ok().and_then(|text| text.trim_end().parse().ok());
    let is_beyond =
        |limit: &&Limit| limit.resource == Resource::Nofile && system.is_some_and(|most| limit.hard > most);
    if let (Some(limit), Some(most)) = (limits.iter().find(is_beyond), system) {
        return Some(format!("`{limit}`, where `fs.nr_open` is {most}"));
    }
    limits.iter().find_map(|limit| {
        let (_, own) = getrlimit(resource(limit.resource)).ok()?;
        (limit.hard > own).then(|| format!("`{limit}`, where the hard limit is {own}"))
    })
}
