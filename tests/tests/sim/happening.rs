//! What can happen to the world and to the supervisor.

use std::sync::Arc;

use proclaunch_core::exit::Exit;
use proclaunch_core::fleet::Input;
use proclaunch_core::hook::{Hook, Outcome, QuestionId};
use proclaunch_core::ids::{ProcId, ProfileName, Ticket};
use proclaunch_core::profile::Profile;

use crate::plan::{Child, Written};

/// Why a wait does not return.
#[derive(Debug)]
pub(crate) enum Unwound {
    /// The supervisor was killed.
    Killed,
    /// Something is wrong.
    Violated(String),
}

/// What is to become of the supervisor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Lives,
    Killed,
    Leaves,
}

/// What is going to happen.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// A process ends, unless it has ended before.
    End(ProcId, Exit),
    /// A process starts another one, if it still lives.
    Birth(ProcId, Child),
    /// A process writes its profile's pid file, if it still lives.
    PidFile(ProcId, Written),
    /// A process is made.
    Launch(ProfileName, Ticket, Arc<Profile>),
    /// A pid file is looked at.
    Look(ProfileName, Arc<Profile>),
    /// The supervisor is told something.
    Tell(Input),
    /// Directories are read: all of them, or one.
    Scan(Option<ProfileName>),
    /// A hook answers, unless nobody wants to know any more.
    Answer(ProfileName, QuestionId, Hook, Outcome),
    /// Somebody does something.
    Act,
    /// The next part of the run begins.
    Next,
}

impl Happening {
    /// Whether it is on its way to a supervisor, and lost with it.
    pub(crate) const fn is_for_supervisor(&self) -> bool {
        match self {
            Self::Look(..) | Self::Tell(_) | Self::Scan(_) | Self::Answer(..) => true,
            Self::Launch(..)
            | Self::End(..)
            | Self::Birth(..)
            | Self::PidFile(..)
            | Self::Act
            | Self::Next => false,
        }
    }
}
