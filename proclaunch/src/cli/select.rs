//! Names and globs on the command line: which profiles they mean, and what was meant by one that means none. The name of
//! a directory with instances means all of these.

use proclaunch_core::ids::ProfileName;
use proclaunch_core::profile::closest;

use super::output;
use crate::control::api::{Profile, Profiles};
use crate::control::client::{Client, Failure};
use crate::control::glob::Glob;

/// A request line has an end: more patterns than so are sought here among all profiles.
const ASKED_MAX: usize = 32;

/// The profiles that were meant.
#[derive(Debug)]
pub(super) struct Selected {
    /// By name, each once.
    pub(super) profiles: Profiles,
    /// What means nothing, each with what to say of it.
    unknown: Vec<String>,
}

impl Selected {
    /// Asks for the profiles that these mean; all of them, if there are none.
    pub(super) fn of(client: &Client, globs: &[Glob]) -> Result<Self, Failure> {
        let asked: Vec<String> = if globs.len() > ASKED_MAX {
            Vec::new()
        } else {
            globs.iter().map(ToString::to_string).collect()
        };
        let mut profiles = client.profiles(&asked)?;
        let is_there =
            |name: &ProfileName| profiles.profiles.iter().any(|profile| profile.name == name.as_str());
        let globs: Vec<Glob> = globs.iter().map(|glob| glob.clone().among(is_there)).collect();
        let is_meant = |glob: &Glob, profile: &Profile| {
            ProfileName::parse(&profile.name).is_some_and(|name| glob.matches(&name))
        };
        if !globs.is_empty() {
            profiles.profiles.retain(|profile| globs.iter().any(|glob| is_meant(glob, profile)));
        }
        profiles.profiles.sort_by(|a, b| a.name.cmp(&b.name));
        let lost: Vec<&Glob> = globs
            .iter()
            .filter(|glob| !profiles.profiles.iter().any(|profile| is_meant(glob, profile)))
            .collect();
        let unknown = if lost.is_empty() {
            Vec::new()
        } else {
            let all = client.profiles(&[])?.profiles;
            let names: Vec<&str> = all.iter().map(|profile| profile.name.as_str()).collect();
            lost.iter().map(|glob| missing(glob, &names)).collect()
        };
        Ok(Self { profiles, unknown })
    }

    /// The names of the profiles that were meant.
    pub(super) fn names(&self) -> Vec<String> {
        self.profiles.profiles.iter().map(|profile| profile.name.clone()).collect()
    }

    /// Whether some name or glob means nothing.
    pub(super) const fn is_incomplete(&self) -> bool {
        !self.unknown.is_empty()
    }

    /// Says what means nothing; whether there was anything to say.
    pub(super) fn complain(&self) -> bool {
        for text in &self.unknown {
            output::complain(text);
        }
        !self.unknown.is_empty()
    }
}

/// What to say of a name or glob that means no profile.
fn missing(glob: &Glob, names: &[&str]) -> String {
    let text = glob.to_string();
    if glob.exact().is_none() {
        return format!("no profile has a name like `{text}`");
    }
    match closest(&text, names) {
        Some(meant) => format!("there is no profile `{text}`; did you mean `{meant}`?"),
        None => format!(
            "there is no profile `{text}`; `proclaunch list` names all, `proclaunch rescan` looks for new ones"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_means_nothing_is_told_what_was_meant() {
        let say = |text: &str| missing(&Glob::parse(text).unwrap(), &["web", "database"]);
        assert_eq!(say("wbe"), "there is no profile `wbe`; did you mean `web`?");
        assert_eq!(say("databse"), "there is no profile `databse`; did you mean `database`?");
        assert_eq!(
            say("cache"),
            "there is no profile `cache`; `proclaunch list` names all, `proclaunch rescan` looks for new ones"
        );
        assert_eq!(say("x*"), "no profile has a name like `x*`");
    }
}
