//! `proclaunch rescan`: has all profile directories read at once.

use clap::Args;

use super::asking::{Asking, failed};

const AFTER_HELP: &str = "\
Changes are noticed without it, by inotify. Where that cannot be, as on a network file system, this
is the way to have them noticed at once.

Exit codes:
  0    What was found is in force
  2    The command line is wrong
  111  No supervisor answers, or it does not let you; or the profiles cannot be read";

/// Nothing to choose.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Rescan {
    #[command(flatten)]
    asking: Asking,
}

impl Rescan {
    /// Asks, prints, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        match self.asking.client().rescan() {
            Ok(done) => {
                self.asking.print(&done, |done| format!("{}\n", crate::control::render::clean(&done.result)))
            }
            Err(failure) => failed(&failure),
        }
    }
}
