//! What is to be wanted of each profile, told by the inputs alone: the README's rules, written a second time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proclaunch_core::fleet::{Fleet, Input, Scan};
use proclaunch_core::hook::{Hook, Wish};
use proclaunch_core::ids::ProfileName;
use proclaunch_core::machine::{Event, Idle, Phase, Recalled, StateName, Want};
use proclaunch_core::profile::{Kill, Parsed, Profile};
use proclaunch_core::signal::Signal;

/// What is to be wanted of one profile.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own, and any of them can hold")]
pub(crate) struct Expected {
    pub(crate) want: Want,
    pub(crate) is_ordered: bool,
    /// Its `down` file holds it.
    pub(crate) is_held: bool,
    /// The last good settings.
    pub(crate) profile: Option<Arc<Profile>>,
    /// A `reload` file or an `on_change` hook has let its process live on with old settings.
    pub(crate) is_reloaded: bool,
    /// It rested under an earlier supervisor, and its files have not changed since.
    pub(crate) rests_since_before: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) entries: BTreeMap<ProfileName, Expected>,
    recalled: BTreeMap<ProfileName, Recalled>,
    pub(crate) is_draining: bool,
    drains_on_term: bool,
    /// Everything was read at least once.
    has_begun: bool,
    /// The last complete scan, if nothing was read since.
    last: Option<Scan>,
}

/// How things were before a step.
#[derive(Debug, Default)]
pub(crate) struct Before {
    pub(crate) states: BTreeMap<ProfileName, StateName>,
    /// Those that an order was to start, and that had never had good settings, or a good `on_start`.
    awaited: BTreeSet<ProfileName>,
    pub(crate) was_draining: bool,
    /// The step tells nothing new.
    pub(crate) is_old_news: bool,
}

impl Before {
    /// Whether a change of its files may start a profile that they say to be `down`.
    pub(crate) fn may_be_started(&self, name: &ProfileName, profile: &Profile) -> bool {
        let was_stopped = self.states.get(name) == Some(&StateName::Stopped);
        !profile.policy.down || !was_stopped || self.awaited.contains(name)
    }
}

impl Model {
    pub(crate) fn new(recalled: BTreeMap<ProfileName, Recalled>, drains_on_term: bool) -> Self {
        Self { recalled, drains_on_term, ..Self::default() }
    }

    /// What the `kill` file of the profile says, where its files are good.
    pub(crate) fn kill(&self, name: &ProfileName) -> Option<Kill> {
        let profile = self.entries.get(name).and_then(|entry| entry.profile.as_ref());
        profile.map(|profile| profile.policy.kill)
    }

    /// Takes an input, before the fleet does.
    pub(crate) fn take(&mut self, input: &Input, fleet: &Fleet) -> Before {
        let states = fleet.machines().map(|(name, machine)| (name.clone(), machine.state())).collect();
        let count = self.entries.len();
        self.entries.retain(|name, _| fleet.machine(name).is_some());
        if self.entries.len() < count {
            // A profile that came back with bad files while it was being stopped for having gone is dropped; the next
            // scan has it again.
            self.last = None;
        }
        let is_held = |name| fleet.machine(name).is_some_and(|machine| machine.idle() == Some(Idle::Held));
        let is_awaited =
            |name, entry: &Expected| entry.is_ordered && (entry.profile.is_none() || is_held(name));
        let awaited = self.entries.iter().filter(|(name, entry)| is_awaited(name, entry));
        let awaited = awaited.map(|(name, _)| name.clone()).collect();
        let mut before = Before { states, awaited, was_draining: self.is_draining, is_old_news: false };
        match input {
            Input::Order(_, name, order) if !self.is_draining => {
                if let (Some(entry), Some(want)) = (self.entries.get_mut(name), order.want())
                    && entry.want != Want::Gone
                {
                    entry.want = want;
                    entry.is_ordered = true;
                    entry.is_held &= want != Want::Up;
                }
            }
            Input::Scan(scan) if !self.is_draining => {
                before.is_old_news = self.last.as_ref() == Some(scan);
                self.last = scan.complete.then(|| scan.clone());
                self.scan(scan, &before);
                self.has_begun |= scan.complete;
            }
            Input::Hook(name, event) => self.wished(name, event),
            Input::Signal(Signal::HUP) => self.drain(),
            Input::Signal(Signal::TERM) if self.drains_on_term => self.drain(),
            Input::ScanFailed(_) => {
                self.last = None;
                if self.is_draining {
                    self.begin_recalled(Want::Down);
                }
            }
            // What goes on draining goes by the settings that the first scan shows.
            Input::Scan(scan) => {
                let recalled = self.recalled.clone();
                self.begin_recalled(Want::Down);
                for (name, parsed) in scan.profiles.iter().filter(|(name, _)| recalled.contains_key(name)) {
                    if let (Some(entry), Ok(profile)) = (self.entries.get_mut(name), &parsed.profile) {
                        entry.profile = Some(profile.clone());
                    }
                }
                self.has_begun = true;
            }
            Input::Order(..)
            | Input::Shutdown(_)
            | Input::Report(_)
            | Input::PidFile(..)
            | Input::Signal(_)
            | Input::Recall(_)
            | Input::Say(_)
            | Input::Timeout => {}
        }
        before
    }

    /// A hook wants something: what an operator could order.
    fn wished(&mut self, name: &ProfileName, event: &Event) {
        let Event::Wished { wish, .. } = event else { return };
        match wish {
            Wish::Shutdown(_) => {
                if !self.is_draining {
                    self.drain();
                }
            }
            Wish::Stop(_) => {
                let entry = self.entries.get_mut(name).filter(|entry| entry.want == Want::Up);
                if let Some(entry) = entry {
                    entry.want = Want::Down;
                    entry.is_ordered = true;
                }
            }
            Wish::Restart(_) | Wish::Signal(..) => {}
        }
    }

    pub(crate) const fn has_begun(&self) -> bool {
        self.has_begun
    }

    fn drain(&mut self) {
        self.is_draining = true;
        self.begin_recalled(Want::Down);
        for entry in self.entries.values_mut().filter(|entry| entry.want != Want::Gone) {
            entry.want = Want::Down;
            entry.is_ordered = false;
        }
    }

    fn scan(&mut self, scan: &Scan, before: &Before) {
        for (name, entry) in &mut self.entries {
            let is_there = scan.profiles.iter().any(|(there, _)| there == name);
            if scan.missing.contains(name) || (scan.complete && !is_there) {
                entry.want = Want::Gone;
            }
        }
        for (name, parsed) in &scan.profiles {
            self.seen(name, parsed, before.states.get(name) == Some(&StateName::Stopped));
        }
        if scan.complete {
            self.begin_recalled(Want::Gone);
        }
    }

    /// What was recalled, lives, and was not found has to be stopped.
    fn begin_recalled(&mut self, want: Want) {
        for (name, recalled) in std::mem::take(&mut self.recalled) {
            if recalled.remembered.phase.start().is_some() {
                let entry = Expected {
                    want,
                    is_ordered: false,
                    is_held: false,
                    profile: None,
                    is_reloaded: false,
                    rests_since_before: false,
                };
                self.entries.insert(name, entry);
            }
        }
    }

    fn seen(&mut self, name: &ProfileName, parsed: &Parsed, is_stopped: bool) {
        let good = parsed.profile.as_ref().ok();
        let is_down = good.is_some_and(|profile| profile.policy.down);
        if let Some(entry) = self.entries.get_mut(name) {
            if entry.want == Want::Gone && good.is_some() {
                // It comes back as if it were new.
                entry.want = Want::Up;
                entry.is_ordered = false;
                entry.is_held = is_down;
            }
            if let Some(good) = good {
                let is_first = entry.profile.is_none() && is_stopped;
                entry.is_held = is_down && (entry.is_held || (is_first && !entry.is_ordered));
                entry.rests_since_before &= entry.profile.as_ref().is_none_or(|old| old == good);
                entry.is_reloaded |= may_live_on(good);
                entry.profile = Some(good.clone());
            }
            return;
        }
        let is_reloaded = good.is_some_and(|profile| may_live_on(profile));
        let recalled = self.recalled.remove(name);
        let order = recalled.as_ref().and_then(|recalled| recalled.remembered.order);
        let (want, is_ordered) = match order {
            Some(want @ (Want::Up | Want::Down)) => (want, true),
            // It was to be gone, and is back.
            Some(Want::Gone) | None => (Want::Up, false),
        };
        let phase = recalled.as_ref().map(|recalled| &recalled.remembered.phase);
        let rests_since_before = matches!(phase, Some(Phase::Rest(_)));
        // It goes on where it was: a `down` file holds what begins.
        let begins = matches!(phase, None | Some(Phase::Fresh | Phase::Down | Phase::Ordered | Phase::Held));
        let is_gone = recalled.as_ref().is_some_and(|recalled| recalled.remembered.is_gone);
        let want = if is_gone && good.is_none() { Want::Gone } else { want };
        let is_held = is_down && (begins || is_gone) && !(is_ordered && want == Want::Up);
        self.entries.insert(
            name.clone(),
            Expected { want, is_ordered, is_held, profile: good.cloned(), is_reloaded, rests_since_before },
        );
    }
}

/// Whether a change of its files may leave its process as it is.
fn may_live_on(profile: &Profile) -> bool {
    profile.policy.reload.is_some() || profile.policy.hooks.present.contains(&Hook::OnChange)
}
