//! The functions that hooks can call, a file for each group.
//!
//! To add a group: a file here with a `pub const GROUP: Group`, and its name in [`GROUPS`]. To add a method of the
//! service argument: a [`Method`] in [`METHODS`]. A test compares what is made with what the items say.
//!
//! **Invariant:** everything that waits asks [`Context::may_wait`] first, is an async function, and lets go of
//! whatever it holds when it is dropped: a cancelled call leaves no descriptor, socket or child behind.
//! **Invariant:** no single call computes for more than a few milliseconds: nothing can interrupt it.

pub mod arguments;
mod check;
mod check_process;
mod clock;
mod constants;
pub(super) mod env;
mod exec;
mod exits;
pub(crate) mod file;
mod fleet;
pub(crate) mod http;
mod json;
mod log;
mod metrics;
pub(crate) mod net;
mod policy;
pub(super) mod process;
mod sleep;
mod supervisor;

use std::rc::Rc;

use mlua::{Lua, Value};

use super::context::Context;
use super::reference::Item;

pub use constants::{CONSTANTS, Constant};

/// A global of the hooks: a table of functions, or one function. Made when a script first names it.
#[derive(Debug)]
pub struct Group {
    /// The name of the global.
    pub name: &'static str,
    /// What is in it: `NAME.FUNCTION` for a table, `NAME` for a function.
    pub items: &'static [Item],
    /// Makes it for one VM.
    pub make: fn(&Lua, &Rc<Context>) -> mlua::Result<Value>,
}

impl Group {
    /// Whether it is a table of functions, and no function or plain data itself.
    pub(crate) fn has_members(&self) -> bool {
        self.items.iter().all(|item| item.name != self.name)
    }
}

/// A method of the service argument: `service:NAME(...)`. Made when a script first names it.
#[derive(Debug)]
pub struct Method {
    /// What it is: `service:NAME`.
    pub item: Item,
    /// Makes it for one VM; its first argument will be the service.
    pub make: fn(&Lua, &Rc<Context>) -> mlua::Result<Value>,
}

impl Method {
    /// The name alone.
    pub fn name(&self) -> &'static str {
        self.item.name.rsplit(':').next().unwrap_or(self.item.name)
    }
}

/// All groups.
pub static GROUPS: &[&Group] = &[
    &check_process::GROUP,
    &check::GROUP,
    &clock::GROUP,
    &env::GROUP,
    &exec::GROUP,
    &file::GROUP,
    &fleet::GROUP,
    &http::GROUP,
    &json::GROUP,
    &log::GROUP,
    &metrics::GROUP,
    &net::GROUP,
    &policy::GROUP,
    &sleep::GROUP,
    &supervisor::GROUP,
];

/// All methods of the service argument.
pub static METHODS: &[&Method] = &[
    &process::CHILDREN,
    &process::CMDLINE,
    &process::CPU,
    &exits::METHOD,
    &process::FDS,
    &process::RESTART,
    &process::RSS,
    &process::SIGNAL,
    &process::STOP,
    &process::THREADS,
];
