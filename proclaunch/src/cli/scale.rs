//! `proclaunch scale`: how many instances of a directory run.

use std::time::Duration;

use clap::Args;
use proclaunch_core::ids::ProfileName;
use proclaunch_core::profile::INSTANCES_MAX;

use super::arguments::profile_name;
use super::asking::{Asking, failed, line};
use super::number::whole;
use super::ordering::seconds;
use super::output;
use crate::control::client::{Failure, ORDER_TIMEOUT, Wait};
use crate::control::render::{self, Style};

const AFTER_HELP: &str = "\
Writes COUNT into the file `instances` of the profile's directory, where it stays. The directory
`web` then stands for the profiles web@1, web@2 and so on up to web@COUNT, and for no profile `web`:
one that runs is stopped, with COUNT 1 too. Each has its number in the environment as INSTANCE. More
are started, the highest are stopped, the others are not touched. `web` means all of them to other
verbs. Remove the file and there is one profile `web` again.

Exit codes:
  0    Exactly so many run; with --no-wait: the order was taken
  1    It is not so: it was refused, one of them cannot run, or it takes longer
  2    The command line is wrong
  4    There is no such directory
  111  No supervisor answers, or it does not let you";

/// Which directory, and how many.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Scale {
    /// The name of the directory, without `@`
    #[arg(value_name = "NAME", value_parser = profile_name)]
    name: ProfileName,

    /// How many are to run, 0 to 1000
    #[arg(value_name = "COUNT", allow_negative_numbers = true, value_parser = count)]
    count: u16,

    /// Do not wait until it is so
    #[arg(long)]
    no_wait: bool,

    /// How long to wait; then the order stays in force [default: 300]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true, conflicts_with = "no_wait")]
    timeout: Option<Duration>,

    #[command(flatten)]
    asking: Asking,
}

fn count(text: &str) -> Result<u16, String> {
    whole(text, 0..=u64::from(INSTANCES_MAX))
}

impl Scale {
    /// Orders, waits, prints, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        let wait = if self.no_wait { Wait::No } else { Wait::For(self.timeout.unwrap_or(ORDER_TIMEOUT)) };
        match self.asking.client().scale(self.name.as_str(), self.count, wait) {
            Ok(scaled) => self.asking.print(&scaled, |scaled| render::scaled(Style::of_stdout(), scaled)),
            Err(failure @ Failure::Refused { .. }) if self.asking.json => {
                output::print(&line(&failure.to_api())).max(failure.code())
            }
            Err(failure) => failed(&failure),
        }
    }
}
