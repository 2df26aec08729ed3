//! `proclaunch test`: tests of policies, before they run.
//!
//! ```text
//! web_test.lua ── world.*, expect.* ──► Stage ── inputs ──► Fleet (the real machine)
//!  (an interpreter of its own)            ▲  │                │ effects
//!                                         │  └── perform ◄────┘
//!                     what hooks tell ────┘     │ questions
//!                                               ▼
//!                        Worker (the real hooks) ──► Staged: requests, files, processes as the script says
//! ```
//!
//! The machine and the hooks are those of production; only the clock, the processes and what can be reached are made
//! up. The clock is that of a paused runtime: it jumps to the next thing that is due.
//!
//! **Invariant:** a test touches nothing outside: it executes nothing, connects to nobody, and reads no file beyond the
//! profile's directory and the modules of its hooks.
//! **Invariant:** the same files give the same time line, whenever and wherever they run.

mod facts;
mod files;
mod find;
mod interpreter;
mod outside;
mod page;
mod perform;
mod processes;
mod reply;
pub mod report;
mod run;
mod script;
mod stage;
mod timeline;
mod verbs;
mod watch;
mod words;
mod world;

#[cfg(test)]
mod tests;

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

pub use find::FindError;
pub use page::{luals, luau, page};
pub use run::{Failure, Tested};

/// The stack of the thread: the interpreter nests 200 C calls deep, and a debug build needs 2 MiB for these.
const STACK: usize = 8 * 1024 * 1024;

/// What to test, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Profiles, directories of profiles, or files of tests.
    pub paths: Vec<PathBuf>,
    /// Where hooks find further modules.
    pub hooks_dir: Option<PathBuf>,
    /// Only the tests whose `PROFILE: NAME` has this in it.
    pub filter: String,
    /// Whether to keep the time line of every test.
    pub verbose: bool,
    /// How much CPU each test may use: one that computes for ever is cut then.
    pub timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            hooks_dir: None,
            filter: String::new(),
            verbose: false,
            timeout: watch::CPU,
        }
    }
}

/// Runs the tests, tells `each` as soon as it is done, and gives all.
///
/// # Errors
/// A path cannot be tested; then no test has run.
pub fn run(options: &Options, mut each: impl FnMut(&Tested) + Send) -> Result<Vec<Tested>, FindError> {
    let mut files = Vec::new();
    for path in &options.paths {
        files.extend(find::find(path, options)?);
    }
    let mut work = || {
        let mut all = Vec::new();
        for file in &files {
            for tested in file.run(&options.filter) {
                each(&tested);
                all.push(tested);
            }
        }
        all
    };
    let done = thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, &mut work);
        thread.map(ScopedJoinHandle::join)
    });
    match done {
        Ok(Ok(all)) => Ok(all),
        Ok(Err(panic)) => resume_unwind(panic),
        // No thread can be made: this one may do as well.
        Err(_) => Ok(work()),
    }
}
