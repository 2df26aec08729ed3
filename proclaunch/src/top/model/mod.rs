//! What the dashboard knows and shows, and what keys do: no terminal, no supervisor, no clock.
//!
//! **Invariant:** the selection is a name, not a place: a row that moves takes it along. An order is only ever given for
//! the name that was asked about.

mod keys;
mod rows;
mod samples;
mod tail;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use rows::{Sort, died_badly, trouble};
pub use samples::{KEPT, Samples};
pub use tail::{LINES, Tail, is_unseemly};

use super::source::{Order, Trouble};
use crate::control::api::{History, Profile, Profiles};

/// For how many answers of the supervisor a notice stays.
const NOTICE_STAYS: u8 = 8;

/// Something new from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// All profiles, or why there are none.
    Profiles(Result<Profiles, Trouble>),
    /// What happened to a profile.
    History(String, History),
    /// The output of a profile begins, perhaps once more.
    OutputBegins(String),
    /// More output of a profile.
    Output(String, Vec<u8>),
    /// An order has come to its end.
    Ordered(String, Order, Result<(), Trouble>),
}

/// What a key asks to be done outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// End.
    Quit,
    /// Give an order.
    Order(String, Order),
}

/// What keys mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// To move, to sort, to ask for something.
    #[default]
    Browse,
    /// To type what is searched; this was it before.
    Filter(String),
    /// To say yes or no to an order.
    Confirm(String, Order),
    /// To leave the help.
    Help,
}

/// Which part of the detail is seen where both have no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    /// What it prints.
    #[default]
    Output,
    /// What happened to it.
    History,
}

/// A line that says what became of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The line.
    pub text: String,
    /// It is bad news.
    pub is_bad: bool,
    stays: u8,
}

/// What one profile used over time.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// CPU in percent of one processor.
    pub cpu: Samples,
    /// Memory in bytes.
    pub memory: Samples,
}

/// Everything.
#[derive(Debug, Default)]
pub struct Model {
    profiles: Vec<Profile>,
    usage: BTreeMap<String, Usage>,
    /// What ProcLaunch does as a whole.
    pub supervising: String,
    /// Why there is no connection.
    pub away: Option<String>,
    /// By what rows are sorted.
    pub sort: Sort,
    /// They are sorted the other way round.
    pub is_reversed: bool,
    /// What is searched.
    pub filter: String,
    /// Places in `profiles`, as they are shown.
    shown: Vec<usize>,
    selected: Option<String>,
    /// The first row that is seen, and how many are.
    first: usize,
    rows: usize,
    /// What keys mean.
    pub mode: Mode,
    /// The detail is seen.
    pub has_detail: bool,
    /// Which part of it.
    pub pane: Pane,
    history: Option<(String, History)>,
    output: Option<(String, Tail)>,
    under_way: Vec<(String, Order)>,
    /// What is said at the moment.
    pub notice: Option<Notice>,
}

impl Model {
    /// Takes something new from outside.
    pub fn heed(&mut self, news: News) {
        match news {
            News::Profiles(Ok(profiles)) => self.take(profiles),
            News::Profiles(Err(Trouble::Away(why) | Trouble::Refused(why))) => self.away = Some(why),
            News::History(name, history) => self.history = Some((name, history)),
            News::OutputBegins(name) => self.output = Some((name, Tail::default())),
            News::Output(name, bytes) => {
                if let Some((_, tail)) = self.output.as_mut().filter(|(of, _)| *of == name) {
                    tail.take(&bytes);
                }
            }
            News::Ordered(name, order, result) => {
                let place = self.under_way.iter().position(|one| *one == (name.clone(), order));
                place.map(|place| self.under_way.remove(place));
                match result {
                    Ok(()) => self.say(format!("{order} {name}: done"), false),
                    Err(trouble) => self.say(format!("{order} {name}: {trouble}"), true),
                }
            }
        }
    }

    fn take(&mut self, news: Profiles) {
        let place = self.place();
        self.away = None;
        self.supervising = news.mode;
        self.profiles = news.profiles;
        let names: BTreeSet<&str> = self.profiles.iter().map(|profile| profile.name.as_str()).collect();
        self.usage.retain(|name, _| names.contains(name.as_str()));
        for profile in &self.profiles {
            let usage = self.usage.entry(profile.name.clone()).or_default();
            usage.cpu.take(profile.cpu_percent);
            #[expect(clippy::cast_precision_loss, reason = "a bar has eight heights")]
            usage.memory.take(profile.memory_bytes.map(|bytes| bytes as f64));
        }
        if let Some(notice) = &mut self.notice {
            notice.stays -= 1;
            if notice.stays == 0 {
                self.notice = None;
            }
        }
        self.arrange_from(place);
    }

    /// Works out what is shown.
    fn arrange(&mut self) {
        self.arrange_from(self.place());
    }

    /// The same. A selected profile that is not shown any more leaves the selection to whatever is at its old place.
    fn arrange_from(&mut self, place: Option<usize>) {
        let mut shown: Vec<usize> =
            (0..self.profiles.len()).filter(|&at| rows::is_meant(&self.profiles[at], &self.filter)).collect();
        shown.sort_by(|&one, &other| {
            let order = self.sort.compare(&self.profiles[one], &self.profiles[other]);
            if self.is_reversed { order.reverse() } else { order }
        });
        self.shown = shown;
        if self.place().is_none() {
            self.select(place.unwrap_or(0));
        }
        self.scroll();
    }

    /// Says how many rows can be seen.
    pub fn fit(&mut self, rows: usize) {
        self.rows = rows;
        self.scroll();
    }

    /// Has the selected row among those that are seen, and no empty ones where there are more.
    fn scroll(&mut self) {
        let rows = self.rows.max(1);
        let place = self.place().unwrap_or(0);
        let lowest = (place + 1).saturating_sub(rows);
        self.first = self.first.clamp(lowest, place).min(self.shown.len().saturating_sub(rows));
    }

    /// Selects the row at a place, or the last one.
    fn select(&mut self, place: usize) {
        let last = self.shown.len().saturating_sub(1);
        self.selected = self.shown.get(place.min(last)).map(|&at| self.profiles[at].name.clone());
    }

    /// The place of the selected row among all that are shown.
    pub fn place(&self) -> Option<usize> {
        let selected = self.selected.as_ref()?;
        self.shown.iter().position(|&at| self.profiles[at].name == *selected)
    }

    /// The selected profile.
    pub fn selected(&self) -> Option<&Profile> {
        self.place().map(|place| &self.profiles[self.shown[place]])
    }

    /// The rows that are seen.
    pub fn seen(&self) -> impl Iterator<Item = &Profile> {
        self.shown.iter().skip(self.first).take(self.rows).map(|&at| &self.profiles[at])
    }

    /// The first row that is seen.
    pub const fn first(&self) -> usize {
        self.first
    }

    /// How many rows are shown if one scrolls, and how many profiles there are.
    pub fn counts(&self) -> (usize, usize) {
        (self.shown.len(), self.profiles.len())
    }

    /// All profiles.
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// What a profile used over time.
    pub fn usage(&self, name: &str) -> Option<&Usage> {
        self.usage.get(name)
    }

    /// The profile whose history and output are to be had.
    pub fn watched(&self) -> Option<&str> {
        if !self.has_detail {
            return None;
        }
        self.selected().map(|profile| profile.name.as_str())
    }

    /// What happened to the watched profile, if it is known.
    pub fn history(&self) -> Option<&History> {
        let (name, history) = self.history.as_ref()?;
        (self.watched() == Some(name)).then_some(history)
    }

    /// What the watched profile printed, if it is known.
    pub fn output(&self) -> Option<&Tail> {
        let (name, tail) = self.output.as_ref()?;
        (self.watched() == Some(name)).then_some(tail)
    }

    /// Orders that have not come to their end, the oldest first.
    pub fn under_way(&self) -> &[(String, Order)] {
        &self.under_way
    }

    fn say(&mut self, text: String, is_bad: bool) {
        self.notice = Some(Notice { text, is_bad, stays: NOTICE_STAYS });
    }
}
