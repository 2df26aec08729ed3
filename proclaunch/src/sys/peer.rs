//! Who is at the other end of a unix socket.

use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

/// How many groups a user can be in: `NGROUPS_MAX` of Linux.
const GROUPS_MAX: usize = 65_536;

/// The supplementary groups that the peer had when it connected (`SO_PEERGROUPS`, Linux 4.13).
///
/// # Errors
/// The kernel is older, or this is no connected unix socket.
pub fn groups(socket: &impl AsFd) -> Result<Vec<u32>, Errno> {
    let mut groups = vec![0_u32; 32];
    loop {
        let mut length = libc::socklen_t::try_from(size_of_val(&groups[..])).map_err(|_| Errno::ERANGE)?;
        // SAFETY: the pointer and the length describe `groups`, which outlives the call; any bits are valid in it.
        let done = unsafe {
            libc::getsockopt(
                socket.as_fd().as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_PEERGROUPS,
                groups.as_mut_ptr().cast(),
                &raw mut length,
            )
        };
        let count = usize::try_from(length).unwrap_or(0) / size_of::<u32>();
        match Errno::result(done) {
            Ok(_) => {
                groups.truncate(count);
                return Ok(groups);
            }
            // It says how much room it needs.
            Err(Errno::ERANGE) if count > groups.len() && count <= GROUPS_MAX => groups.resize(count, 0),
            Err(errno) => return Err(errno),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn the_groups_of_a_peer_are_those_of_its_process() {
        let (one, _other) = UnixStream::pair().unwrap();
        let mut own: Vec<u32> =
            nix::unistd::getgroups().unwrap().into_iter().map(nix::unistd::Gid::as_raw).collect();
        let mut seen = groups(&one).unwrap();
        own.sort_unstable();
        seen.sort_unstable();
        assert_eq!(seen, own);
        let file = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(groups(&file), Err(Errno::ENOTSOCK));
    }
}
