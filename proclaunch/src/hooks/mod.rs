//! Lua hooks: scripts that are asked, and can neither block, kill nor outlive the supervisor.
//!
//! ```text
//! reactor ── Engine ── channel ──► thread "hooks": Worker ── Seat per profile ── Host: Vm + functions
//!    ▲                                                                             │
//!    └──────── Outbox (eventfd) ◄──────────────── Told ◄───────────────────────────┘
//! ```
//!
//! A [`Host`] is the hooks of one profile in an interpreter of their own, and needs no thread: `proclaunch check`
//! drives it itself, and `proclaunch test` the worker. The [`Engine`] is the thread that drives them all, one call at a
//! time for each profile and kind. The functions that scripts can call are in [`api`], a file for each group; what they
//! reach, they reach through `outside`, where a test can stand in.
//!
//! **Invariant:** the reactor never waits for a script, and no script runs on it.
//! **Invariant:** what a script answers is advice: every question has an outcome, and the core acts without one.

mod answer;
pub mod api;
mod budget;
mod context;
mod declared;
mod engine;
mod exec;
pub(crate) mod fault;
mod fleet;
pub mod fuzz;
mod host;
mod library;
mod metrics;
pub(crate) mod outside;
pub(crate) mod plain;
pub mod reference;
mod require;
mod seat;
mod service;
pub(crate) mod source;
pub(crate) mod time;
mod told;
mod vars;
pub(crate) mod vm;
pub(crate) mod worker;

#[cfg(test)]
mod tests;

pub use context::{Call, Context, Profile, Tell};
pub use engine::{Config, Engine, EngineError};
pub use exec::{Ended, Exec, ExecId};
pub use fleet::{Fleet, Member, Snapshot};
pub use host::Host;
pub use metrics::{MetricKind, SERIES_MAX, Sample, Series};
pub use seat::Trial;
pub use source::{Source, Sources, shown};
pub use time::Clock;
pub use told::{Outbox, Told};
pub use vars::{Kept, Vars};
pub use vm::unknown_name;
