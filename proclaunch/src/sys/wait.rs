//! Collecting the exits of children.
//!
//! Not by `nix`: its `waitid` knows no real-time signals, and fails after it has already collected the exit.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;
use proclaunch_core::exit::Exit;
use proclaunch_core::signal::Signal;

/// Collects one exit of any child, if there is one.
pub fn any() -> Option<(i32, Exit)> {
    wait(libc::P_ALL, 0, libc::WNOHANG).ok().flatten()
}

/// Collects the exit of the process, if it is a child of ours that has ended. `ECHILD` if it is no child of ours.
pub fn pidfd(fd: BorrowedFd<'_>) -> Result<Option<Exit>, Errno> {
    let fd = libc::id_t::try_from(fd.as_raw_fd()).expect("an open descriptor is not negative");
    Ok(wait(libc::P_PIDFD, fd, libc::WNOHANG)?.map(|(_, exit)| exit))
}

/// Waits for a child that is about to end, and collects it.
pub(crate) fn ending_child(pid: i32) {
    let id = libc::id_t::try_from(pid).expect("a pid is positive");
    while wait(libc::P_PID, id, 0) == Err(Errno::EINTR) {}
}

fn wait(kind: libc::idtype_t, id: libc::id_t, flags: i32) -> Result<Option<(i32, Exit)>, Errno> {
    // SAFETY: a `siginfo_t` is plain integers and pointers; all zeros is a value of it.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    // SAFETY: `info` is writable and of the right type.
    Errno::result(unsafe { libc::waitid(kind, id, &raw mut info, libc::WEXITED | flags) })?;
    // SAFETY: `waitid` has filled in the fields of a SIGCHLD, or left the zeros.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    if pid == 0 {
        return Ok(None);
    }
    let exit = match info.si_code {
        libc::CLD_EXITED => code(status),
        libc::CLD_KILLED => signal(status, false),
        libc::CLD_DUMPED => signal(status, true),
        _ => Exit::Unknown,
    };
    Ok(Some((pid, exit)))
}

/// Reads a status in the encoding of `wait(2)`, which `/proc/PID/stat` and `PIDFD_GET_INFO` use too.
pub fn from_status(status: i32) -> Exit {
    if libc::WIFEXITED(status) {
        code(libc::WEXITSTATUS(status))
    } else if libc::WIFSIGNALED(status) {
        signal(libc::WTERMSIG(status), libc::WCOREDUMP(status))
    } else {
        Exit::Unknown
    }
}

fn code(status: i32) -> Exit {
    u8::try_from(status & 0xFF).map_or(Exit::Unknown, Exit::Code)
}

fn signal(number: i32, core: bool) -> Exit {
    Signal::from_number(number).map_or(Exit::Unknown, |signal| Exit::Signal { signal, core })
}
