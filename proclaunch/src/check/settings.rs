//! What the setting files of one profile say, and which of them do nothing.

use std::path::Path;

use proclaunch_core::profile::{Defaults, Fault, File, Files, Problem, Profile, Restart, parse};

use super::finding::{Finding, Severity};

/// A `stop_timeout` that nobody writes: what changes with it depends on the file.
const UNUSUAL: &[u8] = b"86399.125";

/// A problem of the parser as a finding.
pub(super) fn finding(problem: &Problem, path: &Path) -> Finding {
    let severity = match problem.fault {
        Fault::NearMiss(_) | Fault::NotSupported | Fault::Useless(_) => Severity::Warning,
        Fault::Missing
        | Fault::NotExecutable
        | Fault::Unreadable(_)
        | Fault::TooLarge(_)
        | Fault::Directory
        | Fault::NotRegular
        | Fault::Blank { .. }
        | Fault::NotText { .. }
        | Fault::Value { .. } => Severity::Error,
    };
    let message = match &problem.fault {
        Fault::Missing => "is missing: a profile needs an executable of this name".to_owned(),
        fault => fault.to_string(),
    };
    Finding { path: path.to_owned(), line: problem.line, severity, message }
}

/// The profile's own settings that do nothing beside the others, each with why. Those of `.defaults/` are meant for
/// other profiles too.
pub(super) fn idle(
    files: &Files,
    defaults: &Defaults,
    profile: &Profile,
) -> Vec<(&'static str, &'static str)> {
    let policy = &profile.policy;
    let has = |hook: &str| policy.hooks.present.iter().any(|present| present.name() == hook);
    let mut idle = Vec::new();
    if policy.restart == Restart::Never {
        idle.push(("backoff", "does nothing without `restart`: nothing is started again by itself"));
        idle.push(("give_up", "does nothing without `restart`: nothing is started again by itself"));
    }
    if profile.shape.pid_file.is_none() && !has("ready") {
        idle.push((
            "start_timeout",
            "does nothing without `pid_file` or `ready.lua`: there is nothing to wait for",
        ));
    }
    if !counts_stop_timeout(files, defaults, profile) {
        idle.push(("stop_timeout", "does nothing beside a `stop_signal` with seconds after each signal"));
    }
    if policy.hook_timeouts.iter().any(|(hook, _)| !has(hook.name())) {
        idle.push(("hook_timeout", "names a hook that this profile does not have"));
    }
    idle.retain(|(name, _)| files.entries.contains_key(*name));
    idle
}

fn counts_stop_timeout(files: &Files, defaults: &Defaults, profile: &Profile) -> bool {
    let mut other = files.clone();
    other.entries.insert("stop_timeout".to_owned(), File::Bytes(UNUSUAL.to_vec()));
    parse(&other, defaults).profile.is_ok_and(|other| other.policy.stop != profile.policy.stop)
}
