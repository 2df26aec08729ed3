//! `proclaunch start`: has profiles be up.

use clap::Args;

use super::ordering::{EXIT_CODES, Ordering};
use crate::control::client::Order;

/// What to start.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Start {
    #[command(flatten)]
    ordering: Ordering,

    /// Start without asking the hook `on_start`
    #[arg(long)]
    force: bool,
}

impl Start {
    /// Orders, waits, prints, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        self.ordering.run(&Order::Start { force: self.force })
    }
}
