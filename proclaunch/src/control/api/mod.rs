//! What travels over the control socket as JSON: one type for each thing, read and written by both sides.
//!
//! Field names are those of the hooks' service argument. Times are RFC 3339 in UTC with milliseconds, durations and
//! ages are seconds with a fraction, sizes are bytes.
//!
//! **Invariant:** a field is only ever added. What a reader does not know it skips.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /v1/profiles`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Profiles {
    /// By name.
    pub profiles: Vec<Profile>,
    /// What ProcLaunch as a whole does: `supervising` or `draining`.
    pub mode: String,
}

/// One profile: `GET /v1/profiles/NAME`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// `stopped`, `starting`, `running` or `stopping`.
    pub state: String,
    /// The private part of the state, one word.
    pub phase: String,
    /// `up`, `down` or `gone`.
    pub want: String,
    /// How it stands against that: `serving`, `done`, `down`, `stopped`, `dead`, `starting`, `backoff`, `unhealthy`,
    /// `gave_up` or `held`.
    pub standing: String,
    /// `unknown`, `healthy` or `unhealthy`.
    pub health: String,
    /// Whether it has health checks.
    pub has_checks: bool,
    /// The main process, while it lives.
    pub pid: Option<i32>,
    /// For how long it has run.
    pub uptime: Option<f64>,
    /// For how long it has been ready.
    pub ready_for: Option<f64>,
    /// When the process began.
    pub started_at: Option<String>,
    /// For how long it has been in its state.
    pub state_for: Option<f64>,
    /// Starts after the first.
    pub restarts: u64,
    /// Unplanned deaths since the last good run.
    pub failures: u32,
    /// CPU time of all its processes that live, and of those that these have waited for.
    pub cpu_seconds: Option<f64>,
    /// CPU of all its processes over the last seconds, in percent of one processor.
    pub cpu_percent: Option<f64>,
    /// Resident memory of all its processes.
    pub memory_bytes: Option<u64>,
    /// How many processes it has.
    pub processes: Option<u32>,
    /// How the last process ended.
    pub exit: Option<Exit>,
    /// `died`, `unhealthy`, `changed`, `order` or empty.
    pub cause: String,
    /// The same in words.
    pub reason: String,
    /// Why it is as it is, for people.
    pub why: String,
    /// What comes by itself.
    pub next: Option<Next>,
    /// Whether the files differ from what runs.
    pub changed: bool,
    /// Why the newest files are not in force, if they are not.
    pub trouble: Option<String>,
    /// Hooks that are not called, and why.
    pub hooks_off: Vec<HookOff>,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exit {
    /// When it was known.
    pub at: String,
    /// Its pid.
    pub pid: i32,
    /// The exit code, if it exited.
    pub code: Option<i32>,
    /// The signal, without SIG, if one ended it.
    pub signal: Option<String>,
    /// It dumped core.
    pub core: bool,
    /// The kernel ended it for want of memory.
    pub oom: bool,
    /// It was told to end.
    pub requested: bool,
    /// How long it had run.
    pub uptime: f64,
}

/// What comes by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Next {
    /// In words.
    pub what: String,
    /// In how many seconds.
    pub after: f64,
}

/// A hook that is not called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HookOff {
    /// Which.
    pub hook: String,
    /// Why.
    pub reason: String,
}

/// The answer to an order: `POST /v1/profiles/NAME/{start,stop,restart,reload,signal}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ordered {
    /// `done`, or `taken` if it was not waited for.
    pub result: String,
    /// The profile afterwards; null if it is gone.
    pub profile: Option<Profile>,
}

/// The answer to `POST /v1/profiles/NAME/scale`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scaled {
    /// `done`, or `taken` if it was not waited for.
    pub result: String,
    /// The directory.
    pub name: String,
    /// How many are to run of it.
    pub count: u32,
    /// Its instances afterwards, by number.
    pub profiles: Vec<Profile>,
}

/// What every answer that is no success holds.
#[expect(clippy::struct_field_names, reason = "`error` is what a reader of the JSON looks for")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Error {
    /// What is wrong, one sentence.
    pub error: String,
    /// What would be right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Of an order that was refused or failed: `refused`, `failed`, `overtaken` or `timeout`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The profile as it is, if the error is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Box<Profile>>,
}

/// `GET /v1/profiles/NAME/history`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// Changes of the state, oldest first.
    pub transitions: Vec<Transition>,
    /// Ends of the main process, oldest first.
    pub exits: Vec<Exit>,
}

/// One change of the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Transition {
    /// When.
    pub at: String,
    /// From which state.
    pub from: String,
    /// To which state.
    pub to: String,
    /// By which event, one word.
    pub event: String,
    /// Why, in words.
    pub reason: String,
}

/// `GET /v1/profiles/NAME/explain`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// As it is.
    pub profile: Profile,
    /// The last decisions, oldest first.
    pub decisions: Vec<Decision>,
    /// What each possible next event would do.
    pub outlook: Vec<Outlook>,
}

/// One decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// When.
    pub at: String,
    /// What was decided.
    pub what: String,
    /// Who decided: `order`, `default`, the name of a setting file, or that of a hook file with `.lua`.
    pub by: String,
    /// On what.
    pub inputs: String,
    /// Why.
    pub reason: String,
}

/// What one possible next event would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outlook {
    /// The event.
    pub event: String,
    /// What would follow.
    pub then: String,
    /// In how many seconds it comes by itself, if it does.
    pub after: Option<f64>,
}

/// One event: a `data:` line of `GET /v1/events`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// Its id, by which a reader goes on (`Last-Event-ID`).
    pub id: String,
    /// When.
    pub time: String,
    /// Whose; null: ProcLaunch itself.
    pub profile: Option<String>,
    /// `transition`, `health`, `gave_up`, `hook_failed`, `profile_new`, `profile_gone`, `supervisor`, or `missed`: some
    /// events are not there any more.
    pub kind: String,
    /// `info`, `warn` or `error`.
    pub level: String,
    /// From which state or health.
    pub from: Option<String>,
    /// To which.
    pub to: Option<String>,
    /// Why, in words.
    pub reason: String,
    /// The main process, while it lives.
    pub pid: Option<i32>,
    /// How it ended, if it did.
    pub exit: Option<Exit>,
}

/// `POST /v1/profiles/NAME/hooks/HOOK`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HookRun {
    /// Which hook.
    pub hook: String,
    /// `answer`, `nothing`, `failed` or `timeout`.
    pub outcome: String,
    /// The answer in words.
    pub answer: String,
    /// The reason it gave, or why it failed.
    pub reason: Option<String>,
    /// How long it took.
    pub seconds: f64,
    /// What it logged.
    pub log: Vec<String>,
    /// What it asked the core for (`restart: reason`).
    pub requests: Vec<String>,
    /// Whether its requests and variables were applied.
    pub applied: bool,
}

/// `GET /v1/self`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The program's version.
    pub version: String,
    /// `supervising` or `draining`.
    pub mode: String,
    /// Where the profiles are.
    pub profiles_dir: String,
    /// Where its own files are.
    pub state_dir: String,
    /// How many profiles there are.
    pub profiles: u32,
    /// How many upgrades were refused under this supervisor.
    pub upgrades_refused: u32,
    /// Why the last one was.
    pub upgrade_refusal: Option<String>,
    /// Keeper, supervisor and logger.
    pub processes: Vec<OwnProcess>,
}

/// One of ProcLaunch's own processes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OwnProcess {
    /// `keeper`, `supervisor` or `logger`.
    pub role: String,
    /// Its pid.
    pub pid: i32,
    /// For how long it has run.
    pub uptime: f64,
    /// Proportional set size, or resident memory where the kernel does not tell.
    pub memory_bytes: u64,
    /// CPU time.
    pub cpu_seconds: f64,
    /// Open descriptors.
    pub descriptors: u32,
    /// How often it was woken: voluntary context switches of all its threads.
    pub wakeups: u64,
}

/// The answer to what concerns ProcLaunch as a whole: `POST /v1/{rescan,shutdown,upgrade}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {
    /// What was done, in words.
    pub result: String,
}
