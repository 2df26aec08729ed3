//! The verbs of the real binary, from outside: what they print, and their exit codes.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use proclaunch_tests::sandbox::binary;

mod check;
mod completions;
mod control;
mod deploy;
mod fake;
mod fleet;
mod help;
mod live;
mod man;
mod new;
mod scale;
mod screen;
mod test;
mod top;
mod top_live;

/// Runs the program in a directory with these words, to its end.
fn run(dir: &Path, words: &[&str]) -> Output {
    Command::new(binary()).args(words).current_dir(dir).stdin(Stdio::null()).output().unwrap()
}

/// What it printed, after it ended with this exit code.
#[track_caller]
fn printed(dir: &Path, words: &[&str], code: i32) -> String {
    let output = run(dir, words);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Says what is not tested here, past the test runner, which keeps what a test prints to itself.
fn skipped(why: &str) {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    let _ = writeln!(io::stderr(), "SKIPPED: {why}: {test}");
}
