//! What happened in a run, line by line, and a digest of all of it.

use std::collections::VecDeque;
use std::fmt::Write as _;

use proclaunch_core::clock::Moment;
use proclaunch_core::fleet::{Effect, Input, Recall, Scan};
use proclaunch_core::hook::Question;
use proclaunch_core::machine::{Action, Remembered};
use proclaunch_core::profile::HookFiles;

/// How many lines are shown of a run that failed.
const TAIL: usize = 60;

/// **Invariant:** the digest covers every line, also those that are kept no longer.
#[derive(Debug)]
pub(crate) struct Trace {
    lines: VecDeque<String>,
    digest: u64,
    count: u64,
    keeps_all: bool,
}

impl Trace {
    pub(crate) const fn new(keeps_all: bool) -> Self {
        Self { lines: VecDeque::new(), digest: 0xcbf2_9ce4_8422_2325, count: 0, keeps_all }
    }

    pub(crate) fn line(&mut self, now: Moment, text: &str) {
        let nanos = now.as_nanos();
        let line = format!("{:>5}.{:06} {text}", nanos / 1_000_000_000, nanos / 1_000 % 1_000_000);
        // FNV-1a of 64 bits.
        for byte in line.bytes() {
            self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        self.count += 1;
        if !self.keeps_all && self.lines.len() == TAIL {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// What tells one run from another.
    pub(crate) const fn digest(&self) -> (u64, u64) {
        (self.digest, self.count)
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

/// An input, short enough for one line.
pub(crate) fn input(input: &Input) -> String {
    match input {
        Input::Scan(scan) => scanned(scan),
        Input::Recall(Recall { fleet, profiles }) => {
            let mut text = format!("Recall {:?}", fleet.draining);
            for (name, recalled) in profiles {
                let _ = write!(text, " {name}: {:?} {:?};", recalled.remembered.phase, recalled.found);
            }
            text
        }
        Input::Report(report) => format!("{report:?}"),
        Input::PidFile(..)
        | Input::Hook(..)
        | Input::Signal(_)
        | Input::Order(..)
        | Input::Shutdown(_)
        | Input::ScanFailed(_)
        | Input::Say(_)
        | Input::Timeout => format!("{input:?}"),
    }
}

fn scanned(scan: &Scan) -> String {
    let mut text = if scan.complete { "Scan of all:" } else { "Scan:" }.to_owned();
    for (name, parsed) in &scan.profiles {
        let _ = match &parsed.profile {
            Ok(profile) => write!(
                text,
                " {name} (run {}, {}{:?} {:?}{}{})",
                profile.shape.run.0,
                if profile.shape.pid_file.is_some() { "pid_file " } else { "" },
                profile.policy.restart,
                profile.policy.kill,
                if profile.policy.down { " down" } else { "" },
                hooked(&profile.policy.hooks),
            ),
            Err(_) => write!(text, " {name} (broken)"),
        };
    }
    for name in &scan.missing {
        let _ = write!(text, " {name} (missing)");
    }
    text
}

fn hooked(hooks: &HookFiles) -> String {
    if hooks.present.is_empty() { String::new() } else { format!(" {:?}", hooks.present) }
}

/// An effect, short enough for one line.
pub(crate) fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Do(name, Action::Spawn { ticket, profile, .. }) => {
            format!("{name} Spawn {ticket} (run {})", profile.shape.run.0)
        }
        Effect::Do(name, Action::LookAtPidFile(_)) => format!("{name} LookAtPidFile"),
        Effect::Do(name, Action::LoadHooks(profile)) => {
            let HookFiles { present, digest } = &profile.policy.hooks;
            format!("{name} LoadHooks {present:?} ({})", digest.0)
        }
        Effect::Do(name, Action::Consult(question)) => {
            let Question { id, hook, check, .. } = &**question;
            format!("{name} Consult {} {hook} {check}", id.0)
        }
        Effect::Do(name, Action::Remember(remembered)) => {
            let Remembered { order, phase, owed, .. } = &**remembered;
            let phase = format!("{phase:?}");
            let phase = phase.split(' ').next().unwrap_or_default();
            let owes = if owed.is_empty() { "" } else { ", and owes signals" };
            format!("{name} Remember {phase} (order {order:?}{owes})")
        }
        Effect::Do(name, Action::RemovePidFile(_)) => format!("{name} RemovePidFile"),
        Effect::Do(name, action) => format!("{name} {action:?}"),
        Effect::Log(entry) => {
            // From the level on: the time stands before it already.
            format!("| {}", &proclaunch_core::log::line(0, entry)[25..])
        }
        Effect::ReopenLog
        | Effect::Upgrade
        | Effect::RememberFleet(_)
        | Effect::Forget(_)
        | Effect::ForgetAll
        | Effect::Reply(..)
        | Effect::Happened { .. } => format!("{effect:?}"),
    }
}
