//! Each promise about all profiles together: `(inputs, what is done)`, straight through [`Fleet::step`].
//!
//! The keeper of these fleets answers by itself: it starts what it is asked to start, as the pids 101, 102, ...

use std::time::Duration;

use super::*;
use crate::exit::Exit;
use crate::hook::Happening;
use crate::ids::{ProcId, Ticket};
use crate::machine::{Found, Order, Phase, Remembered, Rest, Start, Want};
use crate::profile::Backoff;
use crate::signal::Signal;
use crate::testing::{BEGINNING, Settings, name, parsed, say, show};

mod answers;
mod ends;
mod instances;
mod orders;
mod scans;

const ALWAYS: Settings<'_> = &[("restart", "")];

/// Profiles by name, with their files.
type Profiles<'a> = &'a [(&'a str, Settings<'a>)];

struct World {
    fleet: Fleet,
    now: Moment,
    /// What runs, by profile.
    running: BTreeMap<ProfileName, (Ticket, ProcId)>,
    asked: BTreeMap<ProfileName, Ticket>,
    starts: i32,
    /// How many orders were given.
    orders: u64,
    /// Whether the keeper answers at once.
    answers: bool,
    done: Vec<String>,
    /// What was answered to orders, since it was last asked for: the number of the order, and the answer.
    replies: Vec<String>,
    /// What was told to others.
    happened: Vec<String>,
}

impl World {
    fn new(drain_on_term: bool) -> Self {
        Self {
            fleet: Fleet::new(Config { instance: 1, drain_on_term, exit_with: None }),
            now: BEGINNING,
            running: BTreeMap::new(),
            asked: BTreeMap::new(),
            starts: 0,
            orders: 0,
            answers: true,
            done: Vec::new(),
            replies: Vec::new(),
            happened: Vec::new(),
        }
    }

    /// A fleet whose first scan has found these, and what that did.
    fn with(profiles: Profiles<'_>) -> Self {
        let mut world = Self::new(false);
        world.scan(profiles);
        world
    }

    fn step(&mut self, input: Input) {
        let effects = self.fleet.step(self.now, input);
        for effect in effects {
            self.perform(effect);
        }
        while self.answers
            && let Some((name, ticket)) = self.asked.pop_first()
        {
            self.starts += 1;
            let id = ProcId { pid: 100 + self.starts, start: 1 };
            self.running.insert(name.clone(), (ticket, id));
            self.step(Input::Report(Report::Spawned { name, ticket, id }));
        }
    }

    fn perform(&mut self, effect: Effect) {
        let text = match effect {
            Effect::Do(name, action) => {
                let newest = match &action {
                    Action::Spawn { ticket, .. } => {
                        assert!(!self.running.contains_key(&name), "{name} is started twice");
                        assert_eq!(self.asked.insert(name.clone(), *ticket), None, "{name} is started twice");
                        Some(*ticket)
                    }
                    Action::Adopt { ticket, id } => {
                        self.running.insert(name.clone(), (*ticket, *id));
                        Some(*ticket)
                    }
                    _ => self.running.get(&name).map(|(ticket, _)| *ticket),
                };
                show(&action, newest, Backoff::default()).map(|text| format!("{name} {text}"))
            }
            Effect::Log(Entry::Profile(_, Said::Created | Said::Deleting)) => None,
            Effect::Reply(OrderId(id), reply) => {
                let text = match reply {
                    Reply::Taken => "taken".to_owned(),
                    Reply::Done => "done".to_owned(),
                    Reply::Refused(why) => format!("refused: {why}"),
                    Reply::Failed(why) => format!("failed: {why}"),
                    Reply::Overtaken(order) => format!("overtaken by {order:?}"),
                };
                self.replies.push(format!("{id} {text}"));
                None
            }
            Effect::Happened { name, what, id, exit } => {
                let Happening { kind, from, to, reason, .. } = *what;
                let id = id.map_or_else(String::new, |id| format!(" pid {}", id.pid));
                let exit = exit.map_or_else(String::new, |ended| format!(" ({})", ended.exit));
                self.happened.push(format!("{name} {kind} {from} -> {to}: {reason}{id}{exit}"));
                None
            }
            Effect::Log(entry @ Entry::Own(_)) => Some(words(&entry)),
            Effect::Log(Entry::Profile(name, said)) => {
                Some(format!("{name} {}", say(&said, Backoff::default())))
            }
            Effect::ReopenLog => Some("=> reopen the log".to_owned()),
            Effect::Upgrade => Some("=> upgrade".to_owned()),
            Effect::RememberFleet(Memo { draining: Some(Draining { code, .. }) }) => {
                Some(format!("=> remember the drain, with {code}"))
            }
            Effect::RememberFleet(Memo { draining: None }) => Some("=> remember no drain".to_owned()),
            Effect::Forget(name) => Some(format!("{name} => forget")),
            Effect::ForgetAll => Some("=> forget all".to_owned()),
        };
        self.done.extend(text);
    }

    fn scan(&mut self, profiles: Profiles<'_>) {
        self.step(Input::Scan(Scan { complete: true, profiles: found(profiles), ..Scan::default() }));
    }

    /// A scan of some directories alone.
    fn look(&mut self, profiles: Profiles<'_>, missing: &[&str]) {
        let missing = missing.iter().map(|text| name(text)).collect();
        self.step(Input::Scan(Scan { profiles: found(profiles), missing, ..Scan::default() }));
    }

    fn order(&mut self, profile: &str, order: Order) {
        self.orders += 1;
        self.step(Input::Order(OrderId(self.orders), name(profile), order));
    }

    fn exits(&mut self, profile: &str, exit: Exit) {
        let name = name(profile);
        let (ticket, id) = self.running.remove(&name).expect("it runs");
        self.step(Input::Report(Report::Exited { name, ticket, id, exit, remains: Vec::new() }));
    }

    /// Nothing of the profile's start lives any more.
    fn gone(&mut self, profile: &str) {
        let name = name(profile);
        let (ticket, _) = self.running.remove(&name).expect("it has a start");
        self.step(Input::Report(Report::Gone { name, ticket }));
    }

    fn waits(&mut self, duration: Duration) {
        let end = self.now.plus(duration);
        while let Some(at) = self.fleet.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.step(Input::Timeout);
        }
        self.now = end;
    }

    fn recall(&mut self, remembered: &[(&str, Remembered, Option<u64>)]) {
        self.recall_with(Memo::default(), remembered);
    }

    fn recall_with(&mut self, fleet: Memo, remembered: &[(&str, Remembered, Option<u64>)]) {
        let recalled = remembered.iter().map(|(profile, remembered, up)| {
            let found = match (remembered.phase.main(), up) {
                (Some(id), Some(up)) => Found::Alive { id, up: Duration::from_secs(*up) },
                (Some(id), None) => Found::Ended { id, exit: Exit::Unknown, at: None },
                (None, _) => Found::Nothing,
            };
            (name(profile), Recalled { remembered: remembered.clone(), found })
        });
        self.step(Input::Recall(Recall { fleet, profiles: recalled.collect() }));
    }

    /// What was done since this was last asked.
    #[track_caller]
    fn did(&mut self, expect: &[&str]) {
        assert_eq!(std::mem::take(&mut self.done), expect);
    }

    /// What was answered since this was last asked.
    #[track_caller]
    fn replied(&mut self, expect: &[&str]) {
        assert_eq!(std::mem::take(&mut self.replies), expect);
    }

    fn machine(&self, profile: &str) -> &Machine {
        self.fleet.machine(&name(profile)).expect("it is kept")
    }
}

/// A line from its tag on.
fn words(entry: &Entry) -> String {
    crate::log::line(0, entry).split_off(31)
}

fn found(profiles: Profiles<'_>) -> Vec<(ProfileName, crate::profile::Parsed)> {
    profiles.iter().map(|(profile, settings)| (name(profile), parsed(settings))).collect()
}

fn lives(pid: i32) -> Remembered {
    let ticket = Ticket { instance: 9, serial: 1 };
    let start = Start { ticket, since: None, shape: None, daemonizes: false };
    let phase = Phase::Running { start, id: ProcId { pid, start: 1 }, attention: None };
    Remembered { phase, ..Remembered::default() }
}
