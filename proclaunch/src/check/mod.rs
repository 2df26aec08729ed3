//! `proclaunch check`: everything that can be said of a directory of profiles without running any of it.
//!
//! The files are read by the scan, the settings by the core's parser and the hooks by the engine: the same as in the
//! supervisor, so that what is clean here is taken there.
//!
//! **Invariant:** nothing is written, no program is executed, nothing is sent: a hook file that is loaded can only
//! compute and read.

mod finding;
mod here;
mod names;
mod scripts;
mod settings;
mod target;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf, absolute};
use std::sync::Arc;

use proclaunch_core::hook::Hook;
use proclaunch_core::ids::{NAME_RULE, ProfileName};
use proclaunch_core::profile::{Defaults, Files, Instances, parse};
use tokio::runtime;
use tokio::task::LocalSet;

use crate::hooks::Sources;
use crate::scan::{self, ScanError};

pub use finding::{Finding, Report, Severity};
use scripts::Modules;
use target::Target;

fn bad_name() -> String {
    format!("is no profile: {NAME_RULE}")
}

/// Why nothing was checked. Completes "failed to ...".
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The path is not there, or is no directory.
    #[error("check `{}`: {source}; give a directory of profiles, or one profile", .path.display())]
    Path {
        /// The path as it was typed.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The directory of further modules is none.
    #[error("look for modules in `{}`: it is no directory", .0.display())]
    Hooks(PathBuf),
    /// The directory cannot be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The system gives no runtime for the hooks.
    #[error("make a runtime for the hooks: {0}")]
    Runtime(#[source] io::Error),
}

/// Checks a directory of profiles, or one profile. Hooks find modules in `hooks_dir` too.
///
/// # Errors
/// See [`CheckError`].
pub fn check(path: &Path, hooks_dir: Option<&Path>) -> Result<Report, CheckError> {
    let target = Target::of(path)?;
    if let Some(dir) = hooks_dir.filter(|dir| !dir.is_dir()) {
        return Err(CheckError::Hooks(dir.to_owned()));
    }
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(CheckError::Runtime)?;
    LocalSet::new().block_on(&runtime, Check { target, hooks_dir, report: Report::default() }.run())
}

struct Check<'a> {
    target: Target,
    hooks_dir: Option<&'a Path>,
    report: Report,
}

impl Check<'_> {
    async fn run(mut self) -> Result<Report, CheckError> {
        let scan = scan::scan_all(&self.target.profiles_dir)?;
        let (defaults, problems) = Defaults::parse(&scan.defaults);
        for problem in &problems {
            self.report.add(settings::finding(problem, &self.target.shown(&problem.file)));
        }
        let modules = self.modules();
        self.extend(modules.check(&self.target.profiles_dir).await);
        let only = self.target.only.clone();
        let is_meant = |name: &str| only.as_ref().is_none_or(|(only, _)| only == name);
        for name in scan.bad_names.iter().filter(|_| only.is_none()) {
            self.report.add(Finding::warning(self.target.shown(name), None, bad_name()));
        }
        for (name, files) in scan.profiles.iter().filter(|(name, _)| is_meant(name.as_str())) {
            self.profile(name, files, &defaults, &modules).await;
            self.taken_names(name, files, &defaults, &scan.profiles);
        }
        if self.report.profiles.is_empty() {
            self.report.add(match only {
                Some((_, shown)) => Finding::error(shown, None, bad_name()),
                None => Finding::warning(self.target.shown(""), None, "holds no profiles"),
            });
        }
        Ok(self.report)
    }

    /// Where hooks find modules besides the profile: as the supervisor has it.
    fn modules(&mut self) -> Modules {
        let mut modules = Modules::default();
        let own = self.target.profiles_dir.join(".hooks");
        let shown = self.target.shown(".hooks");
        let mut unread = modules.add(&own, &shown);
        if let Some(dir) = self.hooks_dir {
            // Without a working directory there is nothing that is relative.
            unread.extend(modules.add(&absolute(dir).unwrap_or_else(|_| dir.to_owned()), dir));
        }
        self.extend(unread);
        modules
    }

    async fn profile(&mut self, name: &ProfileName, files: &Files, defaults: &Defaults, modules: &Modules) {
        self.report.profiles.push(name.to_string());
        let dir = self.target.profiles_dir.join(name.as_str());
        let shown = self.target.shown_profile(name);
        let parsed = parse(files, defaults).of_directory(name);
        let problems = parsed.profile.as_ref().err().into_iter().flatten().chain(&parsed.warnings);
        for problem in problems {
            let is_default = problem.file.starts_with(".defaults/");
            let path = if is_default { self.target.shown(&problem.file) } else { shown.join(&problem.file) };
            self.report.add(settings::finding(problem, &path));
        }
        let sources = Sources::read(dir.clone(), &self.target.profiles_dir.join(".defaults"), &Hook::ALL);
        if let Ok(profile) = &parsed.profile {
            for (file, why) in settings::idle(files, defaults, profile) {
                self.report.add(Finding::warning(shown.join(file), None, why));
            }
            self.extend(here::look(profile, &dir, &shown));
        }
        if !sources.is_empty() {
            // Hooks are told what an instance is told.
            let first = name.instance(1).filter(|_| parsed.instances != Instances::None);
            let profile = parsed.profile.ok();
            let profile = profile.map(|one| if first.is_some() { Arc::new(one.as_instance(1)) } else { one });
            let env = profile.map(|profile| profile.shape.env.to_vec()).unwrap_or_default();
            let sources = Sources { env, ..sources };
            self.extend(modules.check_profile(first.as_ref().unwrap_or(name), &sources, &shown).await);
        }
    }

    /// Instances that do not run, as a directory has their name.
    fn taken_names(
        &mut self,
        name: &ProfileName,
        files: &Files,
        defaults: &Defaults,
        all: &BTreeMap<ProfileName, Files>,
    ) {
        let Instances::Numbered(count) = parse(files, defaults).instances else { return };
        let is_taken = |other: &&ProfileName| {
            other.instance_of().is_some_and(|(of, number)| of == *name && number <= count)
        };
        for taken in all.keys().filter(is_taken) {
            let message =
                format!("counts {taken}, but there is a directory of this name, and that is what runs");
            let path = self.target.shown_profile(name).join("instances");
            self.report.add(Finding::warning(path, None, message));
        }
    }

    fn extend(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            self.report.add(finding);
        }
    }
}
