//! `proclaunch top`: a dashboard on the terminal.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::asking::Whom;
use super::number::whole;
use super::output;
use crate::fatal::SYSTEM;
use crate::top::source::Source;
use crate::top::{End, TopError, run};

/// What a shell adds to the number of a signal.
const SIGNALLED: u8 = 128;

const AFTER_HELP: &str = "\
`?` shows the keys: choose with the arrows, Enter for history and output, `/` to search, `s` start,
`x` stop, `r` restart, each after `y`. `q` quits; profiles go on as they are. NO_COLOR is respected.

Exit codes:
  0      It was left with `q`
  2      The command line is wrong
  111    There is no supervisor, or no terminal
  128+N  Signal N ended it";

/// What to show.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Top {
    #[command(flatten)]
    whom: Whom,

    /// How many seconds to wait between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = every, allow_negative_numbers = true)]
    every: u64,
}

fn every(text: &str) -> Result<u64, String> {
    whole(text, 1..=3600)
}

impl Top {
    /// Shows it until it is left, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        let client = self.whom.client();
        let source: Arc<dyn Source> = Arc::new(client);
        match run(&source, Duration::from_secs(self.every)) {
            Ok(End::Quit) => 0,
            Ok(End::Signal(signal)) => {
                u8::try_from(signal as i32).map_or(SYSTEM, |number| SIGNALLED.saturating_add(number))
            }
            Ok(End::Broken) => SYSTEM,
            Err(error @ (TopError::Terminal(_) | TopError::Supervisor(_))) => {
                output::complain(&format!("failed to {error}"));
                SYSTEM
            }
        }
    }
}
