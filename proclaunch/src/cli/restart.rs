//! `proclaunch restart`: stops profiles and starts them again, all at once or one after the other.

use std::num::NonZeroUsize;

use clap::Args;

use super::number::whole;
use super::ordering::{EXIT_CODES, Ordering};
use super::rolling;
use crate::control::client::Order;

/// What to restart, and how.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Restart {
    #[command(flatten)]
    ordering: Ordering,

    /// One after the other by name, each only when the one before is ready and, if it has checks, healthy; the first
    /// that fails, or is not so within --timeout, ends it
    #[arg(long, conflicts_with = "no_wait")]
    rolling: bool,

    /// With --rolling: so many at a time
    #[arg(long, value_name = "N", value_parser = batch, allow_negative_numbers = true, requires = "rolling", default_value = "1", hide_default_value = true)]
    batch: NonZeroUsize,
}

fn batch(text: &str) -> Result<NonZeroUsize, String> {
    whole::<usize>(text, 1..=u64::MAX).map(|count| NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN))
}

impl Restart {
    /// Orders, waits, prints, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        if self.rolling {
            rolling::run(&self.ordering, self.batch)
        } else {
            self.ordering.run(&Order::Restart)
        }
    }
}
