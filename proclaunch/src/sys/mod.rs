//! System calls that no safe wrapper offers.
//!
//! **Invariant:** the only module of the crate with `unsafe`; it decides nothing, and what it hands out is safe to
//! use in any order.

pub mod clock;
pub mod daemon;
pub mod peer;
pub mod pidfd;
pub mod pipe;
pub mod priority;
pub mod spawn;
pub mod wait;

use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

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

/// Has large pieces of memory go back to the kernel when they are freed, so that what a thousand profiles at once have
/// taken for a moment does not stay.
///
/// glibc takes ever larger ones from its heap once such a piece was freed, unless the limit is set (`mallopt(3)`).
pub fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it sets a number of the allocator, and no other thread is there yet; it cannot fail for this one.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 64 * 1024)
    };
}

/// Sends a signal to an unreaped child by its pid: the pid of an unreaped child is not given to anybody else.
///
/// The caller vouches that `pid` is such a child. Used only where a pidfd could not be had.
pub(crate) fn signal_child(pid: i32, signal: i32) -> Result<(), Errno> {
    // SAFETY: `kill` takes two integers and touches no memory of ours.
    unsafe { raw!(libc::SYS_kill, pid, signal) }.map(drop)
}

/// Takes hold of a descriptor that came in a message with `SCM_RIGHTS` or over `execve`.
///
/// The caller vouches that nobody else takes hold of it.
pub(crate) fn received(fd: RawFd) -> OwnedFd {
    // SAFETY: the kernel has made this descriptor for us; by this function's contract it has one owner.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Takes hold of a descriptor that was inherited over `execve`, if there is one of that number.
///
/// The caller vouches that nobody else takes hold of it.
pub(crate) fn inherited(fd: RawFd) -> Option<OwnedFd> {
    // SAFETY: the descriptor is not used, only asked for; `F_GETFD` touches no memory.
    let is_open = unsafe { libc::fcntl(fd, libc::F_GETFD) } >= 0;
    is_open.then(|| received(fd))
}

/// Standard output and error, which the standard library keeps open for as long as the process lives.
pub(crate) fn standard_output() -> [BorrowedFd<'static>; 2] {
    // SAFETY: they are opened before `main` where they were closed, and nobody closes them.
    unsafe { [BorrowedFd::borrow_raw(1), BorrowedFd::borrow_raw(2)] }
}

/// The numbers of all open descriptors; that of the look itself may be among them, and is closed again.
pub(crate) fn open_descriptors() -> Vec<RawFd> {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Whether a descriptor is a FIFO or a socket, and is not close-on-exec.
pub(crate) fn is_inherited_output(fd: RawFd) -> bool {
    // SAFETY: the descriptor is only asked for: no memory is touched, and a closed one is an error.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
    if flags < 0 || flags & libc::FD_CLOEXEC != 0 {
        return false;
    }
    // SAFETY: all bytes zero is a valid `stat`: integers.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `stat` is writable and of the right type.
    let done = unsafe { libc::fstat(fd, &raw mut stat) };
    done == 0 && [libc::S_IFIFO, libc::S_IFSOCK].contains(&(stat.st_mode & libc::S_IFMT))
}
