//! The modules that the hooks of all profiles can require: `.hooks/` beside the profiles, and `--hooks DIR`.
//!
//! Only whether they are others than before matters: what is in them is read by those who require them.
//!
//! **Invariant:** bounded in depth, files and bytes. A file past the bytes is known by its size, times and inode.
//! **Invariant:** no symlink to a directory is followed, only where it leads is noted: `require` does not leave its
//! directory, so what can be reached is found in its own place.

use std::ffi::CStr;
use std::path::{Path, PathBuf};

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::readlinkat;
use proclaunch_core::profile::{Fingerprint, is_read};

use super::ScanError;
use super::directory::{
    Content, Kind, SCRIPT_MAX, fingerprint_of_unread, is_shortage, kind, names, open_directory, read,
};

/// How deep directories are searched.
pub(super) const DEPTH_MAX: usize = 8;
/// The most files and directories that are looked at.
const ENTRIES_MAX: usize = 1024;
/// The most bytes that are read, of all files together.
const BYTES_MAX: u64 = 8 * 1024 * 1024;

/// A digest of all modules in these directories. One that is not there has none.
pub fn modules(directories: &[PathBuf]) -> Result<Fingerprint, ScanError> {
    let mut walk = Walk { digest: Fingerprint::default(), entries: 0, bytes: 0 };
    for path in directories {
        walk.root(path).map_err(|errno| ScanError::Directory { path: path.clone(), errno })?;
    }
    Ok(walk.digest)
}

struct Walk {
    digest: Fingerprint,
    entries: usize,
    bytes: u64,
}

impl Walk {
    fn root(&mut self, path: &Path) -> nix::Result<()> {
        match open_directory(nix::fcntl::AT_FDCWD, path) {
            Ok(dir) => self.directory(dir, 0)?,
            Err(errno) if is_shortage(errno) => return Err(errno),
            // Nor can it be required from; its rights or its being there are another digest.
            Err(_) => {}
        }
        self.mix(Fingerprint::default(), b"/");
        Ok(())
    }

    fn directory(&mut self, mut dir: Dir, depth: usize) -> nix::Result<()> {
        let mut names = names(&mut dir, |name| !name.starts_with('.'))?;
        names.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        for (entry, name, listed) in names {
            let kind = match kind(&dir, &entry, listed) {
                Ok(kind) => kind,
                Err(errno) if is_shortage(errno) => return Err(errno),
                Err(_) => continue,
            };
            let is_module =
                matches!(kind, Kind::Regular) && entry.to_bytes().ends_with(b".lua") && is_read(&name);
            let is_directory = matches!(kind, Kind::Directory);
            if !is_module && !is_directory {
                continue;
            }
            self.entries += 1;
            if self.entries > ENTRIES_MAX {
                return Ok(());
            }
            if is_directory {
                self.below(&dir, &entry, listed, depth)?;
            } else {
                self.file(&dir, &entry)?;
            }
        }
        Ok(())
    }

    fn below(&mut self, dir: &Dir, entry: &CStr, listed: Option<Type>, depth: usize) -> nix::Result<()> {
        if listed != Some(Type::Directory)
            && let Ok(target) = readlinkat(dir, entry)
        {
            self.mix(Fingerprint::of(target.as_encoded_bytes()), entry.to_bytes());
            return Ok(());
        }
        if depth < DEPTH_MAX {
            match open_directory(dir, entry) {
                Ok(below) => self.directory(below, depth + 1)?,
                Err(errno) if is_shortage(errno) => return Err(errno),
                Err(_) => {}
            }
            self.mix(Fingerprint::default(), entry.to_bytes());
        }
        Ok(())
    }

    fn file(&mut self, dir: &Dir, entry: &CStr) -> nix::Result<()> {
        let most = SCRIPT_MAX.min(BYTES_MAX - self.bytes);
        let content = match read(dir, entry, most) {
            Ok(Content::Bytes(bytes, _)) => {
                self.bytes += bytes.len() as u64;
                Fingerprint::of(&bytes)
            }
            Ok(Content::TooLarge(of)) => fingerprint_of_unread(&of),
            Err(Errno::ENOENT) => return Ok(()),
            Err(errno) if is_shortage(errno) => return Err(errno),
            Err(_) => Fingerprint::default(),
        };
        self.mix(content, entry.to_bytes());
        Ok(())
    }

    fn mix(&mut self, content: Fingerprint, name: &[u8]) {
        let before = self.digest.0.to_le_bytes();
        self.digest = Fingerprint::of(&[&before[..], &content.0.to_le_bytes(), name, b"\0"].concat());
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{create_dir_all, remove_dir_all, remove_file, rename, write};
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn whatever_can_be_required_is_part_of_the_digest_and_nothing_else() {
        let temporary = tempfile::tempdir().unwrap();
        let path = |name: &str| temporary.path().join(name);
        let directories = [path("hooks"), path("more")];
        let mut last = modules(&directories).unwrap();
        let mut check = |what: &str, differs: bool, act: &dyn Fn() -> std::io::Result<()>| {
            act().unwrap();
            let digest = modules(&directories).unwrap();
            assert_eq!(digest != last, differs, "{what}");
            last = digest;
        };
        check("an empty directory", false, &|| create_dir_all(path("hooks")));
        check("a module", true, &|| write(path("hooks/a.lua"), "1"));
        check("another text", true, &|| write(path("hooks/a.lua"), "2"));
        check("the same text", false, &|| write(path("hooks/a.lua"), "2"));
        check("another name", true, &|| rename(path("hooks/a.lua"), path("hooks/b.lua")));
        check("another place", true, &|| {
            create_dir_all(path("more"))?;
            rename(path("hooks/b.lua"), path("more/b.lua"))
        });
        check("a module that is called as a hook", true, &|| write(path("more/health.lua"), "1"));
        check("notes", false, &|| write(path("more/notes.md"), "1"));
        check("a test", false, &|| write(path("more/b_test.lua"), "1"));
        check("what is hidden", false, &|| {
            create_dir_all(path("more/.git"))?;
            write(path("more/.git/x.lua"), "1")
        });
        check("directories", true, &|| create_dir_all(path("more/lib/x")));
        check("one deep below", true, &|| write(path("more/lib/x/c.lua"), "1"));
        check("a symlink to a file", true, &|| symlink("lib/x/c.lua", path("more/s.lua")));
        check("the file that it leads to", true, &|| write(path("more/lib/x/c.lua"), "2"));
        check("a symlink to a directory", true, &|| symlink("lib/x", path("more/v")));
        check("that symlink elsewhere", true, &|| {
            remove_file(path("more/v"))?;
            symlink("lib", path("more/v"))
        });
        check("a circle", true, &|| symlink("..", path("more/lib/up")));
        check("a FIFO", false, &|| {
            Ok(nix::unistd::mkfifo(&path("more/f.lua"), nix::sys::stat::Mode::S_IRWXU)?)
        });
        check("too long", true, &|| write(path("more/long.lua"), vec![b' '; 300 * 1024]));
        check("longer", true, &|| write(path("more/long.lua"), vec![b' '; 300 * 1024 + 1]));
        check("all gone", true, &|| remove_dir_all(path("more")));
    }

    #[test]
    fn many_files_are_cut_off_and_many_bytes_are_not_read() {
        let temporary = tempfile::tempdir().unwrap();
        for index in 0..40 {
            write(temporary.path().join(format!("m{index:02}.lua")), vec![b'-'; 250 * 1024]).unwrap();
        }
        let directories = [temporary.path().to_owned()];
        let before = modules(&directories).unwrap();
        assert_eq!(modules(&directories).unwrap(), before);
        write(temporary.path().join("m39.lua"), "short").unwrap();
        assert_ne!(modules(&directories).unwrap(), before, "by its size");
        let before = modules(&directories).unwrap();
        for index in 0..ENTRIES_MAX {
            write(temporary.path().join(format!("n{index:04}.lua")), "").unwrap();
        }
        let full = modules(&directories).unwrap();
        assert_ne!(full, before);
        write(temporary.path().join("z.lua"), "").unwrap();
        assert_eq!(modules(&directories).unwrap(), full);
    }
}
