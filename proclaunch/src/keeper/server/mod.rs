//! The keeper's own process: what ProcLaunch is to its operator and to its services.
//!
//! It owns the services, starts the supervisor that decides on them and the logger that reads what they write, and
//! starts these again when they die. It passes signals on, and does what the supervisor asks; it decides nothing about
//! a profile, and reads none.
//!
//! **Invariant:** one thread that works, one loop, one wait at its end.
//! **Invariant:** whatever the supervisor does or fails to do, no service is touched but by its request.
//! **Invariant:** nothing is told to a supervisor that is not held as well, so that the next one can be told.

mod ending;
mod helper;
mod leftovers;
mod messages;
mod start;
mod upgrade;

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::signal::{SigSet, Signal as Kernel};
use nix::sys::signalfd::SignalFd;
use proclaunch_core::clock::Moment;
use proclaunch_core::exit::Exit;
use proclaunch_core::log::{Entry, Part};
use proclaunch_core::signal::Signal;

use crate::cli::Settings;
use crate::fatal::Fatal;
use crate::instance::{Instance, Startup};
use crate::logging::Log;
use crate::panics::KEEPER;
use crate::role::Birth;
use crate::sys::clock;

use super::Keeper;
use super::protocol::{ToSupervisor, VERSION};
use super::wire::Channel;
use ending::Ending;
use helper::Helper;
use upgrade::Rehearsal;

/// Where the supervisor keeps its records, in the state directory: it locks that.
pub const RECORDS: &str = "records";
/// Where the logger keeps the output: it locks that.
pub const LOG: &str = "log";

/// The signals that the keeper acts on or passes on. They are blocked and read from a descriptor.
const SIGNALS: [Kernel; 6] =
    [Kernel::SIGHUP, Kernel::SIGINT, Kernel::SIGTERM, Kernel::SIGUSR1, Kernel::SIGUSR2, Kernel::SIGCHLD];

const TOKEN_SIGNALS: u64 = 0;
const TOKEN_FOREIGN: u64 = 1;
const TOKEN_SUPERVISOR: u64 = 2;
const EVENTS_MAX: usize = 16;

/// How often what could not be done at once is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// The keeper and what it keeps.
struct Server {
    keeper: Keeper,
    instance: Instance,
    settings: Settings,
    /// Where a new version of the program is put.
    program: PathBuf,
    log: Log,
    /// The launcher that waits for the first supervisor.
    startup: Option<Startup>,
    /// No supervisor was up yet, and an operator has asked for one.
    is_first: bool,
    /// The state directory for which an earlier keeper may have started what is still to be looked for, services aside.
    unsearched: Option<PathBuf>,
    /// The output of the launcher is not for what stays.
    is_daemon: bool,
    supervisor: Helper,
    logger: Helper,
    channel: Option<Channel>,
    /// The channel is full, and the wait tells when it has room.
    waits_for_room: bool,
    /// The socket between supervisor and logger. Held here, it outlives either of them, and so does what is in it.
    between: [OwnedFd; 2],
    /// Signals that were passed on, and that no supervisor has acted on yet.
    untaken: VecDeque<Signal>,
    rehearsal: Option<Rehearsal>,
    ending: Option<Ending>,
    epoll: Epoll,
    signals: SignalFd,
    again: Option<Moment>,
}

/// Keeps until told to end, and gives the exit code; the instance ends with it.
///
/// Reports through `startup` once the first supervisor has everything in place.
pub fn run(settings: Settings, instance: Instance, log: Log, startup: Startup, birth: Birth) -> u8 {
    let signals: SigSet = SIGNALS.into_iter().collect();
    // Before there is another thread: it inherits the mask, and none of them dies of what is meant for a descriptor.
    if let Err(errno) = signals.thread_block() {
        return startup.failed(&Fatal::System { what: "block signals", source: errno.into() });
    }
    on_another_thread(|| match Server::new(settings, &signals, instance, log, startup, birth) {
        Ok(server) => server.serve(),
        Err(code) => code,
    })
}

/// Does the work on a thread that is not the process's first, so that the keeper's looks do not pass all idle services
/// (see [`crate::keeper`]); on this one where no other can be made.
fn on_another_thread(work: impl FnOnce() -> u8 + Send) -> u8 {
    let mut work = Some(work);
    let mut do_it = || work.take().expect("it is done on one thread only")();
    let done = thread::scope(|scope| {
        let thread = thread::Builder::new().name(KEEPER.to_owned()).spawn_scoped(scope, &mut do_it);
        thread.map(ScopedJoinHandle::join)
    });
    match done {
        Ok(Ok(code)) => code,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => do_it(),
    }
}

impl Server {
    fn serve(mut self) -> u8 {
        loop {
            let now = clock::now();
            if let Some(code) = self.is_over(now) {
                self.forget_the_drain();
                self.instance.end();
                return code;
            }
            self.do_what_is_due(now);
            self.wait();
        }
    }

    /// The one wait, and what has happened meanwhile.
    fn wait(&mut self) {
        let mut events = [EpollEvent::empty(); EVENTS_MAX];
        let timeout = self.deadline().map_or(EpollTimeout::NONE, until);
        // An interrupted wait is a wait without events; no other error can happen on a descriptor of our own.
        let count = self.epoll.wait(&mut events, timeout).unwrap_or(0);
        for event in &events[..count] {
            match event.data() {
                TOKEN_SIGNALS => self.read_signals(),
                TOKEN_FOREIGN => self.keeper.foreign_event(),
                TOKEN_SUPERVISOR => self.hear(),
                other => unreachable!("token {other} was never given to epoll"),
            }
        }
        self.tell_reports();
        for (pid, exit) in self.keeper.take_helpers_ended() {
            self.helper_ended(pid, exit);
        }
        self.flush();
    }

    fn deadline(&self) -> Option<Moment> {
        let ending = self.ending.as_ref().map(Ending::until);
        let rehearsal = self.rehearsal.as_ref().map(Rehearsal::until);
        let helpers = [&self.supervisor, &self.logger].map(Helper::due);
        let helpers = if self.ending.is_some() { [None, None] } else { helpers };
        helpers.into_iter().chain([ending, rehearsal, self.again]).flatten().min()
    }

    fn do_what_is_due(&mut self, now: Moment) {
        if self.ending.is_none() {
            self.start_what_is_due(now);
        }
        self.give_rehearsal_up(now);
        if self.again.is_some_and(|at| at <= now) {
            self.again = None;
            self.log.retry();
            self.keeper.look_at_unwatched();
            self.tell_reports();
            self.flush();
        }
        if self.again.is_none() && (self.log.has_backlog() || self.keeper.has_unwatched()) {
            self.again = Some(now.plus(AGAIN));
        }
    }

    fn read_signals(&mut self) {
        let mut children = false;
        while let Ok(Some(info)) = self.signals.read_signal() {
            let number = i32::try_from(info.ssi_signo).unwrap_or(0);
            match Signal::from_number(number) {
                Some(Signal::CHLD) => children = true,
                Some(signal) => self.take_signal(signal),
                None => {}
            }
        }
        if children {
            self.keeper.child_event();
        }
    }

    fn take_signal(&mut self, signal: Signal) {
        match signal {
            Signal::USR2 => return self.begin_upgrade(),
            // A supervisor that is not there will open it anew anyway.
            Signal::USR1 => drop(self.log.reopen()),
            _ => self.untaken.push_back(signal),
        }
        match &mut self.channel {
            Some(channel) => channel.send(&ToSupervisor::Signal(signal)),
            None if signal == Signal::USR1 => {}
            None => self.end_without_supervisor(signal),
        }
    }

    /// A child that is no service has ended.
    fn helper_ended(&mut self, pid: i32, exit: Exit) {
        let now = clock::now();
        // What the supervisor has said comes first: that everything ends, or its own last words.
        self.hear();
        if self.supervisor.pid() == Some(pid) {
            self.channel = None;
            if self.ending.is_none() && self.fail_first_start(exit) {
                return;
            }
            self.supervisor.ended(exit, now);
        } else if self.logger.pid() == Some(pid) {
            self.logger.ended(exit, now);
        } else {
            self.rehearsal_ended(pid, exit, now);
        }
    }

    fn watch_channel(&self, channel: &Channel) -> nix::Result<()> {
        let flags = EpollFlags::EPOLLIN;
        self.epoll.add(channel.as_fd(), EpollEvent::new(flags, TOKEN_SUPERVISOR))
    }

    fn say(&self, part: Part) {
        self.log.say(&Entry::Own(part.into()));
    }
}

/// Rounded up: what is due in less than a millisecond must not be looked for again and again.
fn until(at: Moment) -> EpollTimeout {
    let millis = at.since(clock::now()).as_nanos().div_ceil(1_000_000);
    EpollTimeout::try_from(i64::try_from(millis).unwrap_or(i64::MAX)).unwrap_or(EpollTimeout::NONE)
}
