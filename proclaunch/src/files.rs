//! Replacing small files as a whole, for records and the pid file.
//!
//! **Invariant:** whoever reads the file sees the old bytes or the new ones, never a part.
//! **Invariant:** no symbolic link is followed, and no bytes go into a file that this call did not make.

use std::fs::File;
use std::io::{self, Write};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

/// Writes `bytes` to the file `name` in `dir`, mode 0600: a new file, renamed over the old one.
///
/// It is not synced to the disk: what it is used for means nothing after a reboot.
///
/// # Errors
/// Those of `openat(2)`, `write(2)` and `renameat(2)`; the old file is then untouched.
pub fn replace(dir: &File, name: &str, bytes: &[u8]) -> io::Result<()> {
    let temporary = format!(".{name}.new");
    let written = create(dir, &temporary).and_then(|mut file| file.write_all(bytes));
    let renamed = written.and_then(|()| Ok(renameat(dir, temporary.as_str(), dir, name)?));
    if renamed.is_err() {
        // Best effort: what cannot be removed here is removed by the next attempt.
        let _ = unlinkat(dir, temporary.as_str(), UnlinkatFlags::NoRemoveDir);
    }
    renamed
}

/// Removes the file `name` from `dir`; a missing one is removed already.
///
/// # Errors
/// Those of `unlinkat(2)` but `ENOENT`.
pub fn remove(dir: &File, name: &str) -> io::Result<()> {
    match unlinkat(dir, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

fn create(dir: &File, name: &str) -> io::Result<File> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    let file = match openat(dir, name, flags, mode) {
        // A writer that was killed left it.
        Err(Errno::EEXIST) => {
            unlinkat(dir, name, UnlinkatFlags::NoRemoveDir)?;
            openat(dir, name, flags, mode)
        }
        other => other,
    }?;
    Ok(file.into())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use tempfile::tempdir;

    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_leaves_nothing_beside_it() {
        let temp = tempdir().unwrap();
        let dir = File::open(temp.path()).unwrap();
        replace(&dir, "x", b"a longer text").unwrap();
        replace(&dir, "x", b"short").unwrap();
        assert_eq!(fs::read(temp.path().join("x")).unwrap(), b"short");
        assert_eq!(fs::metadata(temp.path().join("x")).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_writer_or_a_stranger_left_is_not_written_through() {
        let temp = tempdir().unwrap();
        let dir = File::open(temp.path()).unwrap();
        let victim = temp.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        symlink(&victim, temp.path().join(".x.new")).unwrap();
        symlink(&victim, temp.path().join("x")).unwrap();
        replace(&dir, "x", b"new").unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
        assert_eq!(fs::read(temp.path().join("x")).unwrap(), b"new");
    }

    #[test]
    fn a_failure_leaves_the_old_file_and_no_temporary_one() {
        let temp = tempdir().unwrap();
        let dir = File::open(temp.path()).unwrap();
        fs::create_dir(temp.path().join("x")).unwrap();
        assert!(replace(&dir, "x", b"new").is_err());
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1);
    }

    #[test]
    fn removing_what_is_gone_succeeds() {
        let temp = tempdir().unwrap();
        let dir = File::open(temp.path()).unwrap();
        replace(&dir, "x", b"").unwrap();
        remove(&dir, "x").unwrap();
        remove(&dir, "x").unwrap();
    }
}
