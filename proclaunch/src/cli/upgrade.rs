//! `proclaunch upgrade`: replaces ProcLaunch by what its program's file holds, while all profiles run on.

use std::time::Duration;

use clap::Args;

use super::asking::{Asking, FAILED, failed};
use super::output;
use super::patience::seconds;
use super::until::{Until, until};
use crate::control::api::Own;
use crate::control::client::Client;
use crate::control::render::clean;

/// How long to wait.
const LIMIT: Duration = Duration::from_secs(30);

const AFTER_HELP: &str = "\
The keeper executes the file that it was started from; supervisor and logger are started anew.

Exit codes:
  0    The new supervisor answers; with --no-wait: it has begun
  1    The new program cannot take over, and the old one goes on; the reason is printed
  2    The command line is wrong
  111  No supervisor answers, or it does not let you
  130  Interrupted; it goes on";

/// How long to wait.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Upgrade {
    /// Do not wait until it is so
    #[arg(long)]
    no_wait: bool,

    /// How long to wait for the new supervisor [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, allow_negative_numbers = true, conflicts_with = "no_wait")]
    timeout: Option<Duration>,

    #[command(flatten)]
    asking: Asking,
}

impl Upgrade {
    /// Asks, waits, prints, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        let client = self.asking.client();
        let upgraded = client.own().and_then(|before| Ok((before, client.upgrade()?)));
        let (before, done) = match upgraded {
            Ok(upgraded) => upgraded,
            Err(failure) => return failed(&failure),
        };
        if self.no_wait {
            return self.asking.print(&done, |done| format!("{}\n", clean(&done.result)));
        }
        let limit = self.timeout.unwrap_or(LIMIT);
        match until(limit, "upgrade: waiting for the new supervisor", || successor(&client, &before)) {
            Until::So(own) if own.upgrades_refused > before.upgrades_refused => {
                let why = own.upgrade_refusal.as_deref().unwrap_or("ProcLaunch's log says why");
                output::complain(&format!("the old program stays: {}", clean(why)));
                FAILED
            }
            Until::So(own) => self.asking.print(&own, |own| {
                format!("upgraded from {} to {}\n", clean(&before.version), clean(&own.version))
            }),
            Until::Late => {
                output::complain("the old supervisor is still there; the log of ProcLaunch says why");
                FAILED
            }
            Until::Interrupted(code) => {
                output::complain("interrupted; the upgrade goes on");
                code
            }
        }
    }
}

/// The supervisor after the one that answered before; or that one, once it knows that it is to stay.
fn successor(client: &Client, before: &Own) -> Option<Own> {
    let supervisor = |own: &Own| {
        own.processes.iter().find(|process| process.role == "supervisor").map(|process| process.pid)
    };
    // Between the two nobody answers.
    client
        .own()
        .ok()
        .filter(|own| own.upgrades_refused > before.upgrades_refused || supervisor(own) != supervisor(before))
}
