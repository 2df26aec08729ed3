//! The lines that ProcLaunch writes about itself: which there are, at which level, in which words.

use std::fmt;
use std::time::Duration;

use super::control::Control;
use super::entry::Level;
use super::format::Span;
use super::part::Part;
use crate::hook::Hook;
use crate::ids::{NAME_RULE, ProfileName};
use crate::signal::Signal;

/// What ProcLaunch says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words beside each variant in `Display` are its documentation")]
pub enum Own {
    Started { pid: i32 },
    Draining { signal: Signal },
    ExitingAtOnce { signal: Signal },
    HookShutsDown { name: ProfileName, hook: Hook, reason: String },
    ToldToShutDown { reason: String },
    HooksStuck { why: String },
    AllStopped,
    Exiting,
    Failed { what: String },
    LogReopened,
    LogNotReopened { why: String },
    LogDelayed { delayed: u64, dropped: u64, why: String },
    ProfilesUnreadable { why: String },
    ProfilesReadable,
    WatchIncomplete { why: String },
    BadDirectoryName { name: String },
    BadDefault { problem: String },
    InstanceNameTaken { name: ProfileName, of: ProfileName },
    OutputLost { name: ProfileName, why: String },
    OutputBack,
    OutputWaits { name: ProfileName, why: String },
    OutputGoesOn { name: ProfileName },
    LoggerSaid { text: String },
    LogRunDied { name: ProfileName, why: String, next: Duration },
    RecordNotWritten { why: String },
    RecordsWritten,
    RecordRefused { file: String, why: String },
    MetricsNotWritten { why: String },
    MetricsWritten,
    DrainGoesOn { why: String },
    ExitsWith { name: ProfileName, why: String },
    Control(Control),
    Part(Part),
}

const TAKEN: &str = "there is a directory of this name, and that is what runs";

impl Own {
    pub(super) const fn level(&self) -> Level {
        match self {
            Self::Failed { .. } => Level::Fatal,
            Self::Part(part) => part.level(),
            Self::Control(control) => control.level(),
            Self::LogNotReopened { .. }
            | Self::LogDelayed { .. }
            | Self::HooksStuck { .. }
            | Self::ProfilesUnreadable { .. }
            | Self::WatchIncomplete { .. }
            | Self::BadDirectoryName { .. }
            | Self::BadDefault { .. }
            | Self::InstanceNameTaken { .. }
            | Self::OutputLost { .. }
            | Self::OutputWaits { .. }
            | Self::LoggerSaid { .. }
            | Self::LogRunDied { .. }
            | Self::RecordNotWritten { .. }
            | Self::RecordRefused { .. }
            | Self::MetricsNotWritten { .. } => Level::Warn,
            Self::Started { .. }
            | Self::Draining { .. }
            | Self::ExitingAtOnce { .. }
            | Self::HookShutsDown { .. }
            | Self::ToldToShutDown { .. }
            | Self::AllStopped
            | Self::Exiting
            | Self::LogReopened
            | Self::ProfilesReadable
            | Self::OutputBack
            | Self::OutputGoesOn { .. }
            | Self::RecordsWritten
            | Self::MetricsWritten
            | Self::DrainGoesOn { .. }
            | Self::ExitsWith { .. } => Level::Info,
        }
    }
}

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { pid } => write!(f, "started pid {pid}"),
            Self::Draining { signal } => write!(f, "received {signal}. Stopping all profiles."),
            // The original knew only a second HUP.
            Self::ExitingAtOnce { signal } => {
                let when = if *signal == Signal::HUP { "again" } else { "while stopping" };
                write!(f, "received {signal} {when}. Exiting immediately.")
            }
            Self::HookShutsDown { name, hook, reason } => {
                write!(f, "is told to stop by {name}/{hook}.lua. Stopping all profiles. (reason: {reason})")
            }
            Self::ToldToShutDown { reason } => {
                write!(f, "told to shut down ({reason}). Stopping all profiles.")
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
                let lines = format_args!("{delayed} lines late, {dropped} lost");
                write!(f, "log could not be written for a while ({why}; {lines})")
            }
            Self::ProfilesUnreadable { why } => {
                write!(f, "failed to {why}; every profile stays as it is until it is back")
            }
            Self::ProfilesReadable => f.write_str("profiles directory is back"),
            Self::WatchIncomplete { why } => {
                write!(f, "cannot be told of every change ({why}); the profiles are read again each second")
            }
            Self::BadDirectoryName { name } => write!(f, "ignores the directory `{name}`: {NAME_RULE}"),
            Self::BadDefault { problem } => write!(f, "bad default: {problem}"),
            Self::InstanceNameTaken { name, of } => write!(f, "runs no instance {name} of {of}: {TAKEN}"),
            Self::OutputLost { name, why } => {
                write!(
                    f,
                    "cannot keep the output of {name} ({why}); it is lost until the next start that can"
                )
            }
            Self::OutputBack => f.write_str("output can be kept again"),
            Self::OutputWaits { name, why } => write!(
                f,
                "cannot write the output of {name} ({why}); it waits, and is tried again each second"
            ),
            Self::OutputGoesOn { name } => write!(f, "output of {name} can be written again"),
            Self::LogRunDied { name, why, next } => {
                write!(f, "log_run of {name} died ({why}, restart in {})", Span(*next))
            }
            Self::LoggerSaid { text } => write!(f, "logger says: {text}"),
            Self::RecordNotWritten { why } => {
                write!(f, "failed to {why}; supervision goes on, but a later start may not know what runs")
            }
            Self::RecordsWritten => f.write_str("records can be written again"),
            Self::RecordRefused { file, why } => write!(f, "refuses the record `{file}` ({why})"),
            Self::MetricsNotWritten { why } => {
                write!(f, "failed to {why}; it is tried again, and what hooks count is kept")
            }
            Self::MetricsWritten => f.write_str("metrics can be written again"),
            Self::DrainGoesOn { why } => write!(f, "goes on stopping all profiles ({why})"),
            Self::ExitsWith { name, why } => write!(f, "exits with {name} ({why}). Stopping all profiles."),
            Self::Control(control) => control.fmt(f),
            Self::Part(part) => part.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Entry, line};

    /// The line from its level on.
    #[track_caller]
    fn check(own: Own, expect: &str) {
        assert_eq!(line(0, &Entry::Own(own)).split_off(25), expect);
    }

    #[test]
    fn what_goes_on_or_ends_with_a_profile_is_said() {
        check(
            Own::DrainGoesOn { why: "received HUP".to_owned() },
            "INFO  ProcLaunch goes on stopping all profiles (received HUP)",
        );
        let name = ProfileName::parse("job").unwrap();
        check(
            Own::ExitsWith { name, why: "exit 3".to_owned() },
            "INFO  ProcLaunch exits with job (exit 3). Stopping all profiles.",
        );
    }
}
