//! What is counted over time: calls of hooks, what happens, what hooks count themselves.
//!
//! The reactor and the server share one; it lives as long as the supervisor, and all counts begin at 0 with it.
//!
//! **Invariant:** whoever reads takes a copy whose parts are shared: the reactor waits for no more than the copying of
//! a pointer for each profile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proclaunch_core::clock::Moment;
use proclaunch_core::hook::{Answer, Happening, Hook, Outcome, QuestionId};
use proclaunch_core::ids::ProfileName;

use super::histogram::Histogram;
use super::series::AllSeries;
use super::text::Text;
use crate::control::bridge::View;
use crate::hooks::Sample;

/// Counts.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    /// Questions without an outcome yet.
    open: BTreeMap<QuestionId, (ProfileName, Hook, Moment)>,
    sorts: BTreeSet<Arc<Sort>>,
    recorded: Recorded,
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    pub(super) profiles: BTreeMap<ProfileName, Arc<Counts>>,
    pub(super) series: AllSeries,
}

/// Of one profile.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Of its hooks, if one was ever asked.
    hooks: Option<Box<HookCounts>>,
    /// In the order of kind and level, and as long as there are of them: most profiles have but a few.
    pub(super) events: Box<[(Arc<Sort>, u64)]>,
}

/// What became of the calls of one profile's hooks.
#[derive(Clone, Debug, Default)]
pub(super) struct HookCounts {
    pub(super) durations: BTreeMap<Hook, Histogram>,
    pub(super) outcomes: BTreeMap<(Hook, &'static str), u64>,
}

/// What events are told apart by. Kept once for all profiles.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sort {
    pub(super) kind: Box<str>,
    pub(super) level: Box<str>,
}

impl Recorder {
    /// A hook is asked.
    pub fn asked(&self, name: &ProfileName, id: QuestionId, hook: Hook, at: Moment) {
        self.content().open.insert(id, (name.clone(), hook, at));
    }

    /// A question has its outcome.
    pub fn answered(&self, id: QuestionId, outcome: &Outcome, at: Moment) {
        let mut content = self.content();
        let Some((name, hook, asked)) = content.open.remove(&id) else { return };
        let hooks = content.counts(&name).hooks.get_or_insert_default();
        hooks.durations.entry(hook).or_default().observe(at.since(asked));
        *hooks.outcomes.entry((hook, outcome_word(outcome))).or_default() += 1;
    }

    /// The answer is not waited for any more: its time has run out, or it has become pointless.
    pub fn cancelled(&self, id: QuestionId) {
        let mut content = self.content();
        let Some((name, hook, _)) = content.open.remove(&id) else { return };
        let hooks = content.counts(&name).hooks.get_or_insert_default();
        *hooks.outcomes.entry((hook, "cancelled")).or_default() += 1;
    }

    /// Nothing that was asked will be answered: the thread of the hooks is left behind.
    pub fn all_cancelled(&self) {
        let open: Vec<QuestionId> = self.content().open.keys().copied().collect();
        for id in open {
            self.cancelled(id);
        }
    }

    /// Something happened to a profile.
    pub fn happened(&self, name: &ProfileName, what: &Happening) {
        let mut content = self.content();
        let sort = content.sort(what);
        content.counts(name).count(sort);
    }

    /// A hook has counted or measured something.
    ///
    /// # Errors
    /// Why it is not kept.
    pub fn add(&self, name: &ProfileName, sample: Sample) -> Result<(), String> {
        self.content().recorded.series.add(name, sample)
    }

    /// Drops what is known of a profile that is gone; says whether hooks had counted something.
    pub fn forget(&self, name: &ProfileName) -> bool {
        let mut content = self.content();
        content.open.retain(|_, (of, _, _)| of != name);
        content.recorded.profiles.remove(name);
        content.recorded.series.forget(name)
    }

    /// A copy of all counts. Of profiles that are not in the view, nothing is kept from here on.
    pub fn recorded(&self, view: &View) -> Recorded {
        let mut content = self.content();
        if view.is_complete {
            content.recorded.profiles.retain(|name, _| view.profiles.contains_key(name));
        }
        content.recorded.clone()
    }

    /// What hooks have counted, alone, as a page of its own.
    pub fn series_page(&self) -> String {
        let series = self.content().recorded.series.clone();
        let mut text = Text::default();
        series.write(&mut text);
        text.finish()
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn counts(&mut self, name: &ProfileName) -> &mut Counts {
        Arc::make_mut(self.recorded.profiles.entry(name.clone()).or_default())
    }

    fn sort(&mut self, what: &Happening) -> Arc<Sort> {
        let sort = Sort { kind: (*what.kind).into(), level: (*what.level).into() };
        if let Some(known) = self.sorts.get(&sort) {
            return Arc::clone(known);
        }
        let sort = Arc::new(sort);
        self.sorts.insert(Arc::clone(&sort));
        sort
    }
}

impl Counts {
    /// Those of its hooks.
    pub(super) fn hooks(&self) -> Option<&HookCounts> {
        self.hooks.as_deref()
    }

    fn count(&mut self, sort: Arc<Sort>) {
        match self.events.binary_search_by(|(known, _)| known.cmp(&sort)) {
            Ok(index) => self.events[index].1 += 1,
            Err(index) => {
                let (before, after) = self.events.split_at(index);
                self.events =
                    before.iter().cloned().chain([(sort, 1)]).chain(after.iter().cloned()).collect();
            }
        }
    }
}

fn outcome_word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Answer(Answer::Nothing) => "nothing",
        Outcome::Answer(
            Answer::Start(_)
            | Answer::Ready(_)
            | Answer::Health(_)
            | Answer::Restart(_)
            | Answer::Stop(_)
            | Answer::Change(_),
        ) => "answer",
        Outcome::Failed(_) => "failed",
        Outcome::TimedOut => "timeout",
    }
}
