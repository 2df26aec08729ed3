//! FIFOs for a process of ProcLaunch's own that has just begun, and has opened none itself yet.
//!
//! They are sent into a socket, and the process is given its other end. It reads nothing from it: what is in flight
//! stays open for as long as somebody has the socket open (`unix(7)`, `SCM_RIGHTS`). So the process has every FIFO from
//! its first instruction on, at the price of one descriptor; and it closes the socket once it has opened them itself.

use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

use super::wire;

/// How many descriptors the kernel takes in one message: `SCM_MAX_FD` in `include/net/scm.h`.
const IN_ONE_MESSAGE: usize = 253;

/// The socket that holds all of these. Of more than the kernel has room for it holds the first.
///
/// # Errors
/// Those of `socketpair(2)`.
pub(super) fn parcel<'a>(fds: impl Iterator<Item = &'a OwnedFd>) -> Result<OwnedFd, Errno> {
    let (ours, theirs) = wire::pair()?;
    let raw: Vec<RawFd> = fds.map(AsRawFd::as_raw_fd).collect();
    for some in raw.chunks(IN_ONE_MESSAGE) {
        let rights = [ControlMessage::ScmRights(some)];
        let byte = [IoSlice::new(&[0])];
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        if sendmsg::<()>(ours.as_fd().as_raw_fd(), &byte, &rights, flags, None).is_err() {
            break;
        }
    }
    Ok(theirs)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read as _;

    use nix::fcntl::OFlag;
    use nix::unistd::pipe2;

    use super::*;

    #[test]
    fn what_is_in_it_stays_open_until_it_is_closed() {
        let pipes: Vec<_> = (0..300).map(|_| pipe2(OFlag::O_CLOEXEC).unwrap()).collect();
        let (mut reading, writing): (Vec<File>, Vec<OwnedFd>) =
            pipes.into_iter().map(|(read, write)| (File::from(read), write)).unzip();
        let held = parcel(writing.iter()).unwrap();
        drop(writing);
        let last = reading.last_mut().unwrap();
        let flags = nix::fcntl::FcntlArg::F_SETFL(OFlag::O_NONBLOCK);
        nix::fcntl::fcntl(&*last, flags).unwrap();
        let open = last.read(&mut [0]).unwrap_err();
        assert_eq!(open.raw_os_error(), Some(libc::EAGAIN), "somebody could still write");
        drop(held);
        assert_eq!(last.read(&mut [0]).unwrap(), 0, "nobody can");
    }
}
