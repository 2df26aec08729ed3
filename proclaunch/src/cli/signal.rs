//! `proclaunch signal`: sends a signal to the main processes of profiles.

use clap::Args;
use proclaunch_core::signal::Signal as Known;

use super::ordering::{EXIT_CODES, Ordering};
use crate::control::client::Order;

/// Which signal, and to whom.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Signal {
    /// The signal: `HUP`, `SIGHUP`, `1` or `RTMIN+3`
    #[arg(value_name = "SIGNAL", value_parser = known)]
    signal: Known,

    #[command(flatten)]
    ordering: Ordering,
}

impl Signal {
    /// Orders, waits, prints, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        self.ordering.run(&Order::Signal(self.signal.to_string()))
    }
}

fn known(text: &str) -> Result<Known, String> {
    Known::parse(text).ok_or_else(|| "there is no such signal; `kill -l` lists them".to_owned())
}
