//! `proclaunch events`: what happens.

use std::ops::ControlFlow;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use clap::Args;

use super::asking::{Asking, failed, line};
use super::output;
use crate::control::glob::Glob;
use crate::control::render::{self, Style};
use crate::fatal::SYSTEM;

/// Events that wait to be printed.
const QUEUE: usize = 64;
/// How often it is looked whether anybody reads.
const LOOK: Duration = Duration::from_secs(1);

const AFTER_HELP: &str = "\
Each event is one line: time, level, profile, what happened. Events before the last 4096 are not
kept.

Exit codes:
  0    Printed
  2    The command line is wrong
  111  No supervisor answers, or it does not let you";

/// Which events.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Events {
    /// Do not end, but print what comes, also across supervisors
    #[arg(short, long)]
    follow: bool,

    /// Only those of profiles with this name, or of this quoted glob; may be given again
    #[arg(long, value_name = "GLOB", value_parser = Glob::parse)]
    profile: Vec<Glob>,

    #[command(flatten)]
    asking: Asking,
}

impl Events {
    /// Asks, prints, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        let globs: Vec<String> = self.profile.iter().map(ToString::to_string).collect();
        let events = self.asking.client().events(&globs, self.follow);
        let (sender, messages) = sync_channel(QUEUE);
        // What is printed must not wait for what comes: whoever reads may go away meanwhile.
        let work = move || {
            for event in events {
                if sender.send(event).is_err() {
                    break;
                }
            }
        };
        if thread::Builder::new().name("events".to_owned()).spawn(work).is_err() {
            output::complain("failed to start a thread: too many processes");
            return SYSTEM;
        }
        let style = Style::of_stdout();
        loop {
            match messages.recv_timeout(LOOK) {
                Ok(Ok(event)) => {
                    let text = if self.asking.json { line(&event) } else { render::event(style, &event) };
                    if let ControlFlow::Break(code) = output::write(text.as_bytes()) {
                        return code;
                    }
                }
                Ok(Err(failure)) => return failed(&failure),
                Err(RecvTimeoutError::Timeout) if output::closes_within(Duration::ZERO) => return 0,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return 0,
            }
        }
    }
}
