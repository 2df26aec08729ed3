//! What can happen to the fleet, and what it can want done.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::hook::Happening;
use crate::ids::{ProcId, ProfileName};
use crate::log::{Entry, Own};
use crate::machine::{Action, Ended, Event, Look, Order, Recalled};
use crate::process::Report;
use crate::profile::Parsed;
use crate::signal::Signal;

use super::orders::{OrderId, Reply};

/// Into the fleet.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// The keeper reports.
    Report(Report),
    /// A profile's pid file was looked at.
    PidFile(ProfileName, Look),
    /// The hook engine reports: hooks were loaded, a question was answered, a hook wants something.
    Hook(ProfileName, Box<Event>),
    /// ProcLaunch itself got a signal.
    Signal(Signal),
    /// An operator wants something of a profile; answered by [`Effect::Reply`].
    Order(OrderId, ProfileName, Order),
    /// An operator has ProcLaunch drain and end, for this reason.
    Shutdown(String),
    /// What an earlier supervisor remembered. Comes before the first scan, or not at all.
    Recall(Recall),
    /// Profile directories were read.
    Scan(Scan),
    /// The profiles directory could not be read, for this reason.
    ScanFailed(String),
    /// The shell has something to say.
    Say(Own),
    /// The deadline has passed.
    Timeout,
}

impl Input {
    /// Where an input stands among those of one wait: what has happened to processes comes before what is wanted of
    /// them, so that an order finds things as they are.
    pub const fn rank(&self) -> u8 {
        match self {
            Self::Recall(_)
            | Self::Report(Report::Spawned { .. } | Report::SpawnFailed { .. } | Report::OutputLost { .. }) => {
                0
            }
            Self::PidFile(..) => 1,
            Self::Report(Report::Exited { .. } | Report::Gone { .. }) => 2,
            Self::Signal(_) => 3,
            Self::Hook(..) => 4,
            Self::Order(..) | Self::Shutdown(_) => 5,
            Self::Scan(_) | Self::ScanFailed(_) | Self::Say(_) => 6,
            Self::Timeout => 7,
        }
    }
}

/// What an earlier supervisor remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recall {
    /// What it was doing as a whole.
    pub fleet: Memo,
    /// Its profiles, and what was found of them.
    pub profiles: BTreeMap<ProfileName, Recalled>,
}

/// What is remembered of the supervisor as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memo {
    /// It was stopping all profiles.
    #[serde(default)]
    pub draining: Option<Draining>,
}

/// A drain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draining {
    /// The code that it is to end with.
    pub code: u8,
    /// What it came from: a fragment for people.
    pub why: String,
}

/// What a reading of profile directories found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// Whether all of them were read, so that one that is not here does not exist.
    pub complete: bool,
    /// What was found.
    pub profiles: Vec<(ProfileName, Parsed)>,
    /// What was looked for and is not there.
    pub missing: Vec<ProfileName>,
    /// What is wrong besides: with `.defaults`, with names. Said once.
    pub remarks: Vec<Own>,
}

/// Out of the fleet.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Do this for a profile.
    Do(ProfileName, Action),
    /// Write a line.
    Log(Entry),
    /// Close the log file and open it again by its name.
    ReopenLog,
    /// Replace the running program by the one that its file has become.
    Upgrade,
    /// Write down what the supervisor does as a whole.
    RememberFleet(Memo),
    /// Answer an order.
    Reply(OrderId, Reply),
    /// Tell others what has happened to a profile.
    Happened {
        /// Whose.
        name: ProfileName,
        /// What. Besides the kinds that hooks are told of: `hook_failed`, `profile_new` and `profile_gone`.
        what: Box<Happening>,
        /// The main process, while it lives.
        id: Option<ProcId>,
        /// How the main process ended, if that is what happened.
        exit: Option<Ended>,
    },
    /// Drop the record of a profile that is gone.
    Forget(ProfileName),
    /// Drop all that is remembered: the next start is to be a fresh one.
    ForgetAll,
}

impl Effect {
    /// A profile has come or gone.
    pub(super) fn about(name: &ProfileName, kind: &str, reason: &str) -> Self {
        let what = Happening {
            kind: kind.to_owned(),
            level: "info".to_owned(),
            from: String::new(),
            to: String::new(),
            reason: reason.to_owned(),
        };
        Self::Happened { name: name.clone(), what: Box::new(what), id: None, exit: None }
    }
}

/// A report as the event of one profile's machine.
///
/// What became of its output is no event: the shell says it.
pub(super) fn as_event(report: Report) -> Option<(ProfileName, Event)> {
    Some(match report {
        Report::Spawned { name, ticket, id } => (name, Event::Spawned { ticket, id }),
        Report::SpawnFailed { name, ticket, stage, error } => {
            (name, Event::SpawnFailed { ticket, stage, error })
        }
        Report::Exited { name, ticket, id, exit, remains } => {
            (name, Event::Exited { ticket, id, exit, remains })
        }
        Report::Gone { name, ticket } => (name, Event::Gone { ticket }),
        Report::OutputLost { .. } => return None,
    })
}
