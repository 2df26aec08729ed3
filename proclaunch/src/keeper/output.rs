//! Where a service's output goes.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt};
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

/// Opens a FIFO for a service, for reading and writing: then it never waits for a reader, and never sees that there
/// is none. Each start has an open file of its own, so that what one does to its flags concerns no other.
pub(crate) fn fifo(path: &Path) -> Result<File, Errno> {
    open_fifo(path, OpenOptions::new().read(true).write(true))
}

/// Opens a FIFO for whoever reads it in the logger's place: it sees the end when nobody is left that writes.
pub(crate) fn fifo_to_read(path: &Path) -> Result<File, Errno> {
    open_fifo(path, OpenOptions::new().read(true))
}

fn open_fifo(path: &Path, options: &mut OpenOptions) -> Result<File, Errno> {
    let flags = libc::O_NOFOLLOW | libc::O_NOCTTY | libc::O_NONBLOCK;
    let file = options.custom_flags(flags).open(path).map_err(|error| errno(&error))?;
    if !file.metadata().map_err(|error| errno(&error))?.file_type().is_fifo() {
        return Err(Errno::EEXIST);
    }
    // Who is started with it expects to block.
    nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::empty()))?;
    Ok(file)
}

/// Whether a service is better started without its output than not at all: the disk is full or read-only, or we have
/// run out of something, and none of that is the profile's fault.
pub(crate) const fn can_do_without(errno: Errno) -> bool {
    use Errno::{EACCES, EDQUOT, EEXIST, EIO, EMFILE, ENFILE, ENOENT, ENOMEM, ENOSPC, EPERM, EROFS};
    matches!(
        errno,
        EACCES | EEXIST | ENOENT | EDQUOT | EIO | EMFILE | ENFILE | ENOMEM | ENOSPC | EPERM | EROFS
    )
}

fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EINVAL, Errno::from_raw)
}
