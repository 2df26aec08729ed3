//! Which of ProcLaunch's processes this one is, and what they inherit from the keeper.
//!
//! Supervisor and logger are the same program as the keeper: it executes itself, and `argv[0]` says who is meant.
//! The command line is that of the keeper, worked out; sockets come as the first descriptors after standard error.

use std::convert::Infallible;
use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{Read, Seek};
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::{env, iter};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::execve;

use crate::cli::Settings;
use crate::sys;

/// `argv[0]` of the supervisor.
pub const SUPERVISOR: &str = "proclaunch: supervisor";
/// `argv[0]` of the logger.
pub const LOGGER: &str = "proclaunch: logger";
/// `argv[0]` of the keeper, where nobody has typed it.
pub const KEEPER: &str = "proclaunch";

/// The descriptor of a helper's first socket: the supervisor's to the keeper, the logger's to the supervisor.
pub const FIRST_SOCKET: RawFd = 3;
/// The descriptor of the supervisor's socket to the logger.
pub const SECOND_SOCKET: RawFd = 4;

/// The descriptor of the socket in which the FIFOs are in flight, after a helper's own sockets: see [`Role`].
pub const fn parcel_of(role: Role) -> RawFd {
    match role {
        Role::Supervisor => SECOND_SOCKET + 1,
        Role::Logger | Role::Typed => FIRST_SOCKET + 1,
    }
}

/// What tells a keeper that nobody has typed how it comes to be: see [`Birth`].
const BIRTH: &str = "PROCLAUNCH_BIRTH";

/// Which process this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What an operator has typed: a keeper, or a verb.
    Typed,
    /// The process that decides.
    Supervisor,
    /// The process that keeps the output.
    Logger,
}

impl Role {
    /// By `argv[0]`.
    pub fn of(name: Option<&OsStr>) -> Self {
        match name.and_then(OsStr::to_str) {
            Some(SUPERVISOR) => Self::Supervisor,
            Some(LOGGER) => Self::Logger,
            Some(_) | None => Self::Typed,
        }
    }
}

/// How a keeper comes to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Birth {
    /// An operator, or something in his place, has started it.
    Started,
    /// The one before it is gone, and another process of ProcLaunch has noticed.
    TakesOver,
    /// The one before has executed a new program in its place: the descriptors of the state directory with its lock,
    /// and of the image of what was known; and the version before.
    Upgraded {
        /// The state directory, locked.
        state_dir: RawFd,
        /// The image: see [`crate::keeper::load_image`].
        image: RawFd,
        /// The version of the program before.
        from: String,
    },
    /// Nobody's: it is only to say whether it could take over that image.
    Rehearses {
        /// The image.
        image: RawFd,
    },
}

impl Birth {
    /// As the environment says.
    pub fn of_this_process() -> Self {
        env::var(BIRTH).ok().and_then(|text| Self::parse(&text)).unwrap_or(Self::Started)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let birth = match words.next()? {
            "takes-over" => Self::TakesOver,
            "upgraded" => Self::Upgraded {
                state_dir: words.next()?.parse().ok()?,
                image: words.next()?.parse().ok()?,
                from: words.next()?.to_owned(),
            },
            "rehearses" => Self::Rehearses { image: words.next()?.parse().ok()? },
            _ => return None,
        };
        words.next().is_none().then_some(birth)
    }

    /// The entry of the environment that says so.
    fn entry(&self) -> Option<OsString> {
        let value = match self {
            Self::Started => return None,
            Self::TakesOver => "takes-over".to_owned(),
            Self::Upgraded { state_dir, image, from } => format!("upgraded {state_dir} {image} {from}"),
            Self::Rehearses { image } => format!("rehearses {image}"),
        };
        Some(format!("{BIRTH}={value}").into())
    }

    /// The environment of this process, with what says that a program is born so.
    pub fn environment(&self) -> Vec<OsString> {
        let own = env::vars_os().filter(|(name, _)| name != BIRTH);
        let own = own.map(|(mut entry, value)| {
            entry.push("=");
            entry.push(value);
            entry
        });
        own.chain(self.entry()).collect()
    }
}

/// The program of this process: what its file holds even after another one was put in its place.
pub fn own_program() -> &'static Path {
    Path::new("/proc/self/exe")
}

/// The path of the program, where a new version of it is put.
///
/// # Errors
/// Those of `readlink(2)`.
pub fn program_path() -> std::io::Result<PathBuf> {
    let path = std::fs::read_link(own_program())?;
    // So the kernel names a file that was removed, or replaced by a rename.
    match path.as_os_str().as_bytes().strip_suffix(b" (deleted)") {
        Some(bytes) => Ok(PathBuf::from(OsStr::from_bytes(bytes))),
        None => Ok(path),
    }
}

/// Executes a program in this process, as a keeper that is born so. Returns only if that fails.
///
/// # Errors
/// Those of `execve(2)`; `EINVAL` if there is a NUL in what it is given.
pub fn execute_keeper(program: &Path, settings: &Settings, birth: &Birth) -> Result<Infallible, Errno> {
    let strings = |words: Vec<OsString>| -> Result<Vec<CString>, Errno> {
        let strings = words.iter().map(|word| CString::new(word.as_bytes()));
        strings.collect::<Result<_, _>>().map_err(|_| Errno::EINVAL)
    };
    let path = CString::new(program.as_os_str().as_bytes()).map_err(|_| Errno::EINVAL)?;
    let argv = strings(iter::once(KEEPER.into()).chain(settings.words()).collect())?;
    execve(&path, &argv, &strings(birth.environment())?)
}

/// Takes hold of a socket that the keeper has passed: it is made non-blocking and close-on-exec.
///
/// # Errors
/// There is no socket at that number: this process was not started by a keeper.
pub fn inherited_socket(number: RawFd) -> Result<OwnedFd, Errno> {
    let fd = sys::inherited(number).ok_or(Errno::EBADF)?;
    let kind = SFlag::from_bits_truncate(fstat(&fd)?.st_mode) & SFlag::S_IFMT;
    if kind != SFlag::S_IFSOCK {
        return Err(Errno::ENOTSOCK);
    }
    fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
    close_on_exec(&fd, true)?;
    Ok(fd)
}

/// Takes hold of the state directory that the program before has locked. None if it is not there.
pub fn inherited_directory(number: RawFd) -> Option<OwnedFd> {
    let fd = sys::inherited(number)?;
    close_on_exec(&fd, true).ok()?;
    Some(fd)
}

/// Closes the FIFOs that the supervisor before this keeper has left open over `execve`, and the socket in which others
/// are in flight: what is not close-on-exec, as everything is that was opened here.
pub fn close_inherited_outputs() {
    for number in sys::open_descriptors().into_iter().filter(|number| *number > 2) {
        if sys::is_inherited_output(number) {
            drop(sys::inherited(number));
        }
    }
}

/// Reads what an inherited file holds, from its beginning.
///
/// # Errors
/// Why it cannot be read: a fragment for people.
pub fn read_inherited(number: RawFd) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut file = File::from(sys::inherited(number).ok_or("it was not passed")?);
    let read = file.rewind().and_then(|()| file.read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| error.to_string())
}

/// Has a descriptor close with `execve`, or stay open.
///
/// # Errors
/// Those of `fcntl(2)`.
pub fn close_on_exec(fd: &OwnedFd, closes: bool) -> Result<(), Errno> {
    let flags = if closes { FdFlag::FD_CLOEXEC } else { FdFlag::empty() };
    fcntl(fd, FcntlArg::F_SETFD(flags)).map(drop)
}

/// Standard output and error.
pub fn own_output() -> [BorrowedFd<'static>; 2] {
    sys::standard_output()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birth_reads_back_as_it_was_written() {
        for birth in [
            Birth::TakesOver,
            Birth::Upgraded { state_dir: 7, image: 9, from: "2.0.0".to_owned() },
            Birth::Rehearses { image: 3 },
        ] {
            let entry = birth.entry().unwrap().into_string().unwrap();
            assert_eq!(Birth::parse(entry.strip_prefix("PROCLAUNCH_BIRTH=").unwrap()), Some(birth));
        }
        assert_eq!(Birth::Started.entry(), None);
        for text in ["", "x", "upgraded", "upgraded 1 2", "takes-over now", "rehearses x"] {
            assert_eq!(Birth::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_name_tells_the_role() {
        assert_eq!(Role::of(Some(OsStr::new(SUPERVISOR))), Role::Supervisor);
        assert_eq!(Role::of(Some(OsStr::new(LOGGER))), Role::Logger);
        assert_eq!(Role::of(Some(OsStr::new("proclaunch"))), Role::Typed);
        assert_eq!(Role::of(None), Role::Typed);
    }
}
