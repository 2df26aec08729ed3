//! Who does what when: operators, editors of files, killers, and the timetable of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use proclaunch_core::fleet::{Input, Scan};
use proclaunch_core::ids::{ProcId, ProfileName, Ticket};
use proclaunch_core::machine::Order;
use proclaunch_core::profile::{Fault, Parsed, Problem, Profile};
use proclaunch_core::signal::Signal;

use crate::checks::violated;
use crate::plan;
use crate::rng::Rng;
use crate::world::{Fate, Happening, Sim};

const NAMES: [&str; 5] = ["web", "db", "mail", "web@1", "cron"];

/// How long everything may take to settle after the last fault, and a drain to end.
const SETTLING: Duration = Duration::from_secs(150);

/// The profiles directory.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) profiles: BTreeMap<ProfileName, Files>,
    is_readable: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Files {
    profile: Profile,
    is_broken: bool,
}

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

impl Directory {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        let mut profiles = BTreeMap::new();
        for name in &NAMES[..usize::try_from(1 + rng.below(4)).expect("below 5")] {
            profiles.insert(parse(name), Files { profile: plan::profile(rng), is_broken: rng.one_in(10) });
        }
        Self { profiles, is_readable: true }
    }

    pub(crate) fn pid_file_of(&self, name: &ProfileName) -> Option<Box<str>> {
        self.profiles.get(name)?.profile.shape.pid_file.clone()
    }

    fn read(&self, only: Option<&ProfileName>) -> Input {
        if !self.is_readable {
            return Input::ScanFailed("read the profiles directory: no such directory".to_owned());
        }
        let wanted = |name: &ProfileName| only.is_none_or(|only| only == name);
        let found = self.profiles.iter().filter(|(name, _)| wanted(name));
        let profiles: Vec<_> = found.map(|(name, files)| (name.clone(), files.parsed())).collect();
        let missing = only.filter(|only| !self.profiles.contains_key(*only)).cloned().into_iter().collect();
        Input::Scan(Scan { complete: only.is_none(), profiles, missing, remarks: Vec::new() })
    }
}

impl Files {
    fn parsed(&self) -> Parsed {
        let problem = || Problem { file: "run".to_owned(), line: None, fault: Fault::Missing };
        let profile = if self.is_broken { Err(vec![problem()]) } else { Ok(self.profile.clone()) };
        Parsed { profile, warnings: Vec::new() }
    }
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
        self.fate = Fate::Lives;
        let again = self.timetable.finale == Finale::DrainTwice;
        let wait = if again { self.rng.delay() } else { SETTLING };
        self.later(wait, Happening::Next);
        Part::Ending
    }

    /// The last fault is over: everything is mended.
    fn calm(&mut self) {
        self.note("--- nothing goes wrong from here on");
        self.timetable.is_calm = true;
        self.directory.is_readable = true;
        for files in self.directory.profiles.values_mut() {
            files.is_broken = false;
        }
        let names: Vec<ProfileName> = self.directory.profiles.keys().cloned().collect();
        for name in names {
            if self.rng.one_in(2) {
                self.later(Duration::from_secs(1), Happening::Tell(Input::Order(name, Order::Start)));
            }
        }
        self.later(Duration::from_millis(100), Happening::Scan(None));
        self.later(SETTLING, Happening::Next);
    }

    pub(crate) fn scan(&mut self, only: Option<&ProfileName>) {
        // The first reading of a supervisor is one of everything.
        let only = only.filter(|_| self.model.has_begun());
        let input = self.directory.read(only);
        if let Input::ScanFailed(_) = input {
            let delay = Duration::from_millis(500);
            self.later(delay, Happening::Scan(None));
        }
        self.ready.push(input);
    }

    /// Somebody does something, and comes back later.
    pub(crate) fn act(&mut self) {
        if self.timetable.is_calm {
            return;
        }
        let delay = self.rng.delay();
        self.later(delay, Happening::Act);
        match self.rng.below(20) {
            0..7 => self.order(),
            7..12 => self.edit(),
            12 => self.directory.is_readable = !self.directory.is_readable || self.rng.one_in(2),
            13 => self.later(Duration::ZERO, Happening::Scan(None)),
            14 => {
                if self.timetable.part == Part::Trouble {
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
        let name = self.rng.pick(&NAMES.map(parse)).clone();
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

    /// Changes the profiles directory; the supervisor sees it soon.
    fn edit(&mut self) {
        let name = self.rng.pick(&NAMES.map(parse)).clone();
        let delay = self.rng.duration(Duration::from_millis(300));
        match self.directory.profiles.remove(&name) {
            None => {
                let files = Files { profile: plan::profile(&mut self.rng), is_broken: self.rng.one_in(6) };
                self.directory.profiles.insert(name.clone(), files);
            }
            Some(mut files) => match self.rng.below(8) {
                0 => {}
                1 => {
                    let new = self.rng.pick(&NAMES.map(parse)).clone();
                    self.directory.profiles.insert(new, files);
                    self.later(delay, Happening::Scan(None));
                    return;
                }
                other => {
                    if other == 2 {
                        files.is_broken = !files.is_broken;
                    } else {
                        plan::change(&mut self.rng, &mut files.profile);
                    }
                    self.directory.profiles.insert(name.clone(), files);
                }
            },
        }
        let only = (!self.rng.one_in(3)).then_some(name);
        self.later(delay, Happening::Scan(only));
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

    /// The supervisor has ended by itself, with this code: it should have.
    pub(crate) fn has_ended(&mut self, code: u8) -> Result<(), String> {
        self.note(&format!("--- the supervisor ends with {code}"));
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

fn parse(name: &str) -> ProfileName {
    ProfileName::parse(name).expect("a legal name")
}
