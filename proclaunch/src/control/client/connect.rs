//! Connecting, also in the moment in which one supervisor takes the place of another.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::poll::{PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, UnixAddr, connect as connect_to, setsockopt, socket, sockopt,
};
use nix::sys::stat::Mode;
use nix::sys::time::{TimeVal, TimeValLike};

use super::{Failure, Place};
use crate::sys::clock;

/// How long it is tried while another supervisor may be on its way.
const LIMIT: Duration = Duration::from_secs(5);
/// Between two tries, in milliseconds.
const PAUSE_MS: u16 = 20;
/// How long one try may wait in the queue of a supervisor that takes no connections, in seconds.
const QUEUE_SECONDS: i64 = 10;

/// What is known of the supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// Nothing: where the instance lives it is waited for.
    Fresh,
    /// It was there a moment ago: the next one comes, even if the whole instance seems to be gone.
    Broken,
}

/// Connects to the supervisor of a place.
pub(super) fn connect(place: &Place, patience: Patience) -> Result<UnixStream, Failure> {
    let path = place.socket();
    let begun = clock::now();
    loop {
        let source = match once(place, &path) {
            Ok(stream) => return Ok(stream),
            Err(errno @ (Errno::ENOENT | Errno::ECONNREFUSED | Errno::ENOTDIR)) => io::Error::from(errno),
            Err(errno) => return Err(Failure::connect(&path, errno.into())),
        };
        let living = instance(&place.state_dir);
        let waits = living.is_some() || patience == Patience::Broken;
        if !waits || source.raw_os_error() == Some(Errno::ENOTDIR as i32) {
            return Err(Failure::NoSupervisor { place: place.clone() });
        }
        let waited = clock::now().since(begun);
        if waited >= LIMIT {
            let place = place.clone();
            return Err(match living {
                Some(pid) => Failure::Deaf { place, pid, waited },
                None => Failure::NoSupervisor { place },
            });
        }
        pause();
    }
}

/// Waits a moment, for nothing: an interruption only makes it shorter.
pub(super) fn pause() {
    let _ = poll(&mut [], PollTimeout::from(PAUSE_MS));
}

fn once(place: &Place, path: &Path) -> Result<UnixStream, Errno> {
    let fd = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    // By this the wait in a full queue has an end (`unix_stream_connect` in net/unix/af_unix.c).
    setsockopt(&fd, sockopt::SendTimeout, &TimeVal::seconds(QUEUE_SECONDS))?;
    match UnixAddr::new(path) {
        Ok(address) => connect_to(fd.as_raw_fd(), &address)?,
        // An address has 108 bytes: a longer path is gone to from its directory.
        Err(Errno::ENAMETOOLONG) => {
            let dir = directory(&place.state_dir)?;
            let short = PathBuf::from(format!("/proc/self/fd/{}/proclaunch.sock", dir.as_raw_fd()));
            connect_to(fd.as_raw_fd(), &UnixAddr::new(&short)?)?;
        }
        Err(errno) => return Err(errno),
    }
    setsockopt(&fd, sockopt::SendTimeout, &TimeVal::seconds(0))?;
    Ok(UnixStream::from(fd))
}

fn directory(path: &Path) -> Result<OwnedFd, Errno> {
    open(path, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
}

/// The process that `proclaunch.pid` names, if it lives: never to signal it, for a pid is not an identity.
pub(super) fn instance(state_dir: &Path) -> Option<i32> {
    let text = std::fs::read_to_string(state_dir.join("proclaunch.pid")).ok()?;
    let pid: i32 = text.trim_end().parse().ok()?;
    // Z is a zombie, X what is no more.
    let is_dead = matches!(process_state(pid)?, b'Z' | b'X');
    (!is_dead).then_some(pid)
}

/// The letter that stands for what a process does (`proc(5)`), if there is one.
pub(super) fn process_state(pid: i32) -> Option<u8> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    // Behind the name, which may hold anything.
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    stat.get(end + 2).copied()
}
