//! `proclaunch reload`: has profiles read their configuration again.

use clap::Args;

use super::ordering::{EXIT_CODES, Ordering};
use crate::control::client::Order;

/// What to reload.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Reload {
    #[command(flatten)]
    ordering: Ordering,
}

impl Reload {
    /// Orders, waits, prints, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        self.ordering.run(&Order::Reload)
    }
}
