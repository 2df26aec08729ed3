//! The lines themselves: which there are, at which level, in which words.
//!
//! The words of the original come first in each line; what the original did not say follows in parentheses, so that
//! what reads its logs reads these.

use std::fmt;
use std::time::Duration;

use super::format::Span;
use super::words::Outcome;
use crate::exit::Exit;
use crate::hook::Hook;
use crate::ids::{ProcId, ProfileName};
use crate::signal::Signal;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The last line before ProcLaunch ends itself.
    Fatal,
    /// Something is given up.
    Error,
    /// Something is wrong; supervision goes on.
    Warn,
    /// What happens.
    Info,
    /// Why it happens.
    Debug,
}

impl Level {
    /// The word in the log.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fatal => "FATAL",
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
        }
    }
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// ProcLaunch about itself.
    Own(Own),
    /// About one profile.
    Profile(ProfileName, Said),
}

impl Entry {
    /// How much it matters.
    pub const fn level(&self) -> Level {
        match self {
            Self::Own(own) => own.level(),
            Self::Profile(_, said) => said.level(),
        }
    }

    /// Whom it is about: `ProcLaunch` or the profile's name.
    pub fn tag(&self) -> &str {
        match self {
            Self::Own(_) => "ProcLaunch",
            Self::Profile(name, _) => name.as_str(),
        }
    }
}

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
}

impl Own {
    const fn level(&self) -> Level {
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
            | Self::RecordRefused { .. } => Level::Warn,
            Self::Started { .. }
            | Self::Draining { .. }
            | Self::ExitingAtOnce { .. }
            | Self::HookShutsDown { .. }
            | Self::AllStopped
            | Self::Exiting
            | Self::LogReopened
            | Self::ProfilesReadable
            | Self::OutputBack
            | Self::RecordsWritten => Level::Info,
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
        }
    }
}

/// What is said about a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words beside each variant in `Display` are its documentation")]
pub enum Said {
    Starting,
    Running { id: ProcId },
    Adopted { id: ProcId, up: Duration },
    Died { id: ProcId, exit: Exit, after: Duration, outcome: Outcome },
    DiedUnseen { id: ProcId, outcome: Outcome },
    Finished { id: ProcId, exit: Exit, after: Duration },
    StartFailed { why: String, outcome: Outcome },
    GaveUp { deaths: u32, within: Duration },
    Stopping,
    Stopped { exit: Option<(ProcId, Exit)> },
    Reloading { id: ProcId, signal: Signal },
    Disappeared,
    Signalled { id: ProcId, signal: Signal },
    NextStopSignal { signal: Signal, waited: Duration },
    Killing { waited: Duration },
    KillingRest { remains: Vec<ProcId> },
    LeftBehind { remains: Vec<ProcId> },
    NotGone { id: Option<ProcId>, waited: Duration },
    PidFileRejected { why: String },
    BadSettings { problem: String, held: bool },
    Warned { problem: String },
    Changed,
    Created,
    Deleting,
    RemovingPidFile,
    Gate { reason: String, again: Duration },
    HookDecided { hook: Hook, what: String },
    HookFailed { hook: Hook, why: String },
    Hook { hook: Option<Hook>, level: Level, text: String },
    HookBroken { hook: Hook, why: String, is_old: bool },
    HookOff { hook: Hook, why: String },
    Healthy,
    Unhealthy { reason: String },
    NotReady { reason: String },
}

impl Said {
    const fn level(&self) -> Level {
        match self {
            Self::GaveUp { .. } => Level::Error,
            Self::StartFailed { .. }
            | Self::NextStopSignal { .. }
            | Self::Killing { .. }
            | Self::KillingRest { .. }
            | Self::LeftBehind { .. }
            | Self::NotGone { .. }
            | Self::PidFileRejected { .. }
            | Self::BadSettings { .. }
            | Self::HookFailed { .. }
            | Self::HookBroken { .. }
            | Self::HookOff { .. }
            | Self::Unhealthy { .. }
            | Self::NotReady { .. }
            | Self::Warned { .. } => Level::Warn,
            Self::Hook { level, .. } => *level,
            Self::Starting
            | Self::Running { .. }
            | Self::Adopted { .. }
            | Self::Died { .. }
            | Self::DiedUnseen { .. }
            | Self::Finished { .. }
            | Self::Stopping
            | Self::Stopped { .. }
            | Self::Reloading { .. }
            | Self::Disappeared
            | Self::Gate { .. }
            | Self::HookDecided { .. }
            | Self::Healthy
            | Self::Signalled { .. } => Level::Info,
            Self::Changed | Self::Created | Self::Deleting | Self::RemovingPidFile => Level::Debug,
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => f.write_str("starting"),
            Self::Running { id } => write!(f, "running pid {}", id.pid),
            Self::Adopted { id, up } => write!(f, "running pid {} (adopted, up {})", id.pid, Span(*up)),
            Self::Died { id, exit, after, outcome } => {
                write!(f, "died (pid {}, {exit}, after {}, {outcome})", id.pid, Span(*after))
            }
            Self::DiedUnseen { id, outcome } => {
                write!(f, "died (pid {}, exit unknown, while no supervisor ran, {outcome})", id.pid)
            }
            Self::Finished { id, exit, after } => {
                write!(f, "finished (pid {}, {exit}, after {})", id.pid, Span(*after))
            }
            Self::StartFailed { why, outcome } => write!(f, "failed to start ({why}, {outcome})"),
            Self::GaveUp { deaths, within } => {
                write!(f, "gave up (died {deaths} times within {})", Span(*within))
            }
            Self::Stopping => f.write_str("stopping"),
            Self::Stopped { exit: Some((id, exit)) } => write!(f, "stopped (pid {}, {exit})", id.pid),
            Self::Stopped { exit: None } => f.write_str("stopped"),
            Self::Reloading { id, signal } => write!(f, "reloading (signal {signal} to pid {})", id.pid),
            Self::Disappeared => f.write_str("disappeared. Stopping and not restarting."),
            Self::Signalled { id, signal } => write!(f, "signalled (signal {signal} to pid {})", id.pid),
            Self::NextStopSignal { signal, waited } => {
                write!(f, "still running {} after the stop signal; sending {signal}", Span(*waited))
            }
            Self::Killing { waited } => write!(f, "still running after {}; killing", Span(*waited)),
            Self::KillingRest { remains } => {
                write!(f, "killing what its main process left behind ({})", Pids(remains))
            }
            Self::LeftBehind { remains } => {
                write!(f, "leaves processes behind, as its `kill` file says ({})", Pids(remains))
            }
            Self::NotGone { id, waited } => {
                match id {
                    Some(id) => write!(f, "pid {} is", id.pid)?,
                    None => f.write_str("something of it is")?,
                }
                write!(f, " still there {} after SIGKILL; nothing is started on top of it", Span(*waited))
            }
            Self::PidFileRejected { why } => write!(f, "pid file is not believed ({why})"),
            Self::BadSettings { problem, held: true } => write!(f, "is not started: {problem}"),
            Self::BadSettings { problem, held: false } => {
                write!(f, "keeps its last good settings: {problem}")
            }
            Self::Warned { problem } => write!(f, "warning: {problem}"),
            Self::Changed => f.write_str("changed"),
            Self::Created => f.write_str("creating"),
            Self::Deleting => f.write_str("deleting"),
            Self::RemovingPidFile => f.write_str("removing dead pid file"),
            Self::Gate { reason, again } => {
                write!(f, "waits to start (on_start: {reason}; asked again in {})", Span(*again))
            }
            Self::HookDecided { hook, what } => write!(f, "{what} ({hook}.lua)"),
            Self::HookFailed { hook, why } => write!(f, "hook {hook} failed ({why})"),
            Self::Hook { hook: Some(hook), text, .. } => write!(f, "{hook}: {text}"),
            Self::Hook { hook: None, text, .. } => write!(f, "hooks: {text}"),
            Self::HookBroken { hook, why, is_old: true } => {
                write!(f, "keeps its last good {hook}.lua ({why})")
            }
            Self::HookBroken { hook, why, is_old: false } => write!(f, "has no good {hook}.lua ({why})"),
            Self::HookOff { hook, why } => {
                write!(f, "does not call {hook}.lua any more, until it changes ({why})")
            }
            Self::Healthy => f.write_str("healthy"),
            Self::Unhealthy { reason } => write!(f, "unhealthy ({reason})"),
            Self::NotReady { reason } => write!(f, "not ready yet (ready: {reason})"),
        }
    }
}

struct Pids<'a>(&'a [ProcId]);

impl fmt::Display for Pids<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, id) in self.0.iter().enumerate() {
            write!(f, "{}pid {}", if i == 0 { "" } else { ", " }, id.pid)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::line;

    const AT: i64 = 1_795_444_265_123;

    fn about(said: Said) -> String {
        line(AT, &Entry::Profile(ProfileName::parse("web").unwrap(), said))
    }

    const ID: ProcId = ProcId { pid: 4242, start: 7 };

    #[test]
    fn the_line_has_the_fixed_format() {
        assert_eq!(about(Said::Running { id: ID }), "2026-11-23T14:31:05.123Z INFO  web running pid 4242");
        assert_eq!(
            line(AT, &Entry::Own(Own::Failed { what: "wait".to_owned() })),
            "2026-11-23T14:31:05.123Z FATAL ProcLaunch failed to wait"
        );
    }

    #[test]
    fn an_exit_is_told_exactly() {
        let died = |exit, outcome| {
            let after = Duration::from_secs(10_920);
            about(Said::Died { id: ID, exit, after, outcome }).split_off(31)
        };
        let kill = Exit::Signal { signal: Signal::KILL, core: false };
        let segv = Exit::Signal { signal: Signal::from_number(11).unwrap(), core: true };
        let again = Outcome::Restart(Duration::ZERO);
        assert_eq!(died(kill, again), "web died (pid 4242, signal KILL, after 3h 2m, restart at once)");
        let later = Outcome::Restart(Duration::from_millis(800));
        assert_eq!(
            died(segv, later),
            "web died (pid 4242, signal SEGV, core dumped, after 3h 2m, restart in 0.8s)"
        );
        assert_eq!(
            died(Exit::Code(3), Outcome::NotRestarted),
            "web died (pid 4242, exit 3, after 3h 2m, not restarted)"
        );
        assert_eq!(
            died(Exit::Unknown, Outcome::GivenUp),
            "web died (pid 4242, exit unknown, after 3h 2m, given up)"
        );
    }

    #[test]
    fn scenario_33_nothing_from_outside_can_forge_a_line() {
        let problem =
            "x\n2026-11-23T14:31:05.123Z INFO  web running pid 1\r\0\x1b[31m\u{85}\u{2028}%s".to_owned();
        let text = about(Said::Warned { problem });
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(!text.contains('\u{2028}'), "{text:?}");
        assert!(text.contains(r"x\n2026") && text.contains(r"\r\u{0}\u{1b}[31m\u{85}\u{2028}%s"), "{text}");
    }
}
