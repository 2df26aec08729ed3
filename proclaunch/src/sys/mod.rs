//! System calls that no safe wrapper offers.
//!
//! **Invariant:** the only module of the crate with `unsafe`; it decides nothing, and what it hands out is safe to
//! use in any order.

pub mod clock;
pub mod daemon;
pub mod pidfd;
pub mod priority;
pub mod spawn;
pub mod wait;

use nix::errno::Errno;

/// The result of a raw system call.
///
/// # Safety
/// The arguments must be what the system call of that number expects, and pointers among them must be valid.
macro_rules! raw {
    ($number:expr $(, $arg:expr)*) => {
        Errno::result(libc::syscall($number $(, $arg)*))
    };
}
pub(crate) use raw;

/// Has a write to a closed pipe, or past the limit on the size of files, fail instead of ending this process.
///
/// Services are started with all dispositions reset.
pub fn ignore_write_signals() {
    for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
        // SAFETY: ignoring a signal installs no handler; a valid signal number cannot fail.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
}

/// Sends a signal to an unreaped child by its pid: the pid of an unreaped child is not given to anybody else.
///
/// The caller vouches that `pid` is such a child. Used only where a pidfd could not be had.
pub(crate) fn signal_child(pid: i32, signal: i32) -> Result<(), Errno> {
    // SAFETY: `kill` takes two integers and touches no memory of ours.
    unsafe { raw!(libc::SYS_kill, pid, signal) }.map(drop)
}
