//! Who does what: operators, killers, and the death of the supervisor itself.

use std::time::Duration;

use proclaunch_core::fleet::{Input, Memo};
use proclaunch_core::ids::{ProcId, ProfileName, Ticket};
use proclaunch_core::machine::{Order, Remembered};
use proclaunch_core::process::Scope;
use proclaunch_core::signal::Signal;

use crate::directory::some_name;
use crate::happening::{Fate, Happening};
use crate::keeper::Hunt;
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
            0..3 => Order::Start { force: self.rng.one_in(8) },
            3 | 4 => Order::Stop,
            5 => Order::Restart,
            6 => Order::Reload,
            _ => Order::Signal(*self.rng.pick(&signals)),
        };
        let input = self.order_of(name, order);
        self.ready.push(input);
    }

    /// An order that nobody has given before.
    pub(crate) fn order_of(&mut self, name: ProfileName, order: Order) -> Input {
        Input::Order(self.orders.next(), name, order)
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

    /// A new keeper knows of what records speak of, and of nothing else.
    pub(crate) fn excuse_the_forgotten(&mut self) {
        let tickets: Vec<Ticket> = self.recorded();
        let forgotten: Vec<ProcId> =
            self.processes.iter().filter(|one| !tickets.contains(&one.ticket)).map(|one| one.id).collect();
        for id in forgotten {
            if let Some(process) = self.processes.get_mut(id) {
                process.excused = true;
            }
        }
    }

    fn recorded(&self) -> Vec<Ticket> {
        let ticket = |record: &Remembered| record.phase.start().map(|start| start.ticket);
        self.records.values().filter_map(ticket).collect()
    }

    /// The shell kills what the keeper holds and no record speaks of.
    pub(crate) fn end_strays(&mut self) {
        let recorded = self.recorded();
        let held: Vec<Ticket> = self.keeper.starts.keys().copied().collect();
        for ticket in held.into_iter().filter(|ticket| !recorded.contains(ticket)) {
            self.keeper.add_stray(ticket);
            self.signal(ticket, Scope::Tree, Signal::KILL);
            self.keeper.hunt(ticket, Hunt::Kill, &self.processes);
        }
    }

    /// A signal that the supervisor was killed over is told again to the next.
    pub(crate) fn tell_again(&mut self) {
        if let Some(signal) = self.timetable.told().filter(|_| self.memo == Memo::default()) {
            self.ready.push(Input::Signal(signal));
        }
    }
}
