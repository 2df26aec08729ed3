//! What a profile says: a directory's files as values.
//!
//! `parse` is total: any bytes give a value or a named error. What shapes the process ([`Shape`]) is kept apart
//! from what shapes its policy ([`Policy`]): a change of the first restarts or reloads a running process, a change
//! of the second takes force at once without touching it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::hook::Hook;
use crate::signal::Signal;

mod defaults;
mod environment;
mod files;
mod fuzz;
mod hook_timeout;
mod instances;
mod known;
mod limits;
mod lines;
mod log;
mod near_miss;
mod numbers;
mod parse;
mod problem;
mod signals;
mod values;

pub use defaults::Defaults;
pub use files::{File, Files, Fingerprint, Run};
pub use fuzz::fuzz_one;
pub use instances::{INSTANCES_MAX, Instances};
pub use known::{SETTINGS, is_known, is_read, is_told};
pub use log::LogSettings;
pub use near_miss::{closest, near_miss, one_slip_away};
pub use parse::{Parsed, parse};
pub use problem::{Excerpt, Fault, Problem};

/// A profile whose files are all good.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Profile {
    /// What the process is made of.
    pub shape: Shape,
    /// What is done with it.
    pub policy: Policy,
}

/// The settings that a running process was started with and keeps.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// The content of `run`.
    pub run: Fingerprint,
    /// `pid_file`: where the daemon writes its pid; relative to the profile.
    pub pid_file: Option<Box<str>>,
    /// `oneshot`: done when it exits 0.
    pub oneshot: bool,
    /// `user`: whom to run as.
    pub user: Option<User>,
    /// `env`: variables to add, in the order of their names.
    pub env: Box<[Variable]>,
    /// `directory`: the working directory; relative to the profile.
    pub directory: Option<Box<str>>,
    /// `umask`: permission bits to take away.
    pub umask: u32,
    /// `nice`: absolute, -20 to 19.
    pub nice: Option<i8>,
    /// `limits`: resource limits.
    pub limits: Box<[Limit]>,
    /// Which of the `instances` of its directory it is, if there are such: never 0.
    pub instance: Option<u16>,
}

/// `USER[:GROUP]`, by name or number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct User {
    /// The user.
    pub user: Box<str>,
    /// The group, if it is not the user's own.
    pub group: Option<Box<str>>,
}

/// One environment variable.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Variable {
    /// Its name: not empty, without `=` and NUL.
    pub name: Box<str>,
    /// Its value: any bytes but NUL.
    pub value: Box<[u8]>,
}

/// One resource limit (`setrlimit(2)`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limit {
    /// What is limited.
    pub resource: Resource,
    /// The limit in force, in the resource's own unit; [`Limit::UNLIMITED`] for none.
    pub soft: u64,
    /// How far the process may raise it.
    pub hard: u64,
}

impl Limit {
    /// `RLIM_INFINITY`.
    pub const UNLIMITED: u64 = u64::MAX;
}

/// What a limit is on, by the names of `setrlimit(2)` and `limits.conf(5)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is RLIMIT_ and its own name")]
pub enum Resource {
    As,
    Core,
    Cpu,
    Data,
    Fsize,
    Locks,
    Memlock,
    Msgqueue,
    Nice,
    Nofile,
    Nproc,
    Rss,
    Rtprio,
    Rttime,
    Sigpending,
    Stack,
}

/// The settings that take force at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Policy {
    /// `restart`: what happens after an unasked end.
    pub restart: Restart,
    /// `backoff`: how long a restart waits.
    pub backoff: Backoff,
    /// `give_up`: when to stop retrying.
    pub give_up: Option<GiveUp>,
    /// `stop_signal` and `stop_timeout` as one list; never empty. The SIGKILL that follows its last step is not in
    /// it; only a `stop_signal` of KILL alone is a step, with nothing to wait for.
    pub stop: Box<[StopStep]>,
    /// `start_timeout`: how long it may take to become ready.
    pub start_timeout: Duration,
    /// `kill`: who gets the signals of a stop.
    pub kill: Kill,
    /// `reload`: on change send this signal instead of restarting.
    pub reload: Option<Signal>,
    /// `down`: do not start by itself.
    pub down: bool,
    /// `hook_timeout`: how long calls of hooks may take, where it is not the usual time; in the order of the hooks.
    pub hook_timeouts: Box<[(Hook, Duration)]>,
    /// `log`: how its output is kept.
    pub log: LogSettings,
    /// `log_run`: there is a program that gets the output instead of the logger's files.
    pub log_run: bool,
    /// The hook files that there are.
    pub hooks: HookFiles,
}

impl Policy {
    /// How long a call of this hook may take, waiting included; a health check has a time of its own.
    pub fn budget(&self, hook: Hook) -> Duration {
        let own = self.hook_timeouts.iter().find(|(named, _)| *named == hook);
        own.map_or(hook.budget(), |(_, budget)| *budget)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            restart: Restart::Never,
            backoff: Backoff::default(),
            give_up: None,
            stop: Box::new([StopStep { signal: Signal::TERM, wait: Duration::from_secs(10) }]),
            start_timeout: Duration::from_mins(1),
            kill: Kill::Mixed,
            reload: None,
            down: false,
            hook_timeouts: Box::default(),
            log: LogSettings::default(),
            log_run: false,
            hooks: HookFiles::default(),
        }
    }
}

/// The hook files of a profile, as far as the core must know them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct HookFiles {
    /// Which there are, in the order of a life.
    pub present: Box<[Hook]>,
    /// A digest of all their contents, of the modules that they can require, and of the settings that they are told.
    pub digest: Fingerprint,
}

/// When a process that ended unasked is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Restart {
    /// However it ended.
    Always,
    /// Unless it exited 0.
    OnFailure,
    /// Not by itself.
    Never,
}

/// The growing delay before a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Backoff {
    /// The first delay.
    pub base: Duration,
    /// The longest delay.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(200), cap: Duration::from_mins(1) }
    }
}

/// Give up at the `deaths`-th unplanned death within `within`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GiveUp {
    /// How many; at least 1.
    pub deaths: u32,
    /// In how long.
    pub within: Duration,
}

/// One step of a stop: send the signal, then wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct StopStep {
    /// What to send.
    pub signal: Signal,
    /// How long to wait for the end before the next step.
    pub wait: Duration,
}

/// Who gets the stop signal, and who the SIGKILL at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kill {
    /// The main process, then the tree.
    Mixed,
    /// The process group, then the tree.
    Group,
    /// The tree, both times: the session, the group and all descendants, also after setsid and double fork.
    Tree,
    /// The main process, both times; what it leaves is named in the log.
    Process,
}
