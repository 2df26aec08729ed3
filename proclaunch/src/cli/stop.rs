//! `proclaunch stop`: has profiles be down, until they are told to start.

use clap::Args;

use super::ordering::{EXIT_CODES, Ordering};
use crate::control::client::Order;

/// What to stop.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Stop {
    #[command(flatten)]
    ordering: Ordering,
}

impl Stop {
    /// Orders, waits, prints, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        self.ordering.run(&Order::Stop)
    }
}
