//! The socket in the state directory.
//!
//! It is bound by another name, given its mode, listened to, and only then renamed to its own: whoever finds it finds
//! one that answers, and that only those may connect to who are meant to.
//!
//! **Invariant:** a path of any length will do, although an address holds 107 bytes: `unix(7)`.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use nix::fcntl::{AtFlags, renameat};
use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket};
use nix::sys::stat::{FchmodatFlags, Mode, fchmod, fchmodat, fstat, fstatat};
use nix::unistd::{Gid, fchownat};
use thiserror::Error;

use super::rights::Groups;
use crate::files;

/// Its name in the state directory.
pub const NAME: &str = "proclaunch.sock";

/// What it is called until it is ready.
const TEMPORARY: &str = ".proclaunch.sock.new";

/// The longest path in an address, in bytes.
const PATH_MAX: usize = 107;

/// The mode of a socket for the supervisor's own user alone.
const OWN_ONLY: u32 = 0o600;

/// What a directory needs for others to reach a file in it whose name they know, and no more than that. What else is in
/// the state directory is protected by its own mode.
const SEARCH: u32 = 0o011;

/// How many may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Why there is no socket. Completes "failed to ...".
#[derive(Debug, Error)]
#[error("make control socket `{}`: {source}", .path.display())]
pub struct SocketError {
    path: PathBuf,
    source: io::Error,
}

/// The socket as a file, removed again by whoever made it.
#[derive(Debug)]
pub struct SocketFile {
    dir: File,
    /// Which file it is: another supervisor may have put its own in its place.
    inode: u64,
}

/// Makes the socket.
///
/// # Errors
/// See [`SocketError`].
pub fn make(state_dir: &Path, groups: &Groups) -> Result<(UnixListener, SocketFile), SocketError> {
    let made = File::open(state_dir).and_then(|dir| {
        let listener = make_in(&dir, state_dir, groups);
        if listener.is_err() {
            // What cannot be removed is removed by the next attempt.
            let _ = files::remove(&dir, TEMPORARY);
        }
        let listener = listener?;
        let inode = fstatat(&dir, NAME, AtFlags::AT_SYMLINK_NOFOLLOW)?.st_ino;
        Ok((listener, SocketFile { dir, inode }))
    });
    made.map_err(|source| SocketError { path: state_dir.join(NAME), source })
}

fn make_in(dir: &File, state_dir: &Path, groups: &Groups) -> io::Result<UnixListener> {
    files::remove(dir, TEMPORARY)?;
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket: OwnedFd = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    let path = state_dir.join(TEMPORARY);
    let path = if path.as_os_str().as_bytes().len() <= PATH_MAX {
        path
    } else {
        PathBuf::from(format!("/proc/self/fd/{}/{TEMPORARY}", dir.as_raw_fd()))
    };
    bind(socket.as_raw_fd(), &UnixAddr::new(&path)?)?;
    let (mode, gid) = groups.socket();
    if let Some(gid) = gid {
        fchownat(dir, TEMPORARY, None, Some(Gid::from_raw(gid)), AtFlags::AT_SYMLINK_NOFOLLOW)?;
    }
    // Nobody can have connected meanwhile, whatever the umask: it does not listen yet.
    fchmodat(dir, TEMPORARY, Mode::from_bits_truncate(mode), FchmodatFlags::FollowSymlink)?;
    if mode != OWN_ONLY {
        let there = fstat(dir)?.st_mode & 0o7777;
        if there & SEARCH != SEARCH {
            fchmod(dir, Mode::from_bits_truncate(there | SEARCH))?;
        }
    }
    listen(&socket, Backlog::new(BACKLOG)?)?;
    renameat(dir, TEMPORARY, dir, NAME)?;
    Ok(socket.into())
}

impl SocketFile {
    /// Removes it, unless another one has taken its place.
    pub fn remove(&self) {
        let is_own = fstatat(&self.dir, NAME, AtFlags::AT_SYMLINK_NOFOLLOW)
            .is_ok_and(|stat| stat.st_ino == self.inode);
        if is_own {
            // What is left is a socket that nobody listens to, and the next supervisor puts its own in its place.
            let _ = files::remove(&self.dir, NAME);
        }
    }

    /// Whether the file is still there.
    pub fn is_there(&self) -> bool {
        self.dir.metadata().is_ok_and(|dir| dir.nlink() > 0)
            && fstatat(&self.dir, NAME, AtFlags::AT_SYMLINK_NOFOLLOW)
                .is_ok_and(|stat| stat.st_ino == self.inode)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[track_caller]
    fn check(groups: &Groups, mode: u32) {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join(NAME);
        fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let (listener, file) = make(temp.path(), groups).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        let dir = fs::metadata(temp.path()).unwrap().permissions().mode() & 0o777;
        assert_eq!(dir, if mode == OWN_ONLY { 0o700 } else { 0o711 }, "and so others reach it");
        let _client = UnixStream::connect(&path).unwrap();
        listener.set_nonblocking(false).unwrap();
        listener.accept().unwrap();
        assert!(file.is_there());
        file.remove();
        assert!(!file.is_there());
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_socket_has_its_mode_and_goes_again() {
        check(&Groups::default(), 0o600);
        let own = nix::unistd::getegid().as_raw();
        check(&Groups { control: Some(own), status: None }, 0o660);
        check(&Groups { control: Some(own), status: Some(own + 1) }, 0o666);
    }

    #[test]
    fn a_newer_one_takes_the_place_and_is_not_removed_by_the_older() {
        let temp = tempfile::tempdir().unwrap();
        let (_older, first) = make(temp.path(), &Groups::default()).unwrap();
        fs::write(temp.path().join(TEMPORARY), "left over").unwrap();
        let (newer, _second) = make(temp.path(), &Groups::default()).unwrap();
        first.remove();
        let _client = UnixStream::connect(temp.path().join(NAME)).unwrap();
        assert!(newer.accept().is_ok());
    }

    #[test]
    fn a_long_path_is_no_obstacle() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("d".repeat(120));
        fs::create_dir(&dir).unwrap();
        let (listener, _file) = make(&dir, &Groups::default()).unwrap();
        let handle = File::open(&dir).unwrap();
        let _client = UnixStream::connect(format!("/proc/self/fd/{}/{NAME}", handle.as_raw_fd())).unwrap();
        assert!(listener.accept().is_ok());
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error_that_names_the_socket() {
        let error = make(Path::new("/nonexistent"), &Groups::default()).unwrap_err().to_string();
        assert!(error.starts_with("make control socket `/nonexistent/proclaunch.sock`: "), "{error}");
    }
}
