//! Process file descriptors: the only name of a process that cannot come to mean another one.

use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use proclaunch_core::exit::Exit;

use super::raw;

/// `PIDFD_SIGNAL_PROCESS_GROUP` of `linux/pidfd.h`, since Linux 6.9.
const SIGNAL_PROCESS_GROUP: libc::c_uint = 1 << 2;
/// `PIDFD_INFO_EXIT` of `linux/pidfd.h`, since Linux 6.15.
const INFO_EXIT: u64 = 1 << 3;
/// `PIDFD_GET_INFO`: `_IOWR(0xFF, 11, struct pidfd_info)` with the struct's first published size, 64 bytes.
const GET_INFO: libc::Ioctl = 0xC040_FF0B_u32 as libc::Ioctl;

/// `struct pidfd_info` of `linux/pidfd.h` in its first published size.
#[repr(C)]
#[derive(Default)]
struct Info {
    mask: u64,
    cgroup: u64,
    ids: [u32; 11],
    exit_code: i32,
}

const _: () = assert!(size_of::<Info>() == 64, "the ioctl's number carries the size");

/// Opens a pidfd of `pid`; close-on-exec. The caller checks afterwards that it is the process that was meant.
pub fn open(pid: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: `pidfd_open` takes two integers.
    let fd = unsafe { raw!(libc::SYS_pidfd_open, pid, 0) }?;
    let fd = i32::try_from(fd).expect("descriptors are of type int");
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Sends `signal` to the process.
pub fn signal(pidfd: BorrowedFd<'_>, signal: i32) -> Result<(), Errno> {
    send(pidfd, signal, 0)
}

/// Sends `signal` to the process's group. `EINVAL` before Linux 6.9.
pub fn signal_group(pidfd: BorrowedFd<'_>, signal: i32) -> Result<(), Errno> {
    send(pidfd, signal, SIGNAL_PROCESS_GROUP)
}

fn send(pidfd: BorrowedFd<'_>, signal: i32, flags: libc::c_uint) -> Result<(), Errno> {
    let no_info = std::ptr::null::<libc::siginfo_t>();
    // SAFETY: a null `info` asks the kernel to fill in the usual one; the descriptor is borrowed, hence open.
    unsafe { raw!(libc::SYS_pidfd_send_signal, pidfd.as_raw_fd(), signal, no_info, flags) }.map(drop)
}

/// How a process that has been reaped by its parent ended; none if it has not, or before Linux 6.15.
pub fn exit(pidfd: BorrowedFd<'_>) -> Option<Exit> {
    let mut info = Info { mask: INFO_EXIT, ..Info::default() };
    // SAFETY: `info` is a valid `struct pidfd_info` of the size that the request's number states.
    let result = unsafe { libc::ioctl(pidfd.as_raw_fd(), GET_INFO, &raw mut info) };
    (result == 0 && info.mask & INFO_EXIT != 0).then(|| super::wait::from_status(info.exit_code))
}
