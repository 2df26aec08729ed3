//! The lines that ProcLaunch writes about itself: which there are, at which level, in which words.

use std::fmt;

use super::entry::Level;
use crate::hook::Hook;
use crate::ids::ProfileName;
use crate::signal::Signal;

/// What ProcLaunch says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words beside each variant in `Display` are its documentation")]
pub enum Own {
    Started { pid: i32 },
    Draining { signal: Signal },
    ExitingAtOnce { signal: Signal },
    HookShutsDown { name: ProfileName, hook: Hook, reason: String },
    HooksStuck { why: String },
    AllStopped,
    Exiting,
    Failed { what: String },
    LogReopened,
    LogNotReopened { why: String },
    LogDelayed { delayed: u64, dropped: u64, why: String },
    NoUpgrade,
    ProfilesUnreadable { why: String },
    ProfilesReadable,
    WatchIncomplete { why: String },
    BadDirectoryName { name: String },
    BadDefault { problem: String },
    OutputLost { name: ProfileName, why: String },
    OutputBack,
    RecordNotWritten { why: String },
    RecordsWritten,
    RecordRefused { file: String, why: String },
    MetricsNotWritten { why: String },
    MetricsWritten,
}

impl Own {
    pub(super) const fn level(&self) -> Level {
        match self {
            Self::Failed { .. } => Level::Fatal,
            Self::LogNotReopened { .. }
            | Self::LogDelayed { .. }
            | Self::HooksStuck { .. }
            | Self::NoUpgrade
            | Self::ProfilesUnreadable { .. }
            | Self::WatchIncomplete { .. }
            | Self::BadDirectoryName { .. }
            | Self::BadDefault { .. }
            | Self::OutputLost { .. }
            | Self::RecordNotWritten { .. }
            | Self::RecordRefused { .. }
            | Self::MetricsNotWritten { .. } => Level::Warn,
            Self::Started { .. }
            | Self::Draining { .. }
            | Self::ExitingAtOnce { .. }
            | Self::HookShutsDown { .. }
            | Self::AllStopped
            | Self::Exiting
            | Self::LogReopened
            | Self::ProfilesReadable
            | Self::OutputBack
            | Self::RecordsWritten
            | Self::MetricsWritten => Level::Info,
        }
    }
}

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { pid } => write!(f, "started pid {pid}"),
            Self::Draining { signal } => write!(f, "received {signal}. Stopping all profiles."),
            // The original knew only a second HUP.
            Self::ExitingAtOnce { signal: Signal::HUP } => {
                f.write_str("received HUP again. Exiting immediately.")
            }
            Self::ExitingAtOnce { signal } => {
                write!(f, "received {signal} while stopping. Exiting immediately.")
            }
            Self::HookShutsDown { name, hook, reason } => {
                write!(f, "is told to stop by {name}/{hook}.lua. Stopping all profiles. (reason: {reason})")
            }
            Self::HooksStuck { why } => {
                write!(f, "replaces the hook thread ({why}); defaults apply meanwhile")
            }
            Self::AllStopped => f.write_str("all profiles stopped. Exiting."),
            Self::Exiting => f.write_str("exiting"),
            Self::Failed { what } => write!(f, "failed to {what}"),
            Self::LogReopened => f.write_str("reopened the log"),
            Self::LogNotReopened { why } => {
                write!(f, "failed to reopen the log, the old one stays in use ({why})")
            }
            Self::LogDelayed { delayed, dropped, why } => {
                write!(
                    f,
                    "log could not be written for a while ({why}; {delayed} lines late, {dropped} lost)"
                )
            }
            Self::NoUpgrade => {
                f.write_str("received USR2. This version cannot upgrade in place; nothing is done.")
            }
            Self::ProfilesUnreadable { why } => {
                write!(f, "failed to {why}; every profile stays as it is until it is back")
            }
            Self::ProfilesReadable => f.write_str("profiles directory is back"),
            Self::WatchIncomplete { why } => {
                write!(f, "cannot be told of every change ({why}); the profiles are read again each second")
            }
            Self::BadDirectoryName { name } => write!(
                f,
                "ignores the directory `{name}`: a profile's name begins with a letter, a digit or `_`, goes on \
                 with those or `.@-`, and has at most 128 characters"
            ),
            Self::BadDefault { problem } => write!(f, "bad default: {problem}"),
            Self::OutputLost { name, why } => {
                write!(
                    f,
                    "cannot keep the output of {name} ({why}); it is lost until the next start that can"
                )
            }
            Self::OutputBack => f.write_str("output can be kept again"),
            Self::RecordNotWritten { why } => {
                write!(f, "failed to {why}; supervision goes on, but a later start may not know what runs")
            }
            Self::RecordsWritten => f.write_str("records can be written again"),
            Self::RecordRefused { file, why } => write!(f, "refuses the record `{file}` ({why})"),
            Self::MetricsNotWritten { why } => {
                write!(f, "failed to {why}; it is tried again, and what hooks count is kept")
            }
            Self::MetricsWritten => f.write_str("metrics can be written again"),
        }
    }
}
