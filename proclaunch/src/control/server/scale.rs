//! How many instances of a directory run: written into its `instances`, read at once, and waited for.
//!
//! **Invariant:** nothing is written that would not be taken: with files that are bad, all would stay as it is.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use nix::errno::Errno;
use proclaunch_core::fleet::Standing;
use proclaunch_core::ids::ProfileName;
use proclaunch_core::machine::Want;
use proclaunch_core::profile::{Defaults, File as Setting, INSTANCES_MAX, parse};
use tokio::time::timeout;

use super::answer::{self, Answer, no_reactor};
use super::orders::PATIENCE;
use super::request::Request;
use super::{NoAnswer, Server};
use crate::control::api;
use crate::control::bridge::{Ask, View};
use crate::files;
use crate::scan::{scan_defaults, scan_one};

/// How often it is looked at, at least: not everything that counts is an event.
const LOOK: Duration = Duration::from_secs(1);

/// The permissions of the file: whoever may see the directory may read it, as if somebody had written it by hand.
const MODE: u32 = 0o644;

static WRITING: Mutex<()> = Mutex::new(());

/// Why nothing was written.
#[derive(Debug, PartialEq, Eq)]
enum No {
    /// There is no such directory.
    Directory,
    /// For this reason.
    Refused(String),
}

/// What is to be so.
#[derive(Debug)]
struct Goal {
    directory: ProfileName,
    wanted: BTreeSet<ProfileName>,
    /// Directories of their own that are called as if they were instances.
    others: BTreeSet<ProfileName>,
}

/// How it stands.
#[derive(Debug, PartialEq, Eq)]
enum Course {
    Waits,
    Done,
    Failed(&'static str, String),
}

impl Server {
    /// Has so many instances run, and answers when it is so, or cannot be, or is taken if it is not to be waited for.
    pub(super) async fn scale(&self, name: &ProfileName, request: &Request) -> Answer {
        let count = request.count("count").and_then(|count| u16::try_from(count).ok());
        let Some(count) = count.filter(|count| *count <= INSTANCES_MAX) else {
            let error = format!("a directory has at most {INSTANCES_MAX} instances");
            return answer::error(StatusCode::BAD_REQUEST, error, None);
        };
        let (profiles_dir, directory) = (self.config.profiles_dir.clone(), name.clone());
        let written = tokio::task::spawn_blocking(move || write(&profiles_dir, &directory, count));
        let goal = match written.await {
            Ok(Ok(goal)) => goal,
            Ok(Err(No::Directory)) => return self.no_directory(name).await,
            Ok(Err(No::Refused(why))) => return not_scaled(name, "refused", &why),
            Err(_) => return no_reactor(),
        };
        match self.ask(Ask::Rescan).await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => {
                let why =
                    format!("failed to {why}; `instances` is written and takes force when that is over");
                return not_scaled(name, "failed", &why);
            }
            Err(NoAnswer) => return no_reactor(),
        }
        if !request.flag("wait").unwrap_or(true) {
            return self.scaled(&goal, StatusCode::ACCEPTED, "taken").await;
        }
        let patience = request.seconds("timeout").unwrap_or(PATIENCE);
        match timeout(patience, self.scaling(&goal)).await {
            Ok(Ok(Course::Failed(result, why))) => not_scaled(name, result, &why),
            Ok(Ok(Course::Done | Course::Waits)) => self.scaled(&goal, StatusCode::OK, "done").await,
            Ok(Err(NoAnswer)) => no_reactor(),
            Err(_) => {
                let why = format!("not done within {} s", patience.as_secs_f64());
                not_scaled(name, "timeout", &why)
            }
        }
    }

    /// Waits until it is so, or cannot be.
    async fn scaling(&self, goal: &Goal) -> Result<Course, NoAnswer> {
        loop {
            let next = self.events.next();
            match goal.course(&*self.view().await?) {
                Course::Waits => {}
                course => return Ok(course),
            }
            tokio::select! {
                () = next => {}
                () = tokio::time::sleep(LOOK) => {}
                () = self.ending() => return Err(NoAnswer),
            }
        }
    }

    async fn scaled(&self, goal: &Goal, status: StatusCode, result: &str) -> Answer {
        let Ok(view) = self.view().await else { return no_reactor() };
        let profiles = self.instances(&view, goal).await;
        let count = u32::try_from(goal.wanted.len()).unwrap_or(u32::MAX);
        let (name, result) = (goal.directory.to_string(), result.to_owned());
        answer::json(status, &api::Scaled { result, name, count, profiles })
    }

    /// That there is no such directory. An instance is a profile, and none.
    async fn no_directory(&self, name: &ProfileName) -> Answer {
        let Ok(view) = self.view().await else { return no_reactor() };
        match name.instance_of().filter(|_| view.profiles.contains_key(name)) {
            Some((of, _)) => {
                let hint = Some(format!("scale `{of}`"));
                let error = format!("`{name}` is no directory, but an instance of `{of}`");
                answer::error(StatusCode::NOT_FOUND, error, hint)
            }
            None => self.unknown(name).await,
        }
    }

    async fn instances(&self, view: &Arc<View>, goal: &Goal) -> Vec<api::Profile> {
        let mut names: Vec<&ProfileName> = goal.wanted.iter().collect();
        names.sort_by_key(|name| name.instance_of().map(|(_, number)| number));
        let mut profiles = Vec::new();
        for name in names {
            profiles.extend(self.profile(view, name).await);
        }
        profiles
    }
}

fn not_scaled(name: &ProfileName, result: &str, why: &str) -> Answer {
    let (status, hint) = match result {
        "timeout" => (StatusCode::GATEWAY_TIMEOUT, "the order stays in force".to_owned()),
        "refused" => (StatusCode::CONFLICT, "nothing was written".to_owned()),
        _ => (StatusCode::CONFLICT, format!("`proclaunch status '{name}*'` says more")),
    };
    let (error, hint, result) = (format!("{name}: {why}"), Some(hint), Some(result.to_owned()));
    answer::json(status, &api::Error { error, hint, result, profile: None })
}

/// Writes the file, if it would be taken.
fn write(profiles_dir: &Path, name: &ProfileName, count: u16) -> Result<Goal, No> {
    let refused = |why: &dyn ToString| No::Refused(why.to_string());
    let files = scan_one(profiles_dir, name).map_err(|error| refused(&error))?;
    let mut files = files.ok_or(No::Directory)?;
    let text = format!("{count}\n");
    files.entries.insert("instances".to_owned(), Setting::Bytes(text.clone().into_bytes()));
    let defaults = scan_defaults(profiles_dir).map_err(|error| refused(&error))?;
    if let Err(problems) = parse(&files, &Defaults::parse(&defaults).0).of_directory(name).profile {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        return Err(refused(&problems.join("; ")));
    }
    let wanted: BTreeSet<ProfileName> = (1..=count).filter_map(|number| name.instance(number)).collect();
    let others = others(profiles_dir, name).map_err(|error| refused(&error))?;
    if let Some(taken) = wanted.intersection(&others).next() {
        let why = format!("there is a directory `{taken}`, and that is what runs under this name; rename it");
        return Err(No::Refused(why));
    }
    // Two at once would use the same temporary file.
    let _one_at_a_time = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let replaced = File::open(profiles_dir.join(name.as_str()))
        .and_then(|dir| files::replace_as(&dir, "instances", text.as_bytes(), MODE));
    replaced.map_err(|error| {
        let why = error
            .raw_os_error()
            .map_or_else(|| error.to_string(), |raw| Errno::from_raw(raw).desc().to_owned());
        No::Refused(format!("failed to write `{name}/instances`: {why}"))
    })?;
    Ok(Goal { directory: name.clone(), wanted, others })
}

/// The directories that are called as if they were instances.
fn others(profiles_dir: &Path, directory: &ProfileName) -> io::Result<BTreeSet<ProfileName>> {
    let mut others = BTreeSet::new();
    for entry in fs::read_dir(profiles_dir)? {
        let name = entry?.file_name().to_str().and_then(ProfileName::parse);
        let is_like_one = |name: &ProfileName| name.instance_of().is_some_and(|(of, _)| of == *directory);
        others.extend(name.filter(|name| is_like_one(name) && profiles_dir.join(name.as_str()).is_dir()));
    }
    Ok(others)
}

impl Goal {
    fn course(&self, view: &View) -> Course {
        if view.is_draining {
            return Course::Failed("failed", "all profiles are being stopped".to_owned());
        }
        let mut waits = false;
        for name in &self.wanted {
            let status = view.profiles.get(name).filter(|status| status.want != Want::Gone);
            let Some(status) = status else { return overtaken() };
            match status.standing {
                Standing::Serving | Standing::Unhealthy | Standing::Done | Standing::Down => {}
                Standing::Starting => waits = true,
                Standing::Stopped
                | Standing::Dead
                | Standing::Backoff
                | Standing::GaveUp
                | Standing::Held => {
                    let colon = if status.why.is_empty() { "" } else { ": " };
                    return Course::Failed("failed", format!("{name} does not run{colon}{}", status.why));
                }
            }
        }
        let excess = view.profiles.iter().filter(|(name, _)| self.is_too_many(name));
        for (_, status) in excess {
            if status.want != Want::Gone {
                return overtaken();
            }
            waits = true;
        }
        if waits { Course::Waits } else { Course::Done }
    }

    /// Whether it is of this directory and not to run.
    fn is_too_many(&self, name: &ProfileName) -> bool {
        let is_of_it = name.instance_of().is_some_and(|(of, _)| of == self.directory);
        *name == self.directory || (is_of_it && !self.wanted.contains(name) && !self.others.contains(name))
    }
}

fn overtaken() -> Course {
    let why = "its file `instances` says something else by now";
    Course::Failed("overtaken", why.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use proclaunch_core::machine::Status;

    use super::*;
    use crate::control::convert::tests::{name, status};

    fn goal(wanted: &[&str], others: &[&str]) -> Goal {
        let names = |names: &[&str]| names.iter().map(|one| name(one)).collect();
        Goal { directory: name("web"), wanted: names(wanted), others: names(others) }
    }

    fn view(profiles: &[(&str, Want, Standing)]) -> View {
        let one = |(profile, want, standing): &(&str, Want, Standing)| {
            let status = Status { want: *want, standing: *standing, why: "exit 1".to_owned(), ..status() };
            (name(profile), Arc::new(status))
        };
        View { profiles: profiles.iter().map(one).collect(), ..View::default() }
    }

    #[test]
    fn it_is_done_when_those_run_and_none_besides() {
        use Standing::{Backoff, Serving, Starting, Stopped};
        let (up, gone) = (Want::Up, Want::Gone);
        let two = goal(&["web@1", "web@2"], &["web@9"]);
        let first = ("web@1", up, Serving);
        let second = ("web@2", up, Serving);
        let failed = Course::Failed("failed", "web@2 does not run: exit 1".to_owned());
        for (profiles, course) in [
            (vec![first, second], Course::Done),
            (vec![first, second, ("db@3", up, Serving), ("web@9", up, Backoff)], Course::Done),
            (vec![first, ("web@2", up, Starting)], Course::Waits),
            (vec![first, second, ("web@3", gone, Stopped)], Course::Waits),
            (vec![first, second, ("web", gone, Stopped)], Course::Waits),
            (vec![first, second, ("web", up, Serving)], overtaken()),
            (vec![first], overtaken()),
            (vec![first, ("web@2", gone, Stopped)], overtaken()),
            (vec![first, ("web@2", up, Backoff)], failed),
        ] {
            assert_eq!(two.course(&view(&profiles)), course, "{profiles:?}");
        }
        assert_eq!(goal(&[], &[]).course(&view(&[])), Course::Done);
        let draining = View { is_draining: true, ..view(&[first, second]) };
        assert!(matches!(two.course(&draining), Course::Failed("failed", _)));
    }

    #[test]
    fn only_what_would_be_taken_is_written() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("web");
        let refused = |why: &str| Err(No::Refused(why.to_owned()));
        let scale = |count| write(temp.path(), &name("web"), count).map(|goal| goal.wanted.len());
        assert_eq!(scale(2), Err(No::Directory));
        fs::create_dir(&dir).unwrap();
        assert_eq!(scale(2), refused("has no `run`"));
        fs::write(dir.join("run"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(dir.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(scale(2), Ok(2));
        assert_eq!(fs::read_to_string(dir.join("instances")).unwrap(), "2\n");
        assert_eq!(fs::metadata(dir.join("instances")).unwrap().permissions().mode() & 0o777, MODE);
        fs::write(dir.join("pid_file"), "pid\n").unwrap();
        assert!(scale(3).is_err());
        assert_eq!(scale(1), Ok(1));
        fs::remove_file(dir.join("pid_file")).unwrap();
        fs::create_dir(temp.path().join("web@3")).unwrap();
        let taken = "there is a directory `web@3`, and that is what runs under this name; rename it";
        assert_eq!(scale(3), refused(taken));
        assert_eq!(scale(0), Ok(0));
        fs::create_dir(temp.path().join("x")).unwrap();
        fs::remove_file(dir.join("instances")).unwrap();
        fs::create_dir(dir.join("instances")).unwrap();
        assert_eq!(scale(2), refused("failed to write `web/instances`: Is a directory"));
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 2);
    }
}
