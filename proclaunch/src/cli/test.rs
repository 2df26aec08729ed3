//! `proclaunch test`: runs the tests of policies, and says what became of each.
//!
//! **Invariant:** results go to standard output; what cannot be tested at all is said on standard error, with exit 2.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::number::whole;
use super::output;
use crate::fatal::USAGE;
use crate::policy_test::{self, Options, report};

/// A test failed, or there was none.
const FAILED: u8 = 1;

const AFTER_HELP: &str = "\
Exit codes:
  0  Every test passed
  1  A test failed, or there is none at these paths
  2  The command line is wrong, or a path cannot be tested

`proclaunch help tests` prints what test files can use.";

/// What to test.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Test {
    /// Profile directories, directories of profiles, or files `*_test.lua`
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,

    /// Run only the tests whose `PROFILE: NAME` has this in it
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    filter: String,

    /// Where Lua hooks find modules, after the profile's own directory and `.hooks` beside the profiles
    #[arg(long, value_name = "DIR")]
    hooks: Option<PathBuf>,

    /// How many seconds one test may compute before it is cut
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = timeout, allow_negative_numbers = true)]
    timeout: u64,

    /// Show the whole time line of every test
    #[arg(short, long)]
    verbose: bool,

    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
}

fn timeout(text: &str) -> Result<u64, String> {
    whole(text, 1..=u64::MAX)
}

impl Test {
    /// Runs the tests, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        let options = Options {
            paths: self.paths.clone(),
            hooks_dir: self.hooks.clone(),
            filter: self.filter.clone(),
            verbose: self.verbose,
            timeout: Duration::from_secs(self.timeout),
        };
        let mut printed = 0;
        let tested = policy_test::run(&options, |tested| {
            if !self.json && printed == 0 {
                printed = output::print(&report::lines(tested));
            }
        });
        let all = match tested {
            Ok(all) => all,
            Err(error) => {
                output::complain(&format!("failed to {error}"));
                return USAGE;
            }
        };
        let end = match (self.json, all.is_empty()) {
            (true, _) => report::json(&all),
            (false, true) => self.nothing(),
            (false, false) => report::summary(&all),
        };
        let printed = printed.max(output::print(&end));
        let is_good = !all.is_empty() && all.iter().all(|tested| tested.failure.is_none());
        if is_good { printed } else { FAILED.max(printed) }
    }

    fn nothing(&self) -> String {
        let paths: Vec<String> = self.paths.iter().map(|path| format!("`{}`", path.display())).collect();
        let what = if self.filter.is_empty() {
            "no file *_test.lua".to_owned()
        } else {
            format!("no test with `{}` in its name", self.filter)
        };
        format!("there is {what} in {}\n", paths.join(", "))
    }
}
