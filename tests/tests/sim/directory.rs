//! The profiles directory: what is in it, who changes it, and what a reading of it gives.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use proclaunch_core::fleet::{Input, Scan};
use proclaunch_core::ids::ProfileName;
use proclaunch_core::profile::{Fault, Instances, Parsed, Problem, Profile};

use crate::happening::Happening;
use crate::hooks;
use crate::plan;
use crate::rng::Rng;
use crate::world::Sim;

const NAMES: [&str; 5] = ["web", "db", "mail", "web@1", "cron"];

/// The profiles directory.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) profiles: BTreeMap<ProfileName, Files>,
    pub(crate) is_readable: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Files {
    profile: Profile,
    pub(crate) is_broken: bool,
}

impl Directory {
    pub(crate) fn draw(rng: &mut Rng, hooks: &mut Rng) -> Self {
        let mut profiles = BTreeMap::new();
        for name in &NAMES[..usize::try_from(1 + rng.below(4)).expect("below 5")] {
            let profile = with_hooks(plan::profile(rng), hooks);
            profiles.insert(parse(name), Files { profile, is_broken: rng.one_in(10) });
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
        let profile = if self.is_broken { Err(vec![problem()]) } else { Ok(Arc::new(self.profile.clone())) };
        Parsed { profile, warnings: Vec::new(), instances: Instances::None }
    }
}

/// One of the names that a profile may have.
pub(crate) fn some_name(rng: &mut Rng) -> ProfileName {
    parse(rng.pick::<&str>(&NAMES))
}

impl Sim {
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

    /// Changes the profiles directory; the supervisor sees it soon.
    pub(crate) fn edit(&mut self) {
        let name = some_name(&mut self.rng);
        let delay = self.rng.duration(Duration::from_millis(300));
        match self.directory.profiles.remove(&name) {
            None => {
                let profile = with_hooks(plan::profile(&mut self.rng), &mut self.hooks.rng);
                let files = Files { profile, is_broken: self.rng.one_in(6) };
                self.directory.profiles.insert(name.clone(), files);
            }
            Some(mut files) => match self.rng.below(8) {
                0 => {}
                1 => {
                    let new = some_name(&mut self.rng);
                    self.directory.profiles.insert(new, files);
                    self.later(delay, Happening::Scan(None));
                    return;
                }
                other => {
                    if other == 2 {
                        files.is_broken = !files.is_broken;
                    } else {
                        plan::change(&mut self.rng, &mut files.profile);
                        hooks::change(&mut self.hooks.rng, &mut files.profile.policy.hooks);
                    }
                    self.directory.profiles.insert(name.clone(), files);
                }
            },
        }
        let only = (!self.rng.one_in(3)).then_some(name);
        self.later(delay, Happening::Scan(only));
    }
}

fn with_hooks(mut profile: Profile, rng: &mut Rng) -> Profile {
    profile.policy.hooks = hooks::files(rng);
    profile
}

fn parse(name: &str) -> ProfileName {
    ProfileName::parse(name).expect("a legal name")
}
