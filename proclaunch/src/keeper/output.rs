//! Where a service's output goes.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use nix::errno::Errno;

/// Opens the output file for appending; makes it, and its directory, if missing. A symbolic link is not followed:
/// the file is opened with the supervisor's rights.
pub(crate) fn open(path: &Path) -> Result<File, Errno> {
    match append(path) {
        Err(Errno::ENOENT) => {
            let parent = path.parent().ok_or(Errno::ENOENT)?;
            DirBuilder::new().recursive(true).mode(0o750).create(parent).map_err(|error| errno(&error))?;
            append(path)
        }
        other => other,
    }
}

fn append(path: &Path) -> Result<File, Errno> {
    // Opening a FIFO or a device must not hang.
    let flags = libc::O_NOFOLLOW | libc::O_NOCTTY | libc::O_NONBLOCK;
    let file = OpenOptions::new().append(true).create(true).mode(0o640).custom_flags(flags).open(path);
    let file = file.map_err(|error| errno(&error))?;
    // It is one open file for us and the service, which expects to block.
    nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_APPEND))?;
    Ok(file)
}

/// Whether a service is better started without its output than not at all: the disk is full or read-only, or we have
/// run out of something, and none of that is the profile's fault.
pub(crate) const fn can_do_without(errno: Errno) -> bool {
    use Errno::{EACCES, EDQUOT, EIO, EMFILE, ENFILE, ENOMEM, ENOSPC, EPERM, EROFS};
    matches!(errno, EACCES | EDQUOT | EIO | EMFILE | ENFILE | ENOMEM | ENOSPC | EPERM | EROFS)
}

fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EINVAL, Errno::from_raw)
}
