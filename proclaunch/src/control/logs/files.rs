//! Which files there are, from the newest to the oldest.
//!
//! Rotation gives each file the next higher number, the highest first, while somebody looks. So they are looked at from
//! the lowest number up: a file that moves ahead of the look is met later, or twice, and none is missed. Of one that is
//! met twice the second place counts: several rotations can come between two looks, and then those met in between are
//! newer.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, fstatat};
use proclaunch_core::ids::ProfileName;

use crate::logger::{CURRENT, LOG};

/// How often a file is looked for that moves away between look and opening.
const TRIES: usize = 16;

/// After so many numbers that nothing has, there are no more files, unless the listing says so: one can move on just
/// before it is looked at.
const ABSENT_MAX: u32 = 4;

/// The highest number that is looked for: a profile keeps 1000 at most.
const HIGHEST: u32 = 2000;

/// Which file it is, whatever it is called. Holds while somebody has it open: then the number of its inode is not given
/// to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(file: &File) -> Option<Self> {
        file.metadata().ok().map(|found| Self { device: found.dev(), inode: found.ino() })
    }
}

/// The directory of one profile's output.
#[derive(Debug)]
pub(super) struct Files {
    path: PathBuf,
}

/// A file that was there at a look.
#[derive(Clone, Debug)]
struct Found {
    name: String,
    identity: Identity,
}

impl Files {
    pub(super) fn new(state_dir: &Path, name: &ProfileName) -> Self {
        Self { path: state_dir.join(LOG).join(name.as_str()) }
    }

    /// The newest file.
    pub(super) fn newest(&self) -> Option<File> {
        self.pick(|found| found.first().cloned())
    }

    /// The file that was written to before this one.
    pub(super) fn older_than(&self, file: &File) -> Option<File> {
        let own = Identity::of(file)?;
        self.pick(|found| {
            let at = found.iter().position(|one| one.identity == own)?;
            found.get(at + 1).cloned()
        })
    }

    /// The file that was written to after this one, before which there was `older`.
    ///
    /// One that is not there any more was removed as the oldest, and then all others are newer; or somebody has moved it
    /// away, and then those are newer that are newer than the one before it.
    pub(super) fn newer_than(&self, file: &File, older: Option<&File>) -> Option<File> {
        let own = Identity::of(file)?;
        let older = older.and_then(Identity::of);
        self.pick(|found| {
            let place = |of| found.iter().position(|one| one.identity == of);
            let end = place(own).or_else(|| older.and_then(place)).unwrap_or(found.len());
            found[..end].last().cloned()
        })
    }

    /// Opens one of the files.
    fn pick(&self, choose: impl Fn(&[Found]) -> Option<Found>) -> Option<File> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        for _ in 0..TRIES {
            let mut dir = Dir::open(&self.path, flags, Mode::empty()).ok()?;
            let chosen = choose(&look(&mut dir))?;
            let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
            let Ok(file) = openat(&dir, chosen.name.as_str(), flags, Mode::empty()) else { continue };
            let file = File::from(file);
            if Identity::of(&file) == Some(chosen.identity) {
                return Some(file);
            }
        }
        None
    }
}

/// All files, the newest first, each once.
fn look(dir: &mut Dir) -> Vec<Found> {
    // While files are renamed, a listing may lack some of them: it only says how far to look at least.
    let numbers = dir.iter().flatten().filter_map(|one| number(one.file_name().to_bytes()));
    let highest = numbers.max().unwrap_or(0).min(HIGHEST);
    in_order(highest, |name| regular(dir, name))
}

/// What is there up to this number, and beyond if there is something.
fn in_order(highest: u32, identity: impl Fn(&str) -> Option<Identity>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let (mut number, mut absent) = (0, 0);
    while number <= highest || absent < ABSENT_MAX {
        let name = if number == 0 { CURRENT.to_owned() } else { format!("{CURRENT}.{number}") };
        match identity(&name) {
            Some(identity) => {
                let count = found.len();
                found.retain(|one| one.identity != identity);
                if found.len() == count {
                    absent = 0;
                }
                found.push(Found { name, identity });
            }
            None => absent += 1,
        }
        number += 1;
    }
    found
}

fn regular(dir: &Dir, name: &str) -> Option<Identity> {
    let stat = fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW).ok()?;
    let is_regular = stat.st_mode & libc::S_IFMT == libc::S_IFREG;
    is_regular.then_some(Identity { device: stat.st_dev, inode: stat.st_ino })
}

/// The number of a file of this name; `current` itself is 0.
fn number(name: &[u8]) -> Option<u32> {
    let rest = std::str::from_utf8(name).ok()?.strip_prefix(CURRENT)?;
    if rest.is_empty() {
        return Some(0);
    }
    let digits = rest.strip_prefix('.')?;
    let number: u32 = digits.parse().ok()?;
    (number > 0 && digits == number.to_string()).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_logger_makes_has_a_number() {
        for (name, expected) in [
            ("current", Some(0)),
            ("current.1", Some(1)),
            ("current.12", Some(12)),
            ("current.0", None),
            ("current.01", None),
            ("current.+1", None),
            ("current.1.gz", None),
            ("currents", None),
            ("pipe", None),
            ("current.99999999999", None),
        ] {
            assert_eq!(number(name.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn rotations_between_two_looks_change_no_order() {
        let check = |seen: &[&str], expect: &str| {
            // What is met under each number; files are called by letters, the newest last.
            let identity = |name: &str| {
                let at = usize::try_from(number(name.as_bytes())?).ok()?;
                seen.get(at)?.bytes().next().map(|letter| Identity { device: 1, inode: letter.into() })
            };
            let found = in_order(0, identity);
            let letters: Vec<u8> =
                found.iter().map(|one| u8::try_from(one.identity.inode).unwrap()).collect();
            assert_eq!(String::from_utf8(letters).unwrap(), expect, "{seen:?}");
        };
        check(&["c", "b", "a"], "cba");
        check(&["", "b", "a"], "ba");
        check(&["c", "c", "b", "a"], "cba");
        check(&["b", "c", "b", "a"], "cba");
        check(&["b", "a", "c", "b", "a"], "cba");
    }
}
