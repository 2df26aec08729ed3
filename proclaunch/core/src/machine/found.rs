//! What is found of a remembered start when a supervisor begins.

use std::time::Duration;

use crate::clock::Moment;
use crate::exit::Exit;
use crate::ids::{ProcId, Ticket};

use super::remembered::Phase;

/// What an earlier supervisor remembered, and what was found of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recalled {
    /// What it wrote.
    pub remembered: super::Remembered,
    /// What there is of the start that it names, if it names one.
    pub found: Found,
}

/// What there is of a remembered start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// No process, and no keeper that knows of one.
    Nothing,
    /// The keeper holds the start; its main process has ended, as the record says already, or was never seen.
    Left,
    /// Its main process lives.
    Alive {
        /// The process.
        id: ProcId,
        /// How long it has been up.
        up: Duration,
    },
    /// Its main process ended, and the record does not say so.
    Ended {
        /// The process.
        id: ProcId,
        /// How; unknown where no keeper has seen it.
        exit: Exit,
        /// When; `None` where no keeper holds the start.
        at: Option<Moment>,
    },
}

/// What a keeper holds of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// The main process, while it lives.
    pub main: Option<ProcId>,
    /// The last end of a main process.
    pub ended: Option<(ProcId, Exit, Moment)>,
}

impl Found {
    /// Works out what there is of the start that a phase names.
    ///
    /// `up` tells how long a process has been up, if it lives; `bearer` finds a live process that leads a session and
    /// carries a ticket.
    pub fn work_out(
        phase: &Phase,
        inventory: Option<Inventory>,
        up: impl Fn(ProcId) -> Option<Duration>,
        bearer: impl Fn(Ticket) -> Option<ProcId>,
    ) -> Self {
        let Some(start) = phase.start() else { return Self::Nothing };
        let alive = |id| up(id).map(|up| Self::Alive { id, up });
        if let Some(id) = phase.main() {
            let ended = inventory.and_then(|held| held.ended).filter(|(ended, ..)| *ended == id);
            if let Some((id, exit, at)) = ended {
                return Self::Ended { id, exit, at: Some(at) };
            }
            if inventory.is_some_and(|held| held.main == Some(id)) {
                // It may have ended in this moment: then that is reported.
                return Self::Alive { id, up: up(id).unwrap_or_default() };
            }
            // A daemon that was named, and whose adoption was never asked for, is not what the keeper holds.
            return alive(id).unwrap_or(Self::Ended { id, exit: Exit::Unknown, at: None });
        }
        match inventory {
            // What is told of it is told already.
            Some(_) if phase.knows_process() => Self::Left,
            Some(Inventory { main: Some(id), .. }) => Self::Alive { id, up: up(id).unwrap_or_default() },
            Some(Inventory { main: None, ended: Some((id, exit, at)) }) => {
                Self::Ended { id, exit, at: Some(at) }
            }
            Some(Inventory { main: None, ended: None }) => Self::Left,
            None => bearer(start.ticket).and_then(alive).unwrap_or(Self::Nothing),
        }
    }
}
