//! What a pipe holds.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

/// How many bytes can be read (`FIONREAD` of `pipe(7)`).
pub fn unread(pipe: BorrowedFd<'_>) -> Result<usize, Errno> {
    let mut count: libc::c_int = 0;
    // SAFETY: FIONREAD stores one int where the pointer says, and the descriptor is borrowed, hence open.
    Errno::result(unsafe { libc::ioctl(pipe.as_raw_fd(), libc::FIONREAD, &raw mut count) })?;
    Ok(usize::try_from(count).unwrap_or(0))
}
