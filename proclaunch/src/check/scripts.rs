//! The Lua files: hooks are loaded in the sandbox as the supervisor loads them, modules and tests are compiled.
//!
//! **Invariant:** each file has an interpreter of its own, so that what is found is found in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use proclaunch_core::hook::Hook;
use proclaunch_core::ids::ProfileName;

use super::finding::{Finding, Severity};
use super::names;
use crate::hooks::{Clock, Context, Host, Profile, Source, Sources, Vars, shown, unknown_name};

/// How deep modules are looked for below a directory.
const DEPTH_MAX: usize = 4;

/// A file, and how findings show it.
#[derive(Clone, Debug)]
pub(super) struct Script {
    source: Source,
    shown: PathBuf,
}

/// The Lua files that are no hooks: where they stand decides how bad it is if they cannot be loaded.
#[derive(Clone, Debug, Default)]
pub(super) struct Modules {
    /// Where `require` looks, after the profile.
    directories: Vec<PathBuf>,
    scripts: Vec<Script>,
}

impl Modules {
    /// Adds what is below a directory that hooks require modules from; gives what cannot be read.
    pub(super) fn add(&mut self, dir: &Path, shown: &Path) -> Vec<Finding> {
        self.directories.push(dir.to_owned());
        let mut unread = Vec::new();
        self.scripts.extend(lua_files(dir, shown, DEPTH_MAX, &mut unread));
        unread
    }

    /// What is wrong with them.
    pub(super) async fn check(&self, profiles_dir: &Path) -> Vec<Finding> {
        let mut findings = Vec::new();
        for script in &self.scripts {
            findings.extend(self.compile(profiles_dir, script, Severity::Error).await);
        }
        findings
    }

    /// What is wrong with the hooks of a profile, and with the modules and tests beside them.
    pub(super) async fn check_profile(
        &self,
        name: &ProfileName,
        sources: &Sources,
        shown_dir: &Path,
    ) -> Vec<Finding> {
        let mut findings = Vec::new();
        let defaults = of_defaults(sources, shown_dir);
        let own = lua_files(&sources.profile_dir, shown_dir, 1, &mut findings);
        let is_hook = |script: &Script| {
            let stem = script.source.path.file_stem().and_then(|stem| stem.to_str());
            stem.and_then(Hook::parse).is_some()
        };
        let known: Vec<&Script> = own.iter().chain(&defaults).chain(&self.scripts).collect();
        for (hook, source) in sources.all() {
            let Some(script) = known.iter().find(|script| script.source.path == source.path) else {
                continue;
            };
            findings.extend(self.load(name, hook, sources, script, &known).await);
        }
        for script in own.iter().filter(|script| !is_hook(script)) {
            // It may be a part of the service, and in another dialect: nobody has to require it.
            findings.extend(self.compile(&sources.profile_dir, script, Severity::Warning).await);
        }
        findings
    }

    /// Loads one hook file, alone.
    async fn load(
        &self,
        name: &ProfileName,
        hook: Hook,
        sources: &Sources,
        script: &Script,
        known: &[&Script],
    ) -> Vec<Finding> {
        let alone = Sources {
            files: BTreeMap::from([(hook, script.source.clone())]),
            defaults_event: None,
            ..sources.clone()
        };
        let host = match Host::load(self.context(Some(name), &alone), &alone).await {
            Ok(host) => host,
            Err(why) => return vec![Finding::error(&script.shown, None, why)],
        };
        let broken = host.hooks().broken.iter().map(|(_, why)| placed(why, script, known));
        let mut findings: Vec<Finding> = broken.collect();
        for unknown in host.unknown_names() {
            match names::line_of(&script.source.text, &unknown) {
                Some(line) => {
                    findings.push(Finding::error(&script.shown, Some(line), unknown_name(&unknown)));
                }
                // It stands in a module, which is looked at by itself if it is known.
                None if known.iter().any(|one| names::line_of(&one.source.text, &unknown).is_some()) => {}
                None => findings.push(Finding::error(&script.shown, None, unknown_name(&unknown))),
            }
        }
        findings
    }

    /// Compiles a module or a test.
    async fn compile(&self, dir: &Path, script: &Script, severity: Severity) -> Vec<Finding> {
        let nothing = Sources { profile_dir: dir.to_owned(), ..Sources::default() };
        let host = match Host::load(self.context(None, &nothing), &nothing).await {
            Ok(host) => host,
            Err(why) => return vec![Finding::error(&script.shown, None, why)],
        };
        if let Err(why) = host.compile(&script.source) {
            return vec![Finding { severity, ..placed(&why, script, &[]) }];
        }
        if is_test(&script.shown) {
            // Tests have names of their own.
            return Vec::new();
        }
        let finding = |unknown: String| Finding {
            severity,
            ..Finding::error(
                &script.shown,
                names::line_of(&script.source.text, &unknown),
                unknown_name(&unknown),
            )
        };
        host.unknown_names().into_iter().map(finding).collect()
    }

    fn context(&self, name: Option<&ProfileName>, sources: &Sources) -> Rc<Context> {
        let nobody = || ProfileName::parse("module").expect("it is a name");
        let profile = Profile {
            name: name.cloned().unwrap_or_else(nobody),
            dir: sources.profile_dir.clone(),
            env: sources.env.clone(),
            settings: sources.settings.clone(),
        };
        let modules = std::iter::once(&sources.profile_dir).chain(&self.directories).cloned().collect();
        // Nobody listens: what a file says while it is loaded is for the log of a supervisor.
        Context::new(profile, modules, Clock::Real, Rc::new(drop), Vars::default())
    }
}

/// The hooks that stand in `.defaults/`.
fn of_defaults(sources: &Sources, shown_dir: &Path) -> Vec<Script> {
    let foreign = sources.all().filter(|(_, source)| !source.path.starts_with(&sources.profile_dir));
    let script = |(_, source): (Hook, &Source)| {
        let file = source.path.file_name().unwrap_or_default();
        let beside = shown_dir.parent().unwrap_or(Path::new("..")).join(".defaults").join(file);
        Script { source: source.clone(), shown: beside }
    };
    foreign.map(script).collect()
}

/// An error of the engine, `web/health.lua:3: what is wrong`, as a finding at that place.
fn placed(why: &str, script: &Script, known: &[&Script]) -> Finding {
    let all = [script].into_iter().chain(known.iter().copied());
    for one in all {
        let Some(rest) = why.strip_prefix(&shown(&one.source.path)) else { continue };
        let (line, message) = match rest.strip_prefix(':').and_then(|rest| rest.split_once(": ")) {
            Some((number, message)) if number.parse::<usize>().is_ok() => (number.parse().ok(), message),
            Some(_) | None => (None, rest.trim_start_matches([':', ' '])),
        };
        return Finding::error(&one.shown, line, message);
    }
    Finding::error(&script.shown, None, why)
}

fn is_test(path: &Path) -> bool {
    path.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| stem.ends_with("_test"))
}

/// The Lua files of a directory that are not hidden, in order, and of those below it as deep as is said.
fn lua_files(dir: &Path, shown: &Path, depth: usize, unread: &mut Vec<Finding>) -> Vec<Script> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    let mut files = Vec::new();
    for path in entries {
        let name = path.file_name().unwrap_or_default();
        let shown = shown.join(name);
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        // A symbolic link to a directory may lead back here, and `require` follows none that leads out.
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_dir()) {
            if depth > 1 {
                files.extend(lua_files(&path, &shown, depth - 1, unread));
            }
        } else if path.extension().is_some_and(|extension| extension == "lua") {
            match Source::read(path) {
                Ok(source) => files.push(Script { source, shown }),
                Err(error) => unread.push(Finding::error(shown, None, format!("cannot be read: {error}"))),
            }
        }
    }
    files
}
