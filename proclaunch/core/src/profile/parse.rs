//! A profile's files, and the defaults behind them, to a profile or to what is wrong with them.
//!
//! **Invariant:** total. Any bytes give a profile or at least one problem that names its file; nothing is skipped in
//! silence but files whose names mean nothing at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::defaults::Defaults;
use super::environment::{Bad, variables};
use super::hook_timeout::hook_timeout;
use super::known::{SETTINGS, is_later, is_module, is_told};
use super::limits::limits;
use super::log::log;
use super::near_miss::{is_extended, near_miss};
use super::problem::Excerpt;
use super::signals::{signal, stop};
use super::{
    Fault, File, Files, Fingerprint, HookFiles, Instances, Policy, Problem, Profile, Restart, Run, Shape,
    StopStep, numbers, values,
};
use crate::hook::Hook;
use crate::signal::Signal;

/// What a profile's files say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The profile, or all that is wrong: never an empty list.
    pub profile: Result<Arc<Profile>, Vec<Problem>>,
    /// What does no harm, but is not what its writer thinks.
    pub warnings: Vec<Problem>,
    /// How many profiles the directory stands for.
    pub instances: Instances,
}

/// Reads a profile. A file of its own wins over the same file of the defaults.
pub fn parse(files: &Files, defaults: &Defaults) -> Parsed {
    let own = Layer { prefix: "", files: &files.entries };
    let mut reader = Reader::new([Some(own), Some(defaults.layer())]);
    reader.modules = defaults.modules();
    let run = run(&files.run).map_err(|fault| reader.problem("run".to_owned(), None, fault)).ok();
    let (shape, policy) = reader.read_settings();
    let instances = reader.instances(&shape);
    let profile = match run {
        Some(run) if reader.problems.is_empty() => {
            Ok(Arc::new(Profile { shape: Shape { run, ..shape }, policy }))
        }
        _ => Err(reader.problems),
    };
    Parsed { profile, warnings: name_warnings("", &files.entries), instances }
}

fn run(run: &Run) -> Result<Fingerprint, Fault> {
    match run {
        Run::Executable(fingerprint) => Ok(*fingerprint),
        Run::Missing => Err(Fault::Missing),
        Run::NotExecutable => Err(Fault::NotExecutable),
        Run::Unreadable(reason) => Err(Fault::Unreadable(reason.clone())),
    }
}

/// Warns of files that look as if they meant something.
pub(super) fn name_warnings(prefix: &str, files: &BTreeMap<String, File>) -> Vec<Problem> {
    let fault = |(name, file): (&String, &File)| {
        if is_later(name) {
            return Some(Fault::NotSupported);
        }
        // A directory is not a mistyped file: programs keep their data beside `run`.
        if let File::Directory(_) = file {
            return None;
        }
        let meant = near_miss(name)?;
        let beside = is_extended(name, &meant) && files.contains_key(&meant);
        (!beside).then_some(Fault::NearMiss(meant))
    };
    let problem = |(name, file)| {
        Some(Problem { file: format!("{prefix}{name}"), line: None, fault: fault((name, file))? })
    };
    files.iter().filter_map(problem).collect()
}

/// One directory of settings.
#[derive(Clone, Copy)]
pub(super) struct Layer<'a> {
    /// What stands before its file names in problems.
    pub(super) prefix: &'static str,
    /// Its files.
    pub(super) files: &'a BTreeMap<String, File>,
}

impl<'a> Layer<'a> {
    /// The file, and its name as problems give it.
    fn find(&self, name: &str) -> Option<(String, &'a File)> {
        Some((format!("{}{name}", self.prefix), self.files.get(name)?))
    }
}

/// Reads settings from layers, the first of which wins, and collects what is wrong.
pub(super) struct Reader<'a> {
    layers: [Option<Layer<'a>>; 2],
    /// Stands for the modules that are beside no profile.
    modules: Fingerprint,
    pub(super) problems: Vec<Problem>,
}

const SECONDS: &str = "a number of seconds such as 10 or 0.5";
const POSITIVE_SECONDS: &str = "a number of seconds above 0 such as 60";
const RESTART: &str = "`always`, `on-failure` or `never`, or leave it empty for `always`";
const BACKOFF: &str = "the first and the longest delay in seconds such as `0.2 60`";
const GIVE_UP: &str = "a number of deaths and of seconds such as `5 60`";
const STOP: &str = "a name such as TERM, a number from 1 to 64, or a sequence such as `QUIT 30 TERM 5 KILL`";
const SIGNAL: &str = "a name such as HUP or a number from 1 to 64, or leave it empty for HUP";
const KILL: &str = "`mixed`, `group`, `tree` or `process`";
const USER: &str = "USER or USER:GROUP, by name or number";
const PATH: &str = "a path; a relative one starts at the profile";
const UMASK: &str = "an octal number from 0 to 777 such as 022";
const LOG: &str = "a size, a number of files and perhaps `timestamps`, such as `10M 5`";
const INSTANCES: &str = "how many run, a whole number from 0 to 1000";
const NICE: &str = "a number from -20 to 19";

impl<'a> Reader<'a> {
    pub(super) fn new(layers: [Option<Layer<'a>>; 2]) -> Self {
        Self { layers, modules: Fingerprint::default(), problems: Vec::new() }
    }

    /// All settings but `run`; what is bad is left at its default and told in [`Self::problems`].
    pub(super) fn read_settings(&mut self) -> (Shape, Policy) {
        (self.shape(), self.policy())
    }

    fn shape(&mut self) -> Shape {
        Shape {
            run: Fingerprint(0),
            pid_file: self.value("pid_file", PATH, values::path),
            oneshot: self.find("oneshot").is_some(),
            user: self.value("user", USER, values::user),
            env: self.read("env", variables).unwrap_or_default(),
            directory: self.value("directory", PATH, values::path),
            umask: self.value("umask", UMASK, values::umask).unwrap_or(0o022),
            nice: self.value("nice", NICE, values::nice),
            limits: self.read("limits", limits).unwrap_or_default(),
            instance: None,
        }
    }

    fn instances(&mut self, shape: &Shape) -> Instances {
        if self.find("instances").is_none() {
            return Instances::None;
        }
        let Some(count) = self.value("instances", INSTANCES, values::instances) else {
            return Instances::Unknown;
        };
        if count > 1 && shape.pid_file.is_some() {
            let fault = Fault::Value {
                excerpt: Excerpt::of(count.to_string().as_bytes()),
                wrong: "all of them would write the same `pid_file`",
                want: "0 or 1, or take `pid_file` away and stay in the foreground",
            };
            self.problem("instances".to_owned(), None, fault);
        }
        Instances::Numbered(count)
    }

    fn policy(&mut self) -> Policy {
        let default = Policy::default();
        Policy {
            restart: self
                .value_or_empty("restart", RESTART, Restart::Always, values::restart)
                .unwrap_or(default.restart),
            backoff: self.value("backoff", BACKOFF, values::backoff).unwrap_or(default.backoff),
            give_up: self.value("give_up", GIVE_UP, values::give_up),
            stop: self.stop(),
            start_timeout: self
                .value("start_timeout", POSITIVE_SECONDS, numbers::positive_seconds)
                .unwrap_or(default.start_timeout),
            kill: self.value("kill", KILL, values::kill).unwrap_or(default.kill),
            reload: self.value_or_empty("reload", SIGNAL, Signal::HUP, signal),
            down: self.find("down").is_some(),
            hook_timeouts: self.read("hook_timeout", hook_timeout).unwrap_or_default(),
            log: self.value("log", LOG, log).unwrap_or(default.log),
            log_run: self.read("log_run", |file| Ok(values::program(file)?)).is_some(),
            hooks: self.hooks(),
        }
    }

    /// The hook files that there are. What is in them is for the hook engine to judge.
    ///
    /// `.defaults/on_event.lua` is no default: it is told of every profile's events, after the profile's own.
    fn hooks(&mut self) -> HookFiles {
        let mut present = Vec::new();
        let mut digest = Fingerprint::default();
        for hook in Hook::ALL {
            let name = format!("{hook}.lua");
            let places: Vec<(String, &File)> =
                self.layers.iter().flatten().filter_map(|layer| layer.find(&name)).collect();
            let in_force = if hook == Hook::OnEvent { places.len() } else { places.len().min(1) };
            for (path, file) in places.into_iter().take(in_force) {
                let read = values::bytes(file).map(Fingerprint::of).map_err(Bad::from);
                let Some(content) = self.judge(&path, read) else { continue };
                if present.last() != Some(&hook) {
                    present.push(hook);
                }
                digest = Fingerprint::of(&[digest.0.to_le_bytes(), content.0.to_le_bytes()].concat());
            }
        }
        if present.is_empty() {
            return HookFiles::default();
        }
        digest = Fingerprint::of(&[digest.0.to_le_bytes(), self.modules.0.to_le_bytes()].concat());
        let modules = self.layers.iter().flatten().flat_map(|layer| layer.files.iter());
        for (name, file) in modules.filter(|(name, _)| is_module(name)) {
            if let File::Bytes(content) = file {
                let content = Fingerprint::of(content).0.to_le_bytes();
                digest =
                    Fingerprint::of(&[&digest.0.to_le_bytes()[..], &content[..], name.as_bytes()].concat());
            }
        }
        // Scripts are told the settings and the environment with their files: other values, other hooks.
        for name in SETTINGS.iter().filter(|name| is_told(name)) {
            if let Some((_, file)) = self.find(name) {
                digest = mixed(digest, name, file);
            }
        }
        HookFiles { present: present.into(), digest }
    }

    fn stop(&mut self) -> Box<[StopStep]> {
        let mut default = Policy::default().stop;
        if let Some(timeout) = self.value("stop_timeout", SECONDS, numbers::seconds) {
            default[0].wait = timeout;
        }
        let timeout = default[0].wait;
        self.value("stop_signal", STOP, |text| stop(text, timeout)).unwrap_or(default)
    }

    /// The setting's file, and its name as problems give it.
    fn find(&self, name: &str) -> Option<(String, &'a File)> {
        self.layers.iter().flatten().find_map(|layer| layer.find(name))
    }

    fn read<T>(&mut self, name: &str, read: impl FnOnce(&File) -> Result<T, Bad>) -> Option<T> {
        let (path, file) = self.find(name)?;
        self.judge(&path, read(file))
    }

    /// What a file says; what is wrong with it is noted.
    fn judge<T>(&mut self, path: &str, read: Result<T, Bad>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(Bad { below, line, fault }) => {
                let path = below.map_or_else(|| path.to_owned(), |below| format!("{path}/{below}"));
                self.problem(path, line, fault);
                None
            }
        }
    }

    fn value<T>(
        &mut self,
        name: &str,
        want: &'static str,
        parse: impl FnOnce(&str) -> Result<T, values::Wrong>,
    ) -> Option<T> {
        self.read(name, |file| Ok(values::one(file, want, parse)?))
    }

    /// A setting whose blank file says something too.
    fn value_or_empty<T>(
        &mut self,
        name: &str,
        want: &'static str,
        empty: T,
        parse: impl FnOnce(&str) -> Result<T, values::Wrong>,
    ) -> Option<T> {
        self.read(name, |file| {
            if values::text(file, want)?.is_empty() { Ok(empty) } else { Ok(values::one(file, want, parse)?) }
        })
    }

    fn problem(&mut self, file: String, line: Option<usize>, fault: Fault) {
        self.problems.push(Problem { file, line, fault });
    }
}

/// The digest of what was there, and of a file and those below it.
fn mixed(before: Fingerprint, name: &str, file: &File) -> Fingerprint {
    let content = match file {
        File::Bytes(content) => Fingerprint::of(content),
        File::Directory(files) => {
            files.iter().fold(Fingerprint::default(), |before, (name, file)| mixed(before, name, file))
        }
        File::TooLarge(_) | File::NotExecutable | File::Unreadable(_) | File::Other => Fingerprint::default(),
    };
    Fingerprint::of(&[&before.0.to_le_bytes()[..], &content.0.to_le_bytes(), name.as_bytes()].concat())
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
