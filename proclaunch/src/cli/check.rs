//! `proclaunch check`: says what is wrong with profiles before they run.

use std::path::PathBuf;

use clap::Args;

use super::output;
use crate::check::{Report, Severity, check};
use crate::fatal::USAGE;

const AFTER_HELP: &str = "\
Settings are read and hooks are loaded as the supervisor does it; nothing is started, written or
sent. Each finding is one line, `FILE:LINE: error: what is wrong`.

Exit codes:
  0  Nothing is wrong; there may be warnings
  1  There are errors, or with --strict warnings
  2  The command line is wrong, or there is no such directory";

/// What to check.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Check {
    /// A directory of profiles, or one profile
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,

    /// Where Lua hooks find modules, after the profile's own directory and `.hooks` beside the profiles
    #[arg(long, value_name = "DIR")]
    hooks: Option<PathBuf>,

    /// Exit 1 on warnings too
    #[arg(long)]
    strict: bool,

    /// Print one JSON object: `profiles`, and `findings` with `path`, `line`, `severity` and `message`
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Checks, prints, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        match check(&self.path, self.hooks.as_deref()) {
            Ok(report) => {
                let text = if self.json { report.to_json() + "\n" } else { report.to_string() };
                match output::print(&text) {
                    0 => self.verdict(&report),
                    failed => failed,
                }
            }
            Err(error) => {
                output::complain(&format!("failed to {error}"));
                USAGE
            }
        }
    }

    fn verdict(&self, report: &Report) -> u8 {
        let is_bad =
            report.count(Severity::Error) > 0 || (self.strict && report.count(Severity::Warning) > 0);
        u8::from(is_bad)
    }
}
