//! The lines about a profile: which there are, at which level, in which words.
//!
//! The words of the original come first in each line; what the original did not say follows in parentheses, so that
//! what reads its logs reads these.

use std::fmt;
use std::time::Duration;

use super::entry::Level;
use super::format::{Span, Times};
use super::words::Outcome;
use crate::exit::Exit;
use crate::hook::Hook;
use crate::ids::ProcId;
use crate::signal::Signal;

/// What is said about a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words beside each variant in `Display` are its documentation")]
pub enum Said {
    Starting,
    Running { id: ProcId },
    Adopted { id: ProcId, up: Duration },
    Died { id: ProcId, exit: Exit, after: Duration, outcome: Outcome },
    DiedUnseen { id: ProcId, exit: Exit, outcome: Outcome },
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
    pub(super) const fn level(&self) -> Level {
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
            Self::DiedUnseen { id, exit, outcome } => {
                write!(f, "died (pid {}, {exit}, while no supervisor ran, {outcome})", id.pid)
            }
            Self::Finished { id, exit, after } => {
                write!(f, "finished (pid {}, {exit}, after {})", id.pid, Span(*after))
            }
            Self::StartFailed { why, outcome } => write!(f, "failed to start ({why}, {outcome})"),
            Self::GaveUp { deaths, within } => {
                write!(f, "gave up (died {} within {})", Times(*deaths), Span(*within))
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
