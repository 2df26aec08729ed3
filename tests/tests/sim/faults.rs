//! Who does what: operators, killers, and the death of the supervisor itself.

use std::time::Duration;

use proclaunch_core::fleet::Input;
use proclaunch_core::ids::{ProcId, Ticket};
use proclaunch_core::machine::Order;
use proclaunch_core::signal::Signal;

use crate::directory::some_name;
use crate::happening::{Fate, Happening};
use crate::world::Sim;

impl Sim {
    /// Somebody does something, and comes back later.
    pub(crate) fn act(&mut self) {
        if self.timetable.is_calm {
            return;
        }
        let delay = self.rng.delay();
        self.later(delay, Happening::Act);
        self.act_by_hooks();
        match self.rng.below(20) {
            0..7 => self.order(),
            7..12 => self.edit(),
            12 => self.directory.is_readable = !self.directory.is_readable || self.rng.one_in(2),
            13 => self.later(Duration::ZERO, Happening::Scan(None)),
            14 => {
                if self.timetable.is_in_trouble() {
                    self.fate = *self.rng.pick(&[Fate::Killed, Fate::Killed, Fate::Leaves]);
                }
            }
            15 => {
                let signal = *self.rng.pick(&[Signal::USR1, Signal::USR2]);
                self.ready.push(Input::Signal(signal));
            }
            _ => self.murder(),
        }
    }

    fn order(&mut self) {
        let name = some_name(&mut self.rng);
        let signals = [Signal::HUP, Signal::TERM, Signal::KILL, Signal::USR1];
        let order = match self.rng.below(8) {
            0..3 => Order::Start,
            3 | 4 => Order::Stop,
            5 => Order::Restart,
            6 => Order::Reload,
            _ => Order::Signal(*self.rng.pick(&signals)),
        };
        self.ready.push(Input::Order(name, order));
    }

    /// Kills some process from outside.
    fn murder(&mut self) {
        let alive: Vec<ProcId> = self.processes.iter().map(|process| process.id).collect();
        if !alive.is_empty() {
            let id = *self.rng.pick(&alive);
            self.note(&format!("somebody kills {id:?}"));
            self.signal_one(id, Signal::KILL);
        }
    }

    /// Whether everything that lives of a start is in a record, or below something that is.
    ///
    /// A supervisor that is killed before it has written down what it started forgets that; so for this version it
    /// is killed only when it has.
    pub(crate) fn knows_all_starts(&self) -> bool {
        let recorded: Vec<(Ticket, ProcId)> = self.recorded();
        self.keeper.launching.is_empty()
            && self
                .keeper
                .starts
                .iter()
                .all(|(ticket, start)| start.main.is_none_or(|main| recorded.contains(&(*ticket, main))))
    }

    fn recorded(&self) -> Vec<(Ticket, ProcId)> {
        let recorded =
            self.records.values().filter_map(|record| record.process).map(|main| (main.ticket, main.id));
        recorded.filter(|(_, id)| self.processes.get(*id).is_some()).collect()
    }

    /// A new supervisor knows nothing of starts whose main process is gone.
    pub(crate) fn excuse_the_forgotten(&mut self) {
        let recorded = self.recorded();
        let forgotten: Vec<ProcId> = self
            .processes
            .iter()
            .filter(|process| {
                !recorded.iter().any(|(ticket, id)| {
                    *id == process.id || process.ticket == *ticket || process.parent == Some(*id)
                })
            })
            .map(|process| process.id)
            .collect();
        for id in forgotten {
            if let Some(process) = self.processes.get_mut(id) {
                process.excused = true;
            }
        }
    }
}
