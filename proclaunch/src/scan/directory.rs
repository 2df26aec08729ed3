//! One directory of settings: names that mean something, and their bytes.
//!
//! **Invariant:** no more is read than a setting can need, and no file is opened that is not a regular one.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use nix::NixPath;
use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, fstat, fstatat};
use proclaunch_core::profile::{File, Files, Fingerprint, Run, is_read, near_miss};

/// The largest setting that is read, in bytes.
const SETTING_MAX: u64 = 64 * 1024;
/// More than any hook needs.
pub(super) const SCRIPT_MAX: u64 = 256 * 1024;

/// The largest `run` that is read, in bytes.
const RUN_MAX: u64 = 4 * 1024 * 1024;

/// The most files that an `env/` may hold.
const VARIABLES_MAX: usize = 1024;

/// Why a symlink cannot be read.
pub(super) const DANGLING: &str = "the symlink leads nowhere";

/// What an entry is once symlinks are followed.
pub(super) enum Kind {
    Regular,
    Directory,
    /// A FIFO, a socket or a device.
    Special,
    /// A symlink that leads nowhere.
    Dangling,
}

pub(super) fn open_directory<P: ?Sized + NixPath>(at: impl AsFd, path: &P) -> nix::Result<Dir> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    Dir::openat(at, path, flags, Mode::empty())
}

/// What the entry is; `listed` is what the directory itself says of it.
pub(super) fn kind(dir: &Dir, name: &CStr, listed: Option<Type>) -> nix::Result<Kind> {
    match listed {
        Some(Type::File) => return Ok(Kind::Regular),
        Some(Type::Directory) => return Ok(Kind::Directory),
        Some(Type::Fifo | Type::Socket | Type::CharacterDevice | Type::BlockDevice) => {
            return Ok(Kind::Special);
        }
        Some(Type::Symlink) | None => {}
    }
    match fstatat(dir, name, AtFlags::empty()).map(|found| found.st_mode & libc::S_IFMT) {
        Ok(libc::S_IFREG) => Ok(Kind::Regular),
        Ok(libc::S_IFDIR) => Ok(Kind::Directory),
        Ok(_) => Ok(Kind::Special),
        Err(Errno::ENOENT) if listed == Some(Type::Symlink) => Ok(Kind::Dangling),
        Err(errno) => Err(errno),
    }
}

/// Reads a profile directory; `None` if it was deleted meanwhile.
pub(super) fn profile(mut dir: Dir) -> nix::Result<Option<Files>> {
    let mut files = Files { run: Run::Missing, entries: BTreeMap::new() };
    for (entry, name, listed) in names(&mut dir, |name| is_read(name) || near_miss(name).is_some())? {
        if name == "run" {
            files.run = run(&dir, &entry, listed)?;
        } else if let Some(file) = setting(&dir, &entry, &name, listed)? {
            files.entries.insert(name, file);
        }
    }
    let deleted = matches!(files.run, Run::Missing) && fstat(&dir)?.st_nlink == 0;
    Ok((!deleted).then_some(files))
}

/// Reads `.defaults/`. A `run` in it is present and not read.
pub(super) fn defaults(mut dir: Dir) -> nix::Result<BTreeMap<String, File>> {
    let mut files = BTreeMap::new();
    for (entry, name, listed) in names(&mut dir, |name| is_read(name) || near_miss(name).is_some())? {
        let file = if name == "run" { Some(File::Other) } else { setting(&dir, &entry, &name, listed)? };
        files.extend(file.map(|file| (name, file)));
    }
    Ok(files)
}

/// An entry's name, the same as text, and what the directory says that it is.
pub(super) type Named = (CString, String, Option<Type>);

pub(super) fn names(dir: &mut Dir, wanted: impl Fn(&str) -> bool) -> nix::Result<Vec<Named>> {
    let mut names = Vec::new();
    for entry in dir.iter() {
        let entry = entry?;
        let text = entry.file_name().to_string_lossy();
        if wanted(&text) {
            names.push((entry.file_name().to_owned(), text.into_owned(), entry.file_type()));
        }
    }
    Ok(names)
}

/// One setting; `None` if it vanished meanwhile, or is a directory that merely has a similar name.
fn setting(dir: &Dir, entry: &CStr, name: &str, listed: Option<Type>) -> nix::Result<Option<File>> {
    let kind = match kind(dir, entry, listed) {
        Ok(kind) => kind,
        Err(errno) => return unread(errno),
    };
    match kind {
        Kind::Directory if !is_read(name) => Ok(None),
        _ if !is_read(name) => Ok(Some(File::Other)),
        Kind::Directory if name == "env" => variables(dir, entry),
        Kind::Regular if name == "log_run" => program(dir, entry),
        Kind::Regular | Kind::Directory | Kind::Special | Kind::Dangling => content(dir, entry, &kind),
    }
}

/// The files of `env/`. Hidden ones are no variables.
fn variables(dir: &Dir, entry: &CStr) -> nix::Result<Option<File>> {
    let mut dir = match open_directory(dir, entry) {
        Ok(dir) => dir,
        Err(errno) => return unread(errno),
    };
    let names = match names(&mut dir, |name| !name.starts_with('.')) {
        Ok(names) => names,
        Err(errno) => return unread(errno),
    };
    if names.len() > VARIABLES_MAX {
        return Ok(Some(File::Unreadable(format!("more than {VARIABLES_MAX} files"))));
    }
    let file = |(entry, name, listed): Named| {
        let file = match kind(&dir, &entry, listed) {
            Ok(kind) => content(&dir, &entry, &kind),
            Err(errno) => unread(errno),
        };
        file.map(|file| Some((name, file?))).transpose()
    };
    Ok(Some(File::Directory(names.into_iter().filter_map(file).collect::<nix::Result<_>>()?)))
}

/// The `log_run` file: what [`run`] is for `run`.
fn program(dir: &Dir, entry: &CStr) -> nix::Result<Option<File>> {
    Ok(Some(match read(dir, entry, SETTING_MAX) {
        Ok(Content::Bytes(_, metadata) | Content::TooLarge(metadata)) if metadata.mode() & 0o111 == 0 => {
            File::NotExecutable
        }
        Ok(Content::Bytes(bytes, _)) => File::Bytes(bytes),
        Ok(Content::TooLarge(metadata)) => File::TooLarge(metadata.len()),
        Err(Errno::EACCES) => match fstatat(dir, entry, AtFlags::empty()) {
            Ok(found) if found.st_mode & 0o111 != 0 => File::TooLarge(found.st_size.cast_unsigned()),
            Ok(_) => File::NotExecutable,
            Err(errno) => return unread(errno),
        },
        Err(errno) => return unread(errno),
    }))
}

fn content(dir: &Dir, entry: &CStr, kind: &Kind) -> nix::Result<Option<File>> {
    let max = if entry.to_bytes().ends_with(b".lua") { SCRIPT_MAX } else { SETTING_MAX };
    Ok(Some(match kind {
        Kind::Regular => match read(dir, entry, max) {
            Ok(Content::Bytes(bytes, _)) => File::Bytes(bytes),
            Ok(Content::TooLarge(metadata)) => File::TooLarge(metadata.len()),
            Err(errno) => return unread(errno),
        },
        Kind::Directory => File::Directory(BTreeMap::new()),
        Kind::Special => File::Other,
        Kind::Dangling => File::Unreadable(DANGLING.to_owned()),
    }))
}

/// What stands for a file that could not be read: nothing if it vanished. That we have run out of something is not
/// the file's fault, and no value.
fn unread(errno: Errno) -> nix::Result<Option<File>> {
    match errno {
        Errno::ENOENT => Ok(None),
        errno if is_shortage(errno) => Err(errno),
        errno => Ok(Some(File::Unreadable(errno.desc().to_owned()))),
    }
}

/// Whether we have run out of something, which says nothing of what was to be read.
pub(super) const fn is_shortage(errno: Errno) -> bool {
    matches!(errno, Errno::EMFILE | Errno::ENFILE | Errno::ENOMEM)
}

/// The `run` file. Executable is what has any execute bit: who will execute it is not known here.
fn run(dir: &Dir, entry: &CStr, listed: Option<Type>) -> nix::Result<Run> {
    match kind(dir, entry, listed) {
        Ok(Kind::Regular) => {}
        Ok(Kind::Directory | Kind::Special) => return Ok(Run::NotExecutable),
        Ok(Kind::Dangling) => return Ok(Run::Unreadable(DANGLING.to_owned())),
        Err(Errno::ENOENT) => return Ok(Run::Missing),
        Err(errno) if is_shortage(errno) => return Err(errno),
        Err(errno) => return Ok(Run::Unreadable(errno.desc().to_owned())),
    }
    Ok(match read(dir, entry, RUN_MAX) {
        Ok(Content::Bytes(_, metadata) | Content::TooLarge(metadata)) if metadata.mode() & 0o111 == 0 => {
            Run::NotExecutable
        }
        Ok(Content::Bytes(bytes, _)) => Run::Executable(Fingerprint::of(&bytes)),
        Ok(Content::TooLarge(metadata)) => Run::Executable(fingerprint_of_unread(&metadata)),
        Err(Errno::ENOENT) => Run::Missing,
        Err(Errno::EACCES) => unreadable_run(dir, entry),
        Err(errno) if is_shortage(errno) => return Err(errno),
        Err(errno) => Run::Unreadable(errno.desc().to_owned()),
    })
}

/// A program that may be executed and not read is an honest one.
fn unreadable_run(dir: &Dir, entry: &CStr) -> Run {
    match fstatat(dir, entry, AtFlags::empty()) {
        Ok(found) if found.st_mode & 0o111 != 0 => Run::Executable(fingerprint_of_metadata([
            found.st_size.cast_unsigned(),
            found.st_mtime.cast_unsigned(),
            found.st_mtime_nsec.cast_unsigned(),
            found.st_ino,
            found.st_dev,
        ])),
        Ok(_) => Run::NotExecutable,
        Err(errno) => Run::Unreadable(errno.desc().to_owned()),
    }
}

/// Stands for the content of a file that is too large to be read.
pub(super) fn fingerprint_of_unread(metadata: &std::fs::Metadata) -> Fingerprint {
    fingerprint_of_metadata([
        metadata.len(),
        metadata.mtime().cast_unsigned(),
        metadata.mtime_nsec().cast_unsigned(),
        metadata.ino(),
        metadata.dev(),
    ])
}

/// Stands for a content that is not read: size, time of change in seconds and nanoseconds, inode and device.
fn fingerprint_of_metadata(metadata: [u64; 5]) -> Fingerprint {
    let bytes: Vec<u8> = metadata.iter().flat_map(|field| field.to_le_bytes()).collect();
    Fingerprint::of(&bytes)
}

pub(super) enum Content {
    Bytes(Vec<u8>, std::fs::Metadata),
    TooLarge(std::fs::Metadata),
}

/// All bytes of a regular file of at most `max` bytes.
pub(super) fn read(dir: &Dir, entry: &CStr, max: u64) -> nix::Result<Content> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let mut file = std::fs::File::from(openat(dir, entry, flags, Mode::empty())?);
    let metadata = file.metadata().map_err(|error| errno(&error))?;
    if metadata.len() > max {
        return Ok(Content::TooLarge(metadata));
    }
    let expected = usize::try_from(metadata.len()).unwrap_or_default();
    // One byte more than there is: a file that grew is to be noticed.
    let mut bytes = vec![0; expected + 1];
    let count = match file.read(&mut bytes) {
        Ok(count) => count,
        // `read_to_end` goes on where nothing was read.
        Err(error) if error.kind() == ErrorKind::Interrupted => 0,
        Err(error) => return Err(errno(&error)),
    };
    bytes.truncate(count);
    // As many as there were: the end, without another call that says so.
    if count != expected {
        file.take(max + 1 - count as u64).read_to_end(&mut bytes).map_err(|error| errno(&error))?;
    }
    if bytes.len() as u64 > max {
        return Ok(Content::TooLarge(metadata));
    }
    Ok(Content::Bytes(bytes, metadata))
}

fn errno(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))
}
