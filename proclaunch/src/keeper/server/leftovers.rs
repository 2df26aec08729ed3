//! What an earlier keeper has started and left: its supervisor, its logger. To kill them loses nothing, and two of a
//! kind would.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use proclaunch_core::signal::Signal;

use crate::instance::Alone;
use crate::keeper::look::no_services_of;
use crate::keeper::stat::identify;
use crate::role::{LOGGER, SUPERVISOR};
use crate::sys::pidfd;

/// How long one that was killed may take to be gone: longer only if the kernel holds it.
const GONE_MILLIS: u8 = 200;

/// Ends what is left of an earlier keeper's, if the locks say that there is something.
pub(super) fn end(state_dir: &Path) {
    if ![super::RECORDS, super::LOG].iter().any(|name| Alone::is_taken(&state_dir.join(name))) {
        return;
    }
    for pid in pids() {
        if is_helper(pid, state_dir) {
            kill(pid, state_dir);
        }
    }
}

/// Whether there was an earlier keeper: without records there was none, and nothing is to be looked for.
pub(super) fn may_be_there(state_dir: &Path) -> bool {
    fs::read_dir(state_dir.join(super::RECORDS)).is_ok_and(|mut dir| dir.next().is_some())
}

/// Kills what an earlier keeper has started for hooks, and the `log_run`s: nobody waits for the ones any more, and the
/// others are started again, to go on with what they have not read. Services are not touched.
pub(super) fn end_no_services(state_dir: &Path) {
    for id in no_services_of(state_dir.as_os_str().as_bytes()) {
        if let Ok(fd) = pidfd::open(id.pid)
            && identify(id.pid) == Some(id)
        {
            // One that ends in between is what is wanted.
            let _ = pidfd::signal(fd.as_fd(), Signal::KILL.number());
        }
    }
}

/// Kills it, and waits for its end: what comes next needs its lock.
fn kill(pid: i32, state_dir: &Path) {
    let Ok(fd) = pidfd::open(pid) else { return };
    // Looked at again, with the descriptor in hand: it names what was looked at.
    if !is_helper(pid, state_dir) || identify(pid).is_none() {
        return;
    }
    if pidfd::signal(fd.as_fd(), Signal::KILL.number()).is_ok() {
        let _ = poll(&mut [PollFd::new(fd.as_fd(), PollFlags::POLLIN)], PollTimeout::from(GONE_MILLIS));
    }
}

/// Whether it is a supervisor or logger of that state directory.
fn is_helper(pid: i32, state_dir: &Path) -> bool {
    let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let mut words = line.split(|byte| *byte == 0);
    let is_role = words.next().is_some_and(|name| [SUPERVISOR, LOGGER].map(str::as_bytes).contains(&name));
    is_role && words.next() == Some(state_dir.as_os_str().as_bytes())
}

fn pids() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}
