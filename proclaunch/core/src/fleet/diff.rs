//! What a scan changes: only what differs is touched.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::clock::Moment;
use crate::ids::ProfileName;
use crate::log::{Entry, Own, Said};
use crate::machine::{Event, Machine, Want};
use crate::profile::{Parsed, Problem, Profile};

use super::{Effect, Fleet, Kept, Scan};

impl Fleet {
    pub(super) fn scan(&mut self, now: Moment, scan: Scan, out: &mut Vec<Effect>) {
        if self.scan_failed {
            self.scan_failed = false;
            out.push(Effect::Log(Entry::Own(Own::ProfilesReadable)));
        }
        let mut missing: BTreeSet<ProfileName> = scan.missing.into_iter().collect();
        if scan.complete {
            missing.extend(self.machines.keys().cloned());
            for (name, _) in &scan.profiles {
                missing.remove(name);
            }
        }
        // What goes is told before what comes, so that a renamed profile frees what its next name needs.
        for name in missing {
            if self.machines.get(&name).is_some_and(|kept| kept.machine.want() != Want::Gone) {
                self.tell(now, &name, Event::Removed, out);
            }
        }
        for (name, parsed) in scan.profiles {
            self.seen(now, &name, parsed, out);
        }
        if scan.complete {
            self.remark(scan.remarks, out);
            self.settle_recalled(now, out);
        }
    }

    pub(super) fn scan_failed(&mut self, why: String, out: &mut Vec<Effect>) {
        if !self.scan_failed {
            self.scan_failed = true;
            out.push(Effect::Log(Entry::Own(Own::ProfilesUnreadable { why })));
        }
    }

    /// A profile's directory is there and was read.
    fn seen(&mut self, now: Moment, name: &ProfileName, parsed: Parsed, out: &mut Vec<Effect>) {
        let is_new = !self.machines.contains_key(name);
        if is_new {
            out.push(Effect::Log(Entry::Profile(name.clone(), Said::Created)));
            out.push(Effect::about(name, "profile_new", "its directory is there"));
            self.insert(name);
        }
        self.say_problems(name, &parsed, out);
        let event = match parsed.profile {
            Ok(profile) => self.news(name, profile),
            Err(problems) => {
                let why: Vec<String> = problems.iter().map(ToString::to_string).collect();
                Some(Event::BadSettings(why.join("; ").into()))
            }
        };
        if let Some(event) = event {
            self.tell(now, name, event, out);
        }
        if is_new {
            let recalled = self.recalled.remove(name);
            self.begin(now, name, recalled, out);
        }
    }

    /// The settings as an event, unless the machine has them already.
    fn news(&self, name: &ProfileName, profile: Arc<Profile>) -> Option<Event> {
        let machine = self.machine(name)?;
        let known = machine.profile().is_some_and(|old| *old == profile);
        let returns = machine.want() == Want::Gone;
        (!known || returns || machine.trouble().is_some()).then_some(Event::Settings(profile))
    }

    fn insert(&mut self, name: &ProfileName) {
        let kept = Kept { machine: Machine::new(), problems: Box::default(), due: None, stepped: 0 };
        self.machines.insert(name.clone(), Box::new(kept));
        self.revision += 1;
    }

    /// Says what is wrong with a profile's files, each problem once until it is gone.
    fn say_problems(&mut self, name: &ProfileName, parsed: &Parsed, out: &mut Vec<Effect>) {
        let Some(kept) = self.machines.get_mut(name) else { return };
        let errors = parsed.profile.as_ref().err().map_or(&[][..], |errors| &errors[..]);
        if errors.is_empty() && parsed.warnings.is_empty() && kept.problems.is_empty() {
            return;
        }
        let held = kept.machine.profile().is_none();
        let mut say = |problem: &Problem, said: fn(String, bool) -> Said| {
            // A bad default was said once for all the profiles that it reaches.
            if !problem.file.starts_with(".defaults/") && !kept.problems.contains(problem) {
                out.push(Effect::Log(Entry::Profile(name.clone(), said(problem.to_string(), held))));
            }
        };
        for problem in errors {
            say(problem, |problem, held| Said::BadSettings { problem, held });
        }
        for problem in &parsed.warnings {
            say(problem, |problem, _| Said::Warned { problem });
        }
        kept.problems = errors.iter().chain(&parsed.warnings).cloned().collect();
    }

    fn remark(&mut self, remarks: Vec<Own>, out: &mut Vec<Effect>) {
        for remark in &remarks {
            if !self.remarks.contains(remark) {
                out.push(Effect::Log(Entry::Own(remark.clone())));
            }
        }
        self.remarks = remarks;
    }

    /// What an earlier supervisor remembered and the first scan did not find: what lives of it is stopped.
    fn settle_recalled(&mut self, now: Moment, out: &mut Vec<Effect>) {
        for (name, mut recalled) in std::mem::take(&mut self.recalled) {
            if recalled.remembered.phase.start().is_none() {
                out.push(Effect::Forget(name));
                continue;
            }
            self.insert(&name);
            recalled.remembered.is_gone = true;
            self.begin(now, &name, Some(recalled), out);
        }
        self.early.clear();
    }

    /// During a drain: what an earlier supervisor started, and no scan has shown yet, is stopped too, by what is known
    /// of its settings.
    pub(super) fn drain_recalled(
        &mut self,
        now: Moment,
        profiles: Vec<(ProfileName, Parsed)>,
        out: &mut Vec<Effect>,
    ) {
        let mut settings: BTreeMap<ProfileName, Parsed> = profiles.into_iter().collect();
        for (name, recalled) in std::mem::take(&mut self.recalled) {
            if recalled.remembered.phase.start().is_none() {
                out.push(Effect::Forget(name));
                continue;
            }
            self.insert(&name);
            if let Some(Ok(profile)) = settings.remove(&name).map(|parsed| parsed.profile) {
                self.tell(now, &name, Event::Settings(profile), out);
            }
            // First, so that nothing is begun that is to be stopped.
            self.tell(now, &name, Event::Drain, out);
            self.begin(now, &name, Some(recalled), out);
        }
    }
}
