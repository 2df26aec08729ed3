//! `proclaunch shutdown`: stops all profiles, and ends ProcLaunch.

use clap::Args;

use super::asking::{Asking, FAILED, failed};
use super::output;
use super::patience::Patience;
use super::until::{Until, until};
use crate::control::render::clean;

const AFTER_HELP: &str = "\
To end ProcLaunch and leave the profiles running, send TERM to the process that
STATE_DIR/proclaunch.pid names.

Exit codes:
  0    All profiles are stopped and ProcLaunch has ended; with --no-wait: it has begun
  1    It takes longer; it goes on
  2    The command line is wrong
  111  No supervisor answers, or it does not let you
  130  Interrupted; it goes on";

/// How long to wait.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Shutdown {
    #[command(flatten)]
    patience: Patience,

    #[command(flatten)]
    asking: Asking,
}

impl Shutdown {
    /// Asks, waits, prints, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        let client = self.asking.client();
        let done = match client.shutdown() {
            Ok(done) => done,
            Err(failure) => return failed(&failure),
        };
        if self.patience.no_wait {
            return self.asking.print(&done, |done| format!("{}\n", clean(&done.result)));
        }
        let limit = self.patience.timeout();
        let what = "shutdown: waiting until all profiles are stopped";
        match until(limit, what, || client.instance().is_none().then_some(())) {
            Until::So(()) => {
                self.asking.print(&done, |_| "all profiles are stopped, ProcLaunch has ended\n".to_owned())
            }
            Until::Late => {
                output::complain("all profiles are being stopped, which takes longer; it goes on");
                FAILED
            }
            Until::Interrupted(code) => {
                output::complain("interrupted; all profiles are being stopped, which goes on");
                code
            }
        }
    }
}
