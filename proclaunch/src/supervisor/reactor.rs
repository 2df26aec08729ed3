//! The real world: waits on descriptors, and turns what they say into inputs.
//!
//! **Invariant:** `epoll_wait` in [`Reactor::wait`] is the only thing in the supervisor that waits.

use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use proclaunch_core::clock::Moment;
use proclaunch_core::fleet::{Effect, Fleet, Input, Roster};
use proclaunch_core::log::Own;
use proclaunch_core::profile::Defaults;
use proclaunch_core::world::World;

use crate::cli::Settings;
use crate::fatal::Fatal;
use crate::hooks::Config;
use crate::keeper::protocol::ToKeeper;
use crate::killpoint;
use crate::logging::Log;
use crate::nofile::FirstLimit;

use crate::scan::{Hint, Watcher};
use crate::store::Store;
use crate::sys::clock;

use super::chores::Chores;
use super::control::Control;
use super::execs::Execs;
use super::hooks::Hooks;
use super::link::Link;
use super::log_runs::LogRuns;
use super::metrics::Metrics;
use super::outputs::Outputs;
use super::published::Published;
use super::recall::Strays;
use super::rescan::Rescan;

pub(super) const KEEPER: u64 = 0;
const TIMER: u64 = 1;
const CHANGES: u64 = 2;
const HOOKS: u64 = 3;
const LOGGER: u64 = 4;
pub(super) const CONTROL: u64 = 5;

/// How often it is tried to become the keeper.
pub(super) const AGAIN: Duration = Duration::from_secs(1);

/// How many events one wait takes; what is left is taken by the next.
const EVENTS_MAX: usize = 16;

/// The world as it is.
pub(super) struct Reactor {
    pub(super) settings: Settings,
    pub(super) profiles_dir: PathBuf,
    pub(super) state_dir: PathBuf,
    pub(super) boot_id: String,
    pub(super) link: Link,
    pub(super) keeper_pid: i32,
    pub(super) outputs: Outputs,
    pub(super) store: Store,
    pub(super) log: Log,
    pub(super) chores: Chores,
    pub(super) strays: Strays,
    pub(super) hooks: Hooks,
    pub(super) execs: Execs,
    pub(super) log_runs: LogRuns,
    pub(super) published: Published,
    pub(super) metrics: Metrics,
    pub(super) control: Control,
    pub(super) rescan: Rescan,
    pub(super) watcher: Option<Watcher>,
    pub(super) defaults: Defaults,
    /// Which profiles the directories stand for.
    pub(super) roster: Roster,
    /// Answers to what was performed, for the next wait.
    answers: Vec<Input>,
    pub(super) epoll: Epoll,
    timer: TimerFd,
    armed: Option<Moment>,
    /// The link is full, and the wait tells when it has room.
    pub(super) waits_for_room: bool,
    /// When to become the keeper: the one there was is gone.
    pub(super) take_over_at: Option<Moment>,
    /// The limit on descriptors that this process was started with.
    pub(super) first_limit: Option<FirstLimit>,
    /// How many signals were taken that the keeper still holds.
    pub(super) signals_taken: u32,
    /// Nothing is left running, so that nobody is needed who reads what it writes.
    pub(super) is_drained: bool,
    /// The supervisor before this one was draining.
    pub(super) goes_on_draining: bool,
    pub(super) now: Moment,
}

/// What can fail, made before there is a reactor.
pub(super) struct Prepared {
    outputs: Outputs,
    epoll: Epoll,
    timer: TimerFd,
    watcher: Option<Watcher>,
    gap: Option<String>,
    hooks: Hooks,
    execs: Execs,
}

impl Reactor {
    /// Makes everything that can fail.
    pub(super) fn prepare(settings: &Settings, link: &Link, outputs: Outputs) -> Result<Prepared, Fatal> {
        let system =
            |what: &'static str| move |errno: nix::errno::Errno| Fatal::System { what, source: errno.into() };
        let timer =
            TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)
                .map_err(system("make a timer descriptor"))?;
        let epoll =
            Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(system("make an epoll descriptor"))?;
        let add = |fd: &dyn AsFd, token| {
            epoll
                .add(fd.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, token))
                .map_err(system("wait for a descriptor"))
        };
        add(link, KEEPER)?;
        // Told when there is room again, and that only: it nearly always has room.
        let edges = EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT | EpollFlags::EPOLLET;
        epoll
            .add(outputs.link.fd(), EpollEvent::new(edges, LOGGER))
            .map_err(system("wait for a descriptor"))?;
        add(&timer, TIMER)?;
        let (watcher, gap) = match Watcher::new(&settings.profiles_dir, &hooks_config(settings).modules) {
            Ok(watcher) => {
                let gap = watcher.gap().map(ToOwned::to_owned);
                (Some(watcher), gap)
            }
            Err(error) => (None, Some(error.to_string())),
        };
        if let Some(watcher) = &watcher {
            add(watcher, CHANGES)?;
        }
        let random =
            clock::random_u64().map_err(|source| Fatal::System { what: "get a random number", source })?;
        let hooks = Hooks::new(hooks_config(settings), clock::now()).map_err(Fatal::Hooks)?;
        add(&hooks.engine, HOOKS)?;
        Ok(Prepared { outputs, epoll, timer, watcher, gap, hooks, execs: Execs::new(random) })
    }

    pub(super) fn new(
        settings: &Settings,
        prepared: Prepared,
        link: Link,
        store: Store,
        log: Log,
        boot_id: String,
        keeper_pid: i32,
    ) -> Self {
        let Prepared { outputs, epoll, timer, watcher, gap, hooks, execs } = prepared;
        let mut reactor = Self {
            settings: settings.clone(),
            profiles_dir: settings.profiles_dir.clone(),
            state_dir: settings.state_dir.clone(),
            boot_id,
            link,
            keeper_pid,
            outputs,
            store,
            log,
            chores: Chores::default(),
            strays: Strays::default(),
            hooks,
            execs,
            log_runs: LogRuns::default(),
            published: Published::default(),
            metrics: Metrics::default(),
            control: Control::default(),
            rescan: Rescan::default(),
            watcher,
            defaults: Defaults::default(),
            roster: Roster::default(),
            answers: Vec::new(),
            epoll,
            timer,
            armed: None,
            waits_for_room: false,
            take_over_at: None,
            first_limit: None,
            signals_taken: 0,
            is_drained: false,
            goes_on_draining: false,
            now: clock::now(),
        };
        reactor.say_gap(gap);
        reactor
    }

    /// Has the wait look at the engine of the hooks.
    pub(super) fn wait_for_hooks(&mut self) {
        let event = EpollEvent::new(EpollFlags::EPOLLIN, HOOKS);
        if let Err(errno) = self.epoll.add(&self.hooks.engine, event) {
            let why = format!("wait for a descriptor: {}", errno.desc());
            self.answer(Input::Say(Own::HooksStuck { why }));
        }
    }

    /// Adds an input to those of the next wait.
    pub(super) fn answer(&mut self, input: Input) {
        self.answers.push(input);
    }

    /// Sets the timer to the moment, unless it is set so already.
    fn arm(&mut self, deadline: Option<Moment>) {
        if deadline == self.armed {
            return;
        }
        let set = match deadline {
            Some(at) => {
                // Zero would disarm the timer.
                let nanos = i64::try_from(at.as_nanos().max(1)).unwrap_or(i64::MAX);
                let at = TimeSpec::new(nanos / 1_000_000_000, nanos % 1_000_000_000);
                self.timer.set(Expiration::OneShot(at), TimerSetTimeFlags::TFD_TIMER_ABSTIME)
            }
            None => self.timer.unset(),
        };
        set.expect("the descriptor is a timer and the time is in range");
        self.armed = deadline;
    }

    /// Waits until a descriptor has something to say; not at all if there are answers to give.
    fn wait_for_descriptors(&mut self, deadline: Option<Moment>, is_busy: bool) {
        let mut events = [EpollEvent::empty(); EVENTS_MAX];
        let timeout = if is_busy {
            EpollTimeout::ZERO
        } else {
            let published = self.published.deadline();
            let metrics = self.metrics.deadline();
            let own = [
                self.rescan.deadline(),
                self.chores.deadline(),
                self.hooks.deadline(),
                published,
                metrics,
                self.take_over_at,
                self.log_runs.deadline(),
                self.control.deadline(),
            ];
            self.arm(own.into_iter().flatten().chain(deadline).min());
            EpollTimeout::NONE
        };
        // An interrupted wait is a wait without events; no other error can happen on a descriptor of our own.
        let count = self.epoll.wait(&mut events, timeout).unwrap_or(0);
        self.now = clock::now();
        for event in &events[..count] {
            match event.data() {
                KEEPER => self.hear(),
                // What is due is told by the clock.
                TIMER => {
                    // Read, or it stays readable and nothing waits any more. It never blocks: TFD_NONBLOCK.
                    let _ = self.timer.wait();
                    self.armed = None;
                }
                CHANGES => {
                    let hint = self.watcher.as_mut().map_or(Hint::Nothing, Watcher::drain);
                    self.rescan.note(hint, self.now);
                }
                HOOKS => self.take_told(),
                CONTROL => self.take_asks(),
                LOGGER => {
                    self.outputs.link.send();
                    self.take_words();
                }
                other => unreachable!("token {other} was never given to epoll"),
            }
        }
    }
}

impl World for Reactor {
    fn now(&mut self) -> Moment {
        self.now
    }

    fn wait(&mut self, deadline: Option<Moment>, inputs: &mut Vec<Input>) {
        self.do_chores(self.now);
        self.write_metrics(self.now);
        self.run_log_runs(self.now);
        self.ask();
        killpoint::wait();
        self.wait_for_descriptors(deadline, !self.answers.is_empty());
        self.take_over_if_due();
        self.replace_stuck_engine(self.now);
        self.restart_control(self.now);
        if let Some(hint) = self.rescan.take(self.now) {
            self.rescan(&hint);
        }
        if deadline.is_some_and(|at| at <= self.now) {
            self.answer(Input::Timeout);
        }
        inputs.append(&mut std::mem::take(&mut self.answers));
        self.control.expect(!inputs.is_empty());
    }

    fn settled(&mut self, fleet: &Fleet) {
        if self.signals_taken > 0 {
            self.link.say(&ToKeeper::Took(self.signals_taken));
            self.signals_taken = 0;
        }
        self.publish(fleet, self.now);
        self.answer_asks(fleet);
    }

    fn perform(&mut self, effect: Effect) {
        self.perform_effect(effect);
    }
}

/// Where hooks find their modules.
fn hooks_config(settings: &Settings) -> Config {
    let own = [settings.profiles_dir.join(".hooks")];
    let modules = own.into_iter().chain(settings.hooks_dir.clone()).collect();
    Config { modules, state_dir: settings.state_dir.clone(), ..Config::default() }
}
