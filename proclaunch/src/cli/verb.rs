//! The verbs: what `proclaunch` does besides supervising, one file each.
//!
//! **Invariant:** a verb that works offline touches no state directory and starts nothing.

use std::fmt::Write as _;

use clap::{CommandFactory, Parser};

use super::check::Check;
use super::help::Help;
use super::test::Test;

/// A first word that is not a directory.
#[derive(Debug, Parser)]
#[command(name = "proclaunch", version, max_term_width = 100, disable_help_subcommand = true)]
pub enum Verb {
    /// Say what is wrong with profiles and their hooks, without running anything
    Check(Check),
    /// Print the help, or a page of it: for a verb, or for what Lua hooks can use
    Help(Help),
    /// Run the tests of policies, `*_test.lua`, on a virtual clock
    Test(Test),
}

impl Verb {
    /// Does it, and gives the exit code.
    pub fn run(&self) -> u8 {
        match self {
            Self::Check(check) => check.run(),
            Self::Help(help) => help.run(),
            Self::Test(test) => test.run(),
        }
    }
}

/// The verbs as the help of the program names them.
pub(super) fn list() -> String {
    let command = Verb::command();
    let width = command.get_subcommands().map(|verb| verb.get_name().len()).max().unwrap_or(0);
    let mut text =
        "Verbs (`proclaunch help VERB` says more; a directory of that name is written `./VERB`):\n"
            .to_owned();
    for verb in command.get_subcommands() {
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:width$}  {about}", verb.get_name());
    }
    text
}
