//! The words for what ended how, and what became of it.

use std::fmt;
use std::time::Duration;

use super::format::Span;
use crate::exit::Exit;
use crate::process::{SpawnError, Stage};
use crate::signal::Signal;

/// What becomes of a profile after an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It starts again after this time; zero is at once.
    Restart(Duration),
    /// Its settings do not have it started again.
    NotRestarted,
    /// It has ended too often.
    GivenUp,
    /// Its `should_restart` hook is asked.
    Asked,
    /// It ended while it was to end anyway.
    Ending,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Restart(Duration::ZERO) => f.write_str("restart at once"),
            Self::Restart(delay) => write!(f, "restart in {}", Span(*delay)),
            Self::NotRestarted => f.write_str("not restarted"),
            Self::GivenUp => f.write_str("given up"),
            Self::Asked => f.write_str("should_restart is asked"),
            Self::Ending => f.write_str("ending"),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit {code}"),
            Self::Signal { signal, core: false } => write!(f, "signal {signal}"),
            Self::Signal { signal, core: true } => write!(f, "signal {signal}, core dumped"),
            Self::OutOfMemory => write!(f, "signal {}, out of memory", Signal::KILL),
            Self::Unknown => f.write_str("exit unknown"),
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "look the user up",
            Self::Output => "open the output file",
            Self::Clone => "make a process",
            Self::Session => "make a session",
            Self::Limits => "set the limits",
            Self::Nice => "set the niceness",
            Self::Credentials => "change the user",
            Self::Directory => "change the directory",
            Self::Descriptors => "set up the descriptors",
            Self::Exec => "execute `run`",
        })
    }
}

impl fmt::Display for SpawnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // `io::Error` only looks the number up; it asks nobody.
            Self::Errno(errno) => write!(f, "{}", std::io::Error::from_raw_os_error(*errno)),
            Self::Setting { value, errno } => {
                write!(f, "{value}: {}", std::io::Error::from_raw_os_error(*errno))
            }
            Self::Unknown(what) => write!(f, "unknown {what}"),
            Self::Unfit(why) => write!(f, "it {why}"),
        }
    }
}
