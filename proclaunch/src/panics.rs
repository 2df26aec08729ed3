//! A panic: a bug of ProcLaunch's own, which is to be found in its log.
//!
//! The process ends then, as nobody knows what its memory is worth. Services live on, and another process of ProcLaunch
//! takes its place.
//! A thread that only runs scripts, or only answers requests, ends alone: it shares nothing that could be half-done,
//! and is replaced.

use std::panic::{self, PanicHookInfo};
use std::{process, thread};

use proclaunch_core::log::{Control, Entry, Own, line};

use crate::logging::Log;
use crate::sys::clock;

/// The thread that only runs scripts.
pub const HOOKS: &str = "hooks";

/// The thread that answers requests.
pub const CONTROL: &str = "control";

/// The thread that keeps.
pub const KEEPER: &str = "keeper";

/// Has the last line of a process that panics be FATAL in this log, and no trace on standard error.
pub fn go_to(log: Log) {
    panic::set_hook(Box::new(move |info| {
        let here = thread::current();
        let entry = match here.name() {
            Some(HOOKS) => Own::HooksStuck { why: format!("a bug has ended it: {}", describe(info)) },
            Some(CONTROL) => {
                Control::Replaced { why: format!("a bug has ended it: {}", describe(info)) }.into()
            }
            _ => Own::Failed {
                what: format!(
                    "go on: {}; profiles live on, and another process takes its place",
                    describe(info)
                ),
            },
        };
        log.emit_last(&line(clock::wall_clock(), &Entry::Own(entry)));
        // No destructor is to run on what a broken invariant has left.
        if matches!(here.name(), Some("main" | KEEPER)) {
            process::abort();
        }
    }));
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let words = info.payload_as_str().unwrap_or("no words");
    match info.location() {
        Some(place) => format!("`{words}` at {}:{}", place.file(), place.line()),
        None => format!("`{words}`"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cli::{LogLevel, LogTarget};

    #[test]
    fn a_panic_is_one_fatal_line_and_that_of_a_script_runner_a_warning() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("log");
        let log = Log::open(&LogTarget::File(path.clone()), LogLevel::Fatal).unwrap();
        let before = panic::take_hook();
        go_to(log);
        assert!(panic::catch_unwind(|| panic!("two\nlines")).is_err());
        let runner = thread::Builder::new().name(HOOKS.to_owned()).spawn(|| panic!("mine")).unwrap();
        assert!(runner.join().is_err());
        panic::set_hook(before);
        let text = fs::read_to_string(&path).unwrap();
        let words = "FATAL ProcLaunch failed to go on: `two\\nlines` at proclaunch/src/panics.rs:";
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(
            text.contains("WARN  ProcLaunch replaces the hook thread (a bug has ended it: `mine` at "),
            "{text}"
        );
        assert!(text.contains(words), "{text}");
    }
}
