//! How long a verb waits for what it has ordered.

use std::time::Duration;

use clap::Args;

use crate::control::client::{ORDER_TIMEOUT, Wait};

/// Whether to wait, and how long.
#[derive(Clone, Debug, Args)]
pub(super) struct Patience {
    /// Do not wait until it is so
    #[arg(long)]
    pub(super) no_wait: bool,

    /// How long to wait; then the order stays in force [default: 300]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true, conflicts_with = "no_wait")]
    timeout: Option<Duration>,
}

impl Patience {
    pub(super) fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(ORDER_TIMEOUT)
    }

    pub(super) fn wait(&self) -> Wait {
        if self.no_wait { Wait::No } else { Wait::For(self.timeout()) }
    }
}

/// A number of seconds above zero, fractions allowed.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| *seconds > 0.0);
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    // The clock of the supervisor ends some centuries from here.
    duration
        .filter(|duration| *duration < Duration::from_secs(1_000_000_000))
        .ok_or_else(|| "a number of seconds above 0 is needed, such as `30` or `0.5`".to_owned())
}
