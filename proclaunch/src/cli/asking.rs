//! What all verbs that ask the supervisor have in common.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::output;
use crate::control::client::{Client, Failure, Place};

/// Some profile that was named is not as `status` is asked for.
pub(super) const NOT_RUNNING: u8 = 3;
/// There is no such profile.
pub(super) const UNKNOWN: u8 = 4;
/// What was asked for failed.
pub(super) const FAILED: u8 = 1;

/// Where the supervisor is.
#[derive(Clone, Debug, Args)]
pub(super) struct Whom {
    /// The state directory of the supervisor.
    #[arg(
        long,
        value_name = "DIR",
        help = "The state directory of the supervisor; may stand before the verb [default: $PROCLAUNCH_STATE_DIR, \
                else /var/lib/proclaunch for root, else $XDG_STATE_HOME/proclaunch or ~/.local/state/proclaunch]"
    )]
    state: Option<PathBuf>,
}

/// Where the supervisor is, and for whom the answer is.
#[derive(Clone, Debug, Args)]
pub(super) struct Asking {
    #[command(flatten)]
    whom: Whom,

    /// Print JSON, one object a line
    #[arg(long)]
    pub(super) json: bool,
}

impl Whom {
    pub(super) fn client(&self) -> Client {
        Client::new(Place::find(self.state.as_deref()))
    }
}

impl Asking {
    pub(super) fn client(&self) -> Client {
        self.whom.client()
    }

    /// Prints an answer: as one line of JSON, or as the text that is made of it.
    pub(super) fn print<T: Serialize>(&self, answer: &T, text: impl FnOnce(&T) -> String) -> u8 {
        output::print(&if self.json { line(answer) } else { text(answer) })
    }
}

/// One object on one line.
pub(super) fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("what is printed has no maps with keys that are no text") + "\n"
}

/// Says why there is no answer, and gives the exit code.
pub(super) fn failed(failure: &Failure) -> u8 {
    output::complain(&failure.to_string());
    failure.code()
}
