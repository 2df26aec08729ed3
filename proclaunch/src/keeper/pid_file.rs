//! Pid files, which anybody may have written: what is believed of them.
//!
//! **Invariant:** [`parse_pid_file`] is total; a file is believed only if it passes every rule, and reading it can
//! neither block nor follow a link.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{SysconfVar, sysconf};
use proclaunch_core::ids::ProcId;
use thiserror::Error;

use super::look::is_kernel;
use super::protocol::Found;
use super::stat::read_stat;

/// A pid file is not longer than this.
const SIZE_MAX: usize = 64;
/// How much later than its pid file a process may seem to have started: clocks have grains.
const SLACK_NANOS: i128 = 1_000_000_000;

/// What is in a pid file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PidFile {
    /// There is no such file.
    Absent,
    /// It names a live process that may be the profile's.
    Names(Found),
    /// It is not to be believed.
    Rejected(Rejection),
}

/// Why a pid file is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It cannot be read.
    Unreadable(Errno),
    /// It is a symbolic link.
    Link,
    /// It is a directory, a FIFO, a device.
    NoFile,
    /// Anybody could have written it.
    WritableByOthers,
    /// It does not hold one pid.
    Content(ContentError),
    /// The process is pid 1.
    Init,
    /// The process is this one.
    Ourselves,
    /// There is no such process, or it is a zombie.
    NotAlive(i32),
    /// The process is a thread of the kernel's.
    Kernel(i32),
    /// The process is another profile's.
    Taken(i32),
    /// The process started after the file was written: the pid was reused.
    Younger(i32),
    /// The process's user.
    Owner {
        /// The process.
        pid: i32,
        /// Its user.
        uid: u32,
    },
}

/// Why a content is not a pid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ContentError {
    /// Nothing but white space.
    #[error("is empty")]
    Empty,
    /// Longer than any pid.
    #[error("is too long for a pid file")]
    TooLong,
    /// Anything but one decimal number.
    #[error("does not hold a number")]
    NotANumber,
    /// A number that no process has.
    #[error("holds a number that is no pid")]
    OutOfRange,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(errno) => write!(f, "cannot be read: {}", errno.desc()),
            Self::Link => f.write_str("is a symbolic link"),
            Self::NoFile => f.write_str("is not a regular file"),
            Self::WritableByOthers => f.write_str("is writable by others"),
            Self::Content(error) => error.fmt(f),
            Self::Init => f.write_str("names pid 1, which is never a service"),
            Self::Ourselves => f.write_str("names ProcLaunch itself"),
            Self::NotAlive(pid) => write!(f, "names pid {pid}, which is not alive"),
            Self::Kernel(pid) => write!(f, "names pid {pid}, which is a kernel thread"),
            Self::Taken(pid) => write!(f, "names pid {pid}, which is another profile's"),
            Self::Younger(pid) => write!(f, "names pid {pid}, which started after the file was written"),
            Self::Owner { pid, uid } => write!(f, "names pid {pid}, which belongs to user {uid}"),
        }
    }
}

/// Reads the pid file of a profile that runs as user `uid`, and decides whether it is to be believed.
///
/// Whether the process is another profile's is for the caller to see.
pub fn look_at_pid_file(path: &Path, uid: u32) -> PidFile {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => match examine(&file, uid) {
            Ok(found) => PidFile::Names(found),
            Err(rejection) => PidFile::Rejected(rejection),
        },
        Err(error) => unopened(errno(&error)),
    }
}

fn unopened(errno: Errno) -> PidFile {
    if matches!(errno, Errno::ENOENT | Errno::ENOTDIR) {
        return PidFile::Absent;
    }
    PidFile::Rejected(if errno == Errno::ELOOP {
        Rejection::Link
    } else if errno == Errno::ENXIO {
        // A socket, or a device that is not there.
        Rejection::NoFile
    } else {
        Rejection::Unreadable(errno)
    })
}

/// The pid in a pid file: one decimal number, white space around it.
pub fn parse_pid_file(content: &[u8]) -> Result<i32, ContentError> {
    if content.len() > SIZE_MAX {
        return Err(ContentError::TooLong);
    }
    let digits = content.trim_ascii();
    if digits.is_empty() {
        return Err(ContentError::Empty);
    }
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(ContentError::NotANumber);
    }
    let number = std::str::from_utf8(digits).map_err(|_| ContentError::NotANumber)?.parse();
    number.ok().filter(|pid| *pid > 0).ok_or(ContentError::OutOfRange)
}

fn examine(file: &File, expected: u32) -> Result<Found, Rejection> {
    let unreadable = |error: io::Error| Rejection::Unreadable(errno(&error));
    let meta = file.metadata().map_err(unreadable)?;
    if !meta.is_file() {
        return Err(Rejection::NoFile);
    }
    if meta.mode() & 0o002 != 0 {
        return Err(Rejection::WritableByOthers);
    }
    let mut content = Vec::with_capacity(SIZE_MAX + 1);
    let limit = u64::try_from(SIZE_MAX + 1).expect("64 bits");
    file.take(limit).read_to_end(&mut content).map_err(unreadable)?;
    let pid = parse_pid_file(&content).map_err(Rejection::Content)?;
    let id = examine_process(pid)?;
    let uid = user_of(pid).ok_or(Rejection::NotAlive(pid))?;
    if uid != expected && uid != 0 && meta.uid() != 0 {
        return Err(Rejection::Owner { pid, uid });
    }
    // Seconds and nanoseconds of the wall clock, which is what files have.
    let written = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
    let age = age_of(id).ok_or(Rejection::NotAlive(pid))?;
    let age_nanos = i128::try_from(age.as_nanos()).expect("an age is far below 2^127 ns");
    let started = nanos_of(ClockId::CLOCK_REALTIME).ok_or(Rejection::NotAlive(pid))? - age_nanos;
    if started > written + SLACK_NANOS {
        return Err(Rejection::Younger(pid));
    }
    // Once more, last: all of the above was said of the process that has this start time.
    if super::identify(pid) != Some(id) {
        return Err(Rejection::NotAlive(pid));
    }
    Ok(Found { id, age })
}

fn examine_process(pid: i32) -> Result<ProcId, Rejection> {
    if pid == 1 {
        return Err(Rejection::Init);
    }
    if pid == nix::unistd::getpid().as_raw() {
        return Err(Rejection::Ourselves);
    }
    let stat = read_stat(pid).filter(|stat| !stat.is_dead()).ok_or(Rejection::NotAlive(pid))?;
    if is_kernel(&stat) {
        return Err(Rejection::Kernel(pid));
    }
    Ok(stat.id)
}

/// The effective user, from `/proc/PID/status`; none if `pid` is the number of a thread, which opens in /proc too but
/// names no process. The owner of `/proc/PID` would not do: it is root where a process is not dumpable.
fn user_of(pid: i32) -> Option<u32> {
    let status = std::fs::read(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &[u8], index: usize| -> Option<i64> {
        let line = status.split(|b| *b == b'\n').find_map(|line| line.strip_prefix(name))?;
        let word = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).nth(index)?;
        std::str::from_utf8(word).ok()?.parse().ok()
    };
    if field(b"Tgid:", 0)? != i64::from(pid) {
        return None;
    }
    u32::try_from(field(b"Uid:", 1)?).ok()
}

/// How long ago the process started; sleep of the machine included.
pub fn age_of(id: ProcId) -> Option<Duration> {
    let ticks_per_second =
        sysconf(SysconfVar::CLK_TCK).ok().flatten().and_then(|ticks| u64::try_from(ticks).ok())?;
    let started = u128::from(id.start) * 1_000_000_000 / u128::from(ticks_per_second.max(1));
    let now = u128::try_from(nanos_of(ClockId::CLOCK_BOOTTIME)?).ok()?;
    let nanos = u64::try_from(now.saturating_sub(started)).ok()?;
    Some(Duration::from_nanos(nanos))
}

fn nanos_of(clock: ClockId) -> Option<i128> {
    let time = clock_gettime(clock).ok()?;
    Some(i128::from(time.tv_sec()) * 1_000_000_000 + i128::from(time.tv_nsec()))
}

fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EINVAL, Errno::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keeper::testing::Random;

    #[test]
    fn any_bytes_give_a_pid_or_a_named_error() {
        let mut random = Random::new(2);
        let likely = b"0123456789 \n\t-+x\0\xff";
        for _ in 0..10_000 {
            let length = random.below(SIZE_MAX + 4);
            let content: Vec<u8> = (0..length).map(|_| likely[random.below(likely.len())]).collect();
            if let Ok(pid) = parse_pid_file(&content) {
                let text = String::from_utf8(content).expect("digits and white space are UTF-8");
                assert_eq!(text.trim().parse(), Ok(pid));
            }
            let noise: Vec<u8> = (0..length).map(|_| random.byte()).collect();
            let _ = parse_pid_file(&noise);
        }
    }

    #[test]
    fn only_one_decimal_number_is_a_pid() {
        for (content, expected) in [
            (&b"1234\n"[..], Ok(1234)),
            (b"  7  ", Ok(7)),
            (b"2147483647", Ok(i32::MAX)),
            (b"2147483648", Err(ContentError::OutOfRange)),
            (b"0", Err(ContentError::OutOfRange)),
            (b"", Err(ContentError::Empty)),
            (b"+5", Err(ContentError::NotANumber)),
            (b"5 6", Err(ContentError::NotANumber)),
            (b"5\0", Err(ContentError::NotANumber)),
            (&[b'1'; SIZE_MAX + 1], Err(ContentError::TooLong)),
        ] {
            assert_eq!(parse_pid_file(content), expected, "{content:?}");
        }
    }
}
