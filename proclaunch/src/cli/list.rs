//! `proclaunch list`: names of profiles, for scripts.

use clap::Args;

use super::asking::{Asking, UNKNOWN, failed};
use super::select::Selected;
use crate::control::glob::Glob;

const AFTER_HELP: &str = "\
Exit codes:
  0    Printed
  2    The command line is wrong
  4    A name means no profile
  111  No supervisor answers, or it does not let you";

/// Which profiles.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct List {
    /// Names of profiles or of directories with instances, or quoted globs with `*`, `?` and `[a-z]` [default: all]
    #[arg(value_name = "NAME", value_parser = Glob::parse)]
    names: Vec<Glob>,

    #[command(flatten)]
    asking: Asking,
}

impl List {
    /// Asks, prints, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        match Selected::of(&self.asking.client(), &self.names) {
            Ok(selected) => {
                let lines = |names: &Vec<String>| names.iter().flat_map(|name| [name, "\n"]).collect();
                let printed = self.asking.print(&selected.names(), lines);
                printed.max(if selected.complain() { UNKNOWN } else { 0 })
            }
            Err(failure) => failed(&failure),
        }
    }
}
