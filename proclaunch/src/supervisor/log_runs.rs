//! `log_run`: a program of the profile's own that reads the output in the logger's place.
//!
//! It reads the profile's FIFO itself, so that nothing stands between the two, and what it has not read waits there
//! while it is started again. It lives as long as the profile is there, across starts of the service, and sees the end
//! of its input when nobody is left that could write.
//!
//! **Invariant:** at most one of a profile's lives.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use proclaunch_core::clock::Moment;
use proclaunch_core::fleet::Input as Happens;
use proclaunch_core::ids::{ProfileName, Ticket};
use proclaunch_core::log::Own;
use proclaunch_core::process::{Report, Scope};
use proclaunch_core::signal::Signal;

use crate::keeper::protocol::{Held, Input, Kind, Output, Program, Request};

use super::reactor::Reactor;

/// The pause before one that died is started again; it doubles up to [`PAUSE_CAP`], and begins anew after as long a
/// life.
const PAUSE_BASE: Duration = Duration::from_millis(200);
const PAUSE_CAP: Duration = Duration::from_secs(60);
/// How long one that is not wanted any more may take to end by itself.
const FAREWELL: Duration = Duration::from_secs(10);

/// All of them, by profile.
#[derive(Debug, Default)]
pub(super) struct LogRuns(BTreeMap<ProfileName, LogRun>);

#[derive(Debug)]
struct LogRun {
    /// The start that is under way or lives.
    ticket: Option<Ticket>,
    is_wanted: bool,
    since: Moment,
    pause: Duration,
    /// When it is to be started, or, if it is not wanted, killed.
    due: Option<Moment>,
    /// How it ended, while something of it is left.
    end: String,
}

impl LogRuns {
    pub(super) fn deadline(&self) -> Option<Moment> {
        self.0.values().filter_map(|one| one.due).min()
    }

    fn of(&mut self, ticket: Ticket) -> Option<(&ProfileName, &mut LogRun)> {
        self.0.iter_mut().find(|(_, one)| one.ticket == Some(ticket))
    }

    /// Takes over one that an earlier supervisor has started.
    pub(super) fn adopt(&mut self, held: &Held, now: Moment) {
        let one = LogRun {
            ticket: Some(held.ticket),
            is_wanted: true,
            since: now,
            pause: PAUSE_BASE,
            due: held.main.is_none().then_some(now),
            end: "it ended unseen".to_owned(),
        };
        self.0.insert(held.name.clone(), one);
    }
}

impl Reactor {
    /// Has a profile's `log_run` run, or not.
    pub(super) fn want_log_run(&mut self, name: &ProfileName, is_wanted: bool) {
        let now = self.now;
        match self.log_runs.0.get_mut(name) {
            None if is_wanted => {
                let one = LogRun {
                    ticket: None,
                    is_wanted,
                    since: now,
                    pause: PAUSE_BASE,
                    due: Some(now),
                    end: String::new(),
                };
                self.log_runs.0.insert(name.clone(), one);
            }
            Some(one) if one.is_wanted != is_wanted => {
                one.is_wanted = is_wanted;
                one.due = match (is_wanted, one.ticket) {
                    (true, None) => Some(now),
                    (true, Some(_)) => None,
                    (false, _) => Some(now.plus(FAREWELL)),
                };
                if let (false, Some(ticket)) = (is_wanted, one.ticket) {
                    // The logger reads in its place: it should end soon.
                    let signal = Signal::TERM;
                    self.link.request(Request::Signal { ticket, scope: Scope::Main, signal });
                }
            }
            Some(_) | None => {}
        }
    }

    /// A profile is gone: its `log_run` sees the end of its input when all that was written is read.
    pub(super) fn retire_log_run(&mut self, name: &ProfileName) {
        if let Some(one) = self.log_runs.0.get_mut(name) {
            one.is_wanted = false;
            one.due = Some(self.now.plus(FAREWELL));
        }
    }

    /// Starts what is to be started, and kills what should have ended.
    pub(super) fn run_log_runs(&mut self, now: Moment) {
        let is_due = |one: &LogRun| one.due.is_some_and(|at| at <= now);
        let due: Vec<ProfileName> =
            self.log_runs.0.iter().filter(|(_, one)| is_due(one)).map(|(name, _)| name.clone()).collect();
        for name in due {
            let ticket = self.execs.ticket();
            let Some(one) = self.log_runs.0.get_mut(&name) else { continue };
            one.due = None;
            match (one.is_wanted, one.ticket) {
                (true, None) => {
                    (one.ticket, one.since) = (Some(ticket), now);
                    self.start_log_run(&name, ticket);
                }
                (false, None) => drop(self.log_runs.0.remove(&name)),
                (_, Some(ticket)) => self.link.request(Request::KillTree { ticket }),
            }
        }
    }

    fn start_log_run(&mut self, name: &ProfileName, ticket: Ticket) {
        let Some(profile) = self.outputs.profile(name) else {
            return self.log_run_ended(ticket, "its profile cannot be read".to_owned());
        };
        let directory = self.state_dir.join("log").join(name.as_str());
        let program = self.directory_of(name, &profile).join("log_run");
        let mut spec = self.spec(name.clone(), ticket, &profile, Output::File(directory.join("log_run")));
        spec.kind = Kind::LogRun;
        spec.program = Program::Argv(vec![program.as_os_str().as_bytes().to_owned()]);
        spec.input = Input::Fifo(super::outputs::fifo_in(&directory));
        self.link.request(Request::Spawn(Box::new(spec)));
    }

    /// Takes a report if it is about a `log_run`; gives any other back.
    pub(super) fn take_log_run_report(&mut self, report: Report) -> Option<Report> {
        let (Report::Spawned { ticket, .. }
        | Report::SpawnFailed { ticket, .. }
        | Report::Exited { ticket, .. }
        | Report::Gone { ticket, .. }) = &report
        else {
            return Some(report);
        };
        let ticket = *ticket;
        if self.log_runs.of(ticket).is_none() {
            return Some(report);
        }
        match report {
            Report::Spawned { .. } | Report::OutputLost { .. } => {}
            Report::SpawnFailed { stage, error, .. } => {
                self.log_run_ended(ticket, format!("could not {stage}: {error}"));
            }
            Report::Exited { id, exit, .. } => {
                self.link.request(Request::KillTree { ticket });
                if let Some((_, one)) = self.log_runs.of(ticket) {
                    one.end = format!("pid {}, {exit}", id.pid);
                }
            }
            Report::Gone { .. } => {
                self.link.request(Request::Release { ticket });
                let end = self.log_runs.of(ticket).map(|(_, one)| std::mem::take(&mut one.end));
                self.log_run_ended(ticket, end.unwrap_or_default());
            }
        }
        None
    }

    /// Nothing of it lives any more.
    fn log_run_ended(&mut self, ticket: Ticket, why: String) {
        let now = self.now;
        let Some((name, one)) = self.log_runs.of(ticket) else { return };
        let name = name.clone();
        one.ticket = None;
        if !one.is_wanted {
            self.log_runs.0.remove(&name);
            return;
        }
        if now.since(one.since) > one.pause.max(Duration::from_secs(1)) {
            one.pause = PAUSE_BASE;
        }
        let next = one.pause;
        one.due = Some(now.plus(next));
        one.pause = (one.pause * 2).min(PAUSE_CAP);
        self.answer(Happens::Say(Own::LogRunDied { name, why, next }));
    }
}
