//! How the keeper comes to its end: supervisor and logger first, then itself.

use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::sys::socket::{MsgFlags, send};
use proclaunch_core::clock::Moment;
use proclaunch_core::log::{Entry, Own};
use proclaunch_core::signal::Signal;

use crate::fatal::{Fatal, SYSTEM};
use crate::instance::Startup;
use crate::keeper::protocol::{Kind, Request};
use crate::logger::protocol;
use crate::store::forget_fleet;
use crate::sys::{clock, signal_child};

use super::{Helper, Server};

/// How long the logger may take to write what there is when everything ends.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// The end that is under way.
#[derive(Debug)]
pub(super) struct Ending {
    code: u8,
    /// Services live on, and the logger with them.
    stay: bool,
    /// When those that still live are killed.
    until: Moment,
    /// What a launcher is told at the very end.
    refusal: Option<(Startup, Fatal)>,
}

impl Ending {
    pub(super) fn new(code: u8, stay: bool, now: Moment) -> Self {
        Self { code, stay, until: now.plus(LAST_WORDS), refusal: None }
    }

    pub(super) fn refuse(&mut self, startup: Startup, fatal: Fatal) {
        self.refusal = Some((startup, fatal));
    }

    pub(super) const fn until(&self) -> Moment {
        self.until
    }
}

impl Server {
    /// The exit code, once the end is come: nobody is waited for any more.
    pub(super) fn is_over(&mut self, now: Moment) -> Option<u8> {
        let ending = self.ending.as_mut()?;
        let is_refused = ending.refusal.is_some();
        let waits_for_logger = !ending.stay || is_refused;
        let left = [Some(&self.supervisor), waits_for_logger.then_some(&self.logger)];
        let left: Vec<i32> = left.into_iter().flatten().filter_map(Helper::pid).collect();
        if is_refused || now >= ending.until {
            for pid in &left {
                // Children that were not collected.
                let _ = signal_child(*pid, Signal::KILL.number());
            }
        }
        let is_late = now >= ending.until;
        if is_late {
            ending.until = now.plus(LAST_WORDS);
        }
        if !left.is_empty() || (!ending.stay && self.waits_for_log_runs(is_late)) {
            return None;
        }
        let ending = self.ending.as_mut()?;
        if let Some((startup, fatal)) = ending.refusal.take() {
            return Some(startup.failed(&fatal));
        }
        let code = ending.code;
        self.leave_logger_alone();
        Some(code)
    }

    /// That everything was to be stopped is true until here: nobody comes after us who could start it anew.
    pub(super) fn forget_the_drain(&self) {
        if self.ending.as_ref().is_some_and(|ending| !ending.stay) {
            // Where it stays, the next start does what it says, and ends.
            drop(forget_fleet(self.instance.dir()));
        }
    }

    /// A logger that stays must not take our end for a death and start another keeper. The supervisor has told it so,
    /// unless it died first.
    fn leave_logger_alone(&self) {
        let packet = protocol::encode(&protocol::Order::Leave);
        // A full socket is one that holds the supervisor's word.
        let _ = send(self.between[0].as_raw_fd(), &packet, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL);
    }

    /// Whether some `log_run` has not read all that services have written; each is killed if it takes too long.
    fn waits_for_log_runs(&mut self, is_late: bool) -> bool {
        // The supervisor has gone, and held as much.
        self.keeper.let_outputs_go();
        let alive = self.keeper.alive(Kind::LogRun);
        if is_late {
            for ticket in &alive {
                self.keeper.request(Request::KillTree { ticket: *ticket });
            }
        }
        !alive.is_empty()
    }

    /// A signal that ends, while no supervisor lives that could take it: the first one waits for the next supervisor,
    /// a second one does not.
    pub(super) fn end_without_supervisor(&mut self, signal: Signal) {
        if self.untaken.len() > 1 && self.ending.is_none() {
            self.log.say(&Entry::Own(Own::ExitingAtOnce { signal }));
            self.ending = Some(Ending::new(SYSTEM, true, clock::now()));
        }
    }
}
