//! The parts of a run: trouble, calm, and the end of the supervisor.

use std::time::Duration;

use proclaunch_core::fleet::Input;
use proclaunch_core::ids::ProfileName;
use proclaunch_core::machine::Order;
use proclaunch_core::signal::Signal;

use crate::checks::violated;
use crate::happening::{Fate, Happening};
use crate::rng::Rng;
use crate::world::Sim;

/// How long everything may take to settle after the last fault, and a drain to end.
const SETTLING: Duration = Duration::from_secs(150);

/// The parts of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Things go wrong.
    Trouble,
    /// Nothing goes wrong any more.
    Calm,
    /// The supervisor was told to end.
    Ending,
    /// And was told once more.
    EndingAgain,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finale {
    Drain,
    DrainTwice,
    DrainInTrouble,
    Term,
}

#[derive(Debug)]
pub(crate) struct Timetable {
    part: Part,
    trouble: Duration,
    pub(crate) finale: Finale,
    /// Whether nothing new goes wrong.
    pub(crate) is_calm: bool,
    pub(crate) has_ended: bool,
}

impl Timetable {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let finales = [Finale::Drain, Finale::DrainTwice, Finale::DrainInTrouble, Finale::Term];
        Self {
            part: Part::Trouble,
            trouble: Duration::from_secs(*rng.pick(&[1, 10, 60, 240])),
            finale: *rng.pick(&finales),
            is_calm: false,
            has_ended: false,
        }
    }

    /// The signal by which the supervisor was told to end, if it was.
    pub(crate) const fn told(&self) -> Option<Signal> {
        match (self.part, self.finale) {
            (Part::Trouble | Part::Calm, _) => None,
            (Part::Ending | Part::EndingAgain, Finale::Term) => Some(Signal::TERM),
            (Part::Ending | Part::EndingAgain, _) => Some(Signal::HUP),
        }
    }

    pub(crate) fn is_in_trouble(&self) -> bool {
        self.part == Part::Trouble
    }
}

impl Sim {
    pub(crate) fn begin(&mut self) {
        self.later(Duration::ZERO, Happening::Act);
        let trouble = self.timetable.trouble;
        self.later(trouble, Happening::Next);
    }

    pub(crate) fn next_part(&mut self) {
        if self.is_alone {
            // There is nobody whom it could be told.
            return self.later(Duration::from_millis(50), Happening::Next);
        }
        self.timetable.part = match self.timetable.part {
            Part::Trouble if self.timetable.finale == Finale::DrainInTrouble => self.say_end(Signal::HUP),
            Part::Trouble => {
                self.calm();
                self.fate = Fate::Lives;
                Part::Calm
            }
            Part::Calm => {
                self.check_settled();
                self.orders.check_settled(&self.shadow);
                match self.timetable.finale {
                    Finale::Drain | Finale::DrainTwice | Finale::DrainInTrouble => self.say_end(Signal::HUP),
                    Finale::Term => self.say_end(Signal::TERM),
                }
            }
            Part::Ending if self.timetable.finale == Finale::DrainTwice => {
                self.ready.push(Input::Signal(Signal::HUP));
                self.later(Duration::from_secs(1), Happening::Next);
                Part::EndingAgain
            }
            Part::Ending | Part::EndingAgain => {
                violated("the supervisor was told to end, and does not".to_owned())
            }
        };
    }

    fn say_end(&mut self, signal: Signal) -> Part {
        self.note(&format!("--- the supervisor is told to end by {signal}"));
        self.ready.push(Input::Signal(signal));
        let is_drained = signal == Signal::HUP && self.timetable.finale != Finale::DrainTwice;
        self.fate = if is_drained && self.rng.one_in(3) { Fate::Killed } else { Fate::Lives };
        let again = self.timetable.finale == Finale::DrainTwice;
        let wait = if again { self.rng.delay() } else { SETTLING };
        self.later(wait, Happening::Next);
        Part::Ending
    }

    /// A hook has told the supervisor to drain.
    pub(crate) fn is_shut_down(&mut self) {
        self.queue.retain(|_, happening| !matches!(happening, Happening::Next));
        self.timetable.finale = Finale::Drain;
        self.timetable.part = Part::Ending;
        self.fate = Fate::Lives;
        self.later(SETTLING, Happening::Next);
    }

    /// The last fault is over: everything is mended.
    fn calm(&mut self) {
        self.note("--- nothing goes wrong from here on");
        self.timetable.is_calm = true;
        self.directory.is_readable = true;
        for files in self.directory.profiles.values_mut() {
            files.is_broken = false;
        }
        self.replace_hook_engine();
        let names: Vec<ProfileName> = self.directory.profiles.keys().cloned().collect();
        for name in names {
            if self.rng.one_in(2) {
                let order = self.order_of(name, Order::Start { force: false });
                self.later(Duration::from_secs(1), Happening::Tell(order));
            }
        }
        self.later(Duration::from_millis(100), Happening::Scan(None));
        self.later(SETTLING, Happening::Next);
    }

    /// The supervisor has ended by itself, with this code: it should have.
    pub(crate) fn has_ended(&mut self, code: u8) -> Result<(), String> {
        self.note(&format!("--- the supervisor ends with {code}"));
        self.orders.check_ended()?;
        let expected = match self.timetable.finale {
            Finale::Drain | Finale::DrainTwice | Finale::DrainInTrouble => 111,
            Finale::Term => 0,
        };
        let is_told = matches!(self.timetable.part, Part::Ending | Part::EndingAgain);
        if self.fate == Fate::Leaves && code == 0 {
            return Ok(());
        }
        self.timetable.has_ended = true;
        if !is_told || code != expected {
            return Err(format!("the supervisor ended with {code} in {:?}", self.timetable));
        }
        Ok(())
    }

    /// A moment passes without a supervisor.
    pub(crate) fn be_alone(&mut self) {
        self.is_alone = true;
        let until = self.now.plus(self.rng.delay());
        self.pass(until);
        self.is_alone = false;
    }
}
