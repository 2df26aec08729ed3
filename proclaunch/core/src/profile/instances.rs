//! The setting `instances`: one directory that stands for several profiles.
//!
//! **Invariant:** whoever has a profile and its name finds its directory by [`Profile::directory`] alone: the name says
//! nothing of it, as a directory of its own can be called `web@2` too.

use super::{Excerpt, Fault, Fingerprint, Parsed, Problem, Profile, Variable};
use crate::ids::ProfileName;

/// The most instances of one directory.
pub const INSTANCES_MAX: u16 = 1000;

/// The variable that tells an instance which one it is.
const INSTANCE: &str = "INSTANCE";

/// How many profiles a directory stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Instances {
    /// There is no `instances`: for one, of the directory's own name.
    #[default]
    None,
    /// For so many, `web@1` and so on, and for none of the directory's own name.
    Numbered(u16),
    /// The file is bad.
    Unknown,
}

impl Profile {
    /// The same as the instance of this number: `INSTANCE` is in its environment, whatever `env` says.
    #[must_use]
    pub fn as_instance(&self, number: u16) -> Self {
        let mut instance = self.clone();
        let value = number.to_string().into_bytes().into();
        let mut env: Vec<Variable> = self.shape.env.to_vec();
        env.retain(|variable| &*variable.name != INSTANCE);
        let place = env.partition_point(|variable| &*variable.name < INSTANCE);
        env.insert(place, Variable { name: INSTANCE.into(), value });
        instance.shape.env = env.into();
        instance.shape.instance = Some(number);
        let hooks = &mut instance.policy.hooks;
        if !hooks.present.is_empty() {
            // They are told the environment and the directory.
            let digest = [&hooks.digest.0.to_le_bytes()[..], &number.to_le_bytes()].concat();
            hooks.digest = Fingerprint::of(&digest);
        }
        instance
    }

    /// The name of the directory that this profile, called `name`, is read from.
    pub fn directory<'a>(&self, name: &'a ProfileName) -> &'a str {
        let of_instance = self.shape.instance.and_then(|_| name.as_str().rsplit_once('@'));
        of_instance.map_or(name.as_str(), |(directory, _)| directory)
    }
}

impl Parsed {
    /// The same for a directory of this name: if its instances could have no names, their number is bad.
    #[must_use]
    pub fn of_directory(self, directory: &ProfileName) -> Self {
        let Instances::Numbered(count @ 1..) = self.instances else { return self };
        if directory.instance(count).is_some() {
            return self;
        }
        let fault = Fault::Value {
            excerpt: Excerpt::of(count.to_string().as_bytes()),
            wrong: "with that behind it, the name of the directory is longer than a name can be",
            want: "0, or give the directory a shorter name",
        };
        let mut problems = self.profile.err().unwrap_or_default();
        problems.push(Problem { file: "instances".to_owned(), line: None, fault });
        Self { profile: Err(problems), instances: Instances::Unknown, ..self }
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::INSTANCES_MAX;
    use crate::profile::Instances;
    use crate::testing::{Settings, name, parsed, profile};

    #[test]
    fn an_instance_has_its_number_in_the_environment_and_the_directory_of_all() {
        let whole = profile(&[("env", "A=1\nINSTANCE=x\nZ=2\n"), ("ready.lua", "return true")]);
        let second = whole.as_instance(2);
        let env: Vec<_> = second.shape.env.iter().map(|one| (&*one.name, &*one.value)).collect();
        assert_eq!(env, [("A", &b"1"[..]), ("INSTANCE", b"2"), ("Z", b"2")]);
        assert_eq!(second.directory(&name("web@2")), "web");
        assert_eq!(whole.directory(&name("web@2")), "web@2");
        assert_ne!(second.policy.hooks, whole.policy.hooks);
        assert_eq!(second, whole.as_instance(2));
    }

    #[test]
    fn how_many_run_does_not_change_what_runs() {
        let of = |count: &str| profile(&[("instances", count), ("health.lua", "1")]).as_instance(1);
        assert_eq!(of("1"), of("1000"));
    }

    #[test]
    fn a_number_of_instances_is_whole_and_not_too_large() {
        let check = |settings: Settings<'_>, expect: Instances, problem: Option<&str>| {
            let parsed = parsed(settings);
            assert_eq!(parsed.instances, expect, "{settings:?}");
            let said =
                parsed.profile.err().map(|all| all.iter().map(ToString::to_string).collect::<String>());
            assert_eq!(said.as_deref(), problem, "{settings:?}");
        };
        check(&[], Instances::None, None);
        check(&[("instances", "0")], Instances::Numbered(0), None);
        check(&[("instances", " 1000\n")], Instances::Numbered(INSTANCES_MAX), None);
        let wrong = |text: &str| {
            format!(
                "`instances` says `{text}`: not a number of instances; write how many run, a whole number from 0 to 1000"
            )
        };
        for text in ["1001", "-1", "1.5", "many", "+2", "99999"] {
            check(&[("instances", text)], Instances::Unknown, Some(&wrong(text)));
        }
        let blank = "`instances` is blank; write how many run, a whole number from 0 to 1000";
        check(&[("instances", "\n")], Instances::Unknown, Some(blank));
        check(&[("instances", "1"), ("pid_file", "pid")], Instances::Numbered(1), None);
        let shared = "`instances` says `3`: all of them would write the same `pid_file`; write 0 or 1, or take \
                      `pid_file` away and stay in the foreground";
        check(&[("instances", "3"), ("pid_file", "pid")], Instances::Numbered(3), Some(shared));
    }
}
