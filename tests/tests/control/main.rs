//! The control socket from outside: what it answers, to whom, and what becomes of everything else meanwhile.
//!
//! The numbers are those of the list of scenarios.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

use std::process::{Command, Output};

use proclaunch_tests::control::Control;

mod crowd;
mod events;
mod hooks;
mod load;
mod orders;
mod requests;
mod rights;
mod survival;

/// A service that does nothing.
const SLEEP: &str = "exec sleep 1000";

/// What `curl` says, run under a program that sets something up.
fn curl(under: &[&str], control: &Control, words: &[&str]) -> Output {
    let mut line = under.to_vec();
    line.extend(["curl", "--silent", "--show-error", "--max-time", "60", "--unix-socket"]);
    line.push(control.path().to_str().unwrap());
    line.extend(words);
    Command::new(line[0]).args(&line[1..]).output().unwrap()
}

/// What `curl` has printed: the answer's body, and its status in a line of its own.
#[track_caller]
fn curled(under: &[&str], control: &Control, words: &[&str]) -> (String, String) {
    let output = curl(under, control, &[words, &["--write-out", "\n%{http_code}"]].concat());
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap_or_else(|| panic!("{output:?}"));
    (body.to_owned(), status.to_owned())
}
