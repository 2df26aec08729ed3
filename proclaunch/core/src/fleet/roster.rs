//! Which profiles each directory stands for: one of its own name, or as many as its `instances` say.
//!
//! The shell reads directories, the fleet knows profiles; this stands between the two.
//!
//! **Invariants:**
//! - a name is that of one profile: a directory of its own wins over an instance of another one;
//! - a directory whose files are bad goes on standing for what it stood for, as its settings stay too.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::ids::ProfileName;
use crate::log::Own;
use crate::profile::{Instances, Parsed};

use super::Scan;

/// What directories there are, and what they stand for.
#[derive(Debug, Default)]
pub struct Roster {
    directories: BTreeMap<ProfileName, Members>,
    /// The profiles that an earlier supervisor had, until all directories were read once.
    recalled: BTreeSet<ProfileName>,
    /// The instances that do not run because a directory has their name: each is said once.
    taken: BTreeSet<ProfileName>,
}

/// What a directory stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Members {
    /// It has not been read yet.
    Unread,
    /// The profile of its own name.
    Itself,
    /// The instances of these numbers.
    Numbers(Vec<u16>),
}

/// What was read of directories.
#[derive(Debug, Default)]
pub struct Reading {
    /// Whether all of them were read, so that one that is not here does not exist.
    pub complete: bool,
    /// What their files say.
    pub found: Vec<(ProfileName, Parsed)>,
    /// What was looked for and is not there.
    pub missing: Vec<ProfileName>,
}

impl Roster {
    /// Takes the names of the profiles that an earlier supervisor had.
    pub fn recall(&mut self, names: impl IntoIterator<Item = ProfileName>) {
        self.recalled.extend(names);
    }

    /// The directories that are to be read where these have changed: also those with an instance whose name one of
    /// them has, or had.
    pub fn concerned(&self, names: &BTreeSet<ProfileName>) -> BTreeSet<ProfileName> {
        let of_instances = names.iter().filter_map(|name| Some(name.instance_of()?.0));
        let of_instances = of_instances.filter(|directory| self.directories.contains_key(directory));
        names.iter().cloned().chain(of_instances).collect()
    }

    /// Takes what was read, and gives it by profiles; and what is to be said of it.
    pub fn take(&mut self, reading: Reading) -> (Scan, Vec<Own>) {
        let Reading { complete, found, missing } = reading;
        let mut gone: BTreeSet<ProfileName> = missing.iter().cloned().collect();
        for name in &missing {
            gone.extend(self.directories.remove(name).into_iter().flat_map(|members| members.names(name)));
        }
        if complete {
            let there: BTreeSet<&ProfileName> = found.iter().map(|(name, _)| name).collect();
            self.directories.retain(|name, _| there.contains(name));
        }
        for (name, _) in &found {
            let before = self.directories.entry(name.clone()).or_insert(Members::Unread);
            gone.extend(before.names(name));
        }
        let (mut profiles, mut remarks) = (Vec::new(), Vec::new());
        for (name, parsed) in found {
            let parsed = parsed.of_directory(&name);
            let members = self.members(&name, &parsed, &mut remarks);
            members.profiles(&name, parsed, &mut profiles);
            self.directories.insert(name, members);
        }
        for (name, _) in &profiles {
            gone.remove(name);
        }
        if complete {
            self.recalled.clear();
        }
        self.taken.retain(|name| self.directories.contains_key(name));
        (Scan { complete, profiles, missing: gone.into_iter().collect(), remarks: Vec::new() }, remarks)
    }

    /// What a directory stands for from here on.
    fn members(&mut self, directory: &ProfileName, parsed: &Parsed, remarks: &mut Vec<Own>) -> Members {
        let wanted = match parsed.instances {
            Instances::None | Instances::Unknown => Members::Itself,
            Instances::Numbered(count) => Members::Numbers((1..=count).collect()),
        };
        let members = if parsed.profile.is_ok() {
            wanted
        } else {
            match self.directories.get(directory) {
                Some(Members::Itself) => Members::Itself,
                Some(Members::Numbers(numbers)) if !numbers.is_empty() => Members::Numbers(numbers.clone()),
                Some(Members::Numbers(_) | Members::Unread) | None => {
                    self.members_then(directory).unwrap_or(wanted)
                }
            }
        };
        let Members::Numbers(mut numbers) = members else { return members };
        numbers.retain(|number| {
            let Some(name) = directory.instance(*number) else { return false };
            let is_taken = self.directories.contains_key(&name);
            if is_taken && self.taken.insert(name.clone()) {
                remarks.push(Own::InstanceNameTaken { name, of: directory.clone() });
            }
            !is_taken
        });
        Members::Numbers(numbers)
    }

    /// What a directory stood for under an earlier supervisor, as far as that is known.
    fn members_then(&self, directory: &ProfileName) -> Option<Members> {
        let number = |name: &ProfileName| {
            name.instance_of().filter(|(of, _)| of == directory).map(|(_, number)| number)
        };
        let mut numbers: Vec<u16> = self.recalled.iter().filter_map(number).collect();
        numbers.sort_unstable();
        if !numbers.is_empty() {
            return Some(Members::Numbers(numbers));
        }
        self.recalled.contains(directory).then_some(Members::Itself)
    }
}

impl Members {
    fn names(&self, directory: &ProfileName) -> Vec<ProfileName> {
        match self {
            Self::Unread => Vec::new(),
            Self::Itself => vec![directory.clone()],
            Self::Numbers(numbers) => {
                numbers.iter().filter_map(|number| directory.instance(*number)).collect()
            }
        }
    }

    /// What the files say, for each profile.
    fn profiles(&self, directory: &ProfileName, parsed: Parsed, out: &mut Vec<(ProfileName, Parsed)>) {
        let Self::Numbers(numbers) = self else { return out.push((directory.clone(), parsed)) };
        let mut warnings = parsed.warnings;
        for number in numbers {
            let Some(name) = directory.instance(*number) else { continue };
            let profile = parsed.profile.as_ref().map(|profile| Arc::new(profile.as_instance(*number)));
            // Once is enough: they are all of the same files.
            let warnings = std::mem::take(&mut warnings);
            let profile = profile.map_err(Clone::clone);
            out.push((name, Parsed { profile, warnings, instances: parsed.instances }));
        }
    }
}

#[cfg(test)]
mod tests;
