//! Each promise of the README about one profile, in the same words: `(settings, what happens, what is done)`.
//!
//! The settings are files and go through the parser. What is done is every line of the log and every action, but for
//! what [`show`] leaves out.

use std::time::Duration;

use super::*;
use crate::exit::Exit;
use crate::hook::{Hook, Hooks, Outcome as HookOutcome, QuestionId, Schedule, Wish};
use crate::process::{SpawnError, Stage};
use crate::profile::HookFiles;
use crate::testing::{BEGINNING, Settings, profile, show, signal};

mod changes;
mod explained;
mod hooks;
mod memory;
mod pid_files;
mod restarts;
mod resume;
mod stops;
mod strikes;

/// What happens to a profile. Processes get the pids 101, 102, ... in the order of their starts.
#[derive(Clone, Copy, Debug)]
enum It {
    /// The supervisor begins with it, and remembers nothing.
    Begins,
    /// The supervisor begins with what it remembers; the process of that pid has been up for so many seconds.
    BeginsWith { order: Option<Want>, up: Option<(i32, u64)>, rest: Option<Rest> },
    /// The same, and the process of that pid has ended since.
    BeginsAfterTheEndOf(i32),
    /// The keeper has started the process.
    Spawns,
    /// The keeper could not, by this errno of `execve`.
    FailsToSpawn(i32),
    /// The main process exits with this code.
    Exits(u8),
    /// The same, and this process of the start lives on.
    ExitsLeaving(u8, i32),
    /// The main process is killed by this signal.
    IsKilledBy(&'static str),
    /// Nothing of the start lives any more.
    IsGone,
    /// So many milliseconds pass.
    Waits(u64),
    /// The pid file is looked at, and there is none.
    HasNoPidFile,
    /// It names a process that is not alive.
    HasStalePidFile,
    /// It is not believed.
    HasBadPidFile,
    /// It names this live process, which has been up for so many seconds.
    IsNamed(i32, u64),
    /// Its files say this now.
    Says(Settings<'static>),
    /// Its files are bad now.
    SaysNonsense,
    /// Its directory is gone.
    Disappears,
    /// The supervisor drains.
    Drains,
    /// An operator wants this.
    IsTold(Order),
    /// Its hook files are loaded, and all are good; a health check is made every ten seconds, three failures in a row
    /// are too many, and a tick comes every minute.
    LoadsHooks,
    /// The same, but this one is broken and was never good.
    HasBroken(Hook),
    /// Its last question to this hook comes to this.
    Hears(Hook, fn() -> HookOutcome),
    /// A hook wants this.
    IsWished(fn() -> Wish),
}

/// It ran as this process, and nothing else is known of it: all that a record of version 1 says.
fn runs(pid: i32) -> Phase {
    let ticket = Ticket { instance: 9, serial: 1 };
    let start = Start { ticket, since: None, shape: None, daemonizes: false };
    Phase::Running { start, id: id(pid), attention: None }
}

/// One machine, and the world around it.
struct Life {
    machine: Machine,
    tickets: Tickets,
    now: Moment,
    newest: Option<Ticket>,
    starts: i32,
    main: Option<ProcId>,
    /// What was done since it was last asked for.
    done: Vec<String>,
    actions: Vec<Action>,
}

fn id(pid: i32) -> ProcId {
    ProcId { pid, start: 1 }
}

impl Life {
    fn new(settings: Settings<'_>) -> Self {
        let mut life = Self {
            machine: Machine::new(),
            tickets: Tickets::new(1),
            now: BEGINNING,
            newest: None,
            starts: 0,
            main: None,
            done: Vec::new(),
            actions: Vec::new(),
        };
        life.step(Event::Settings(Arc::new(profile(settings))));
        life.done.retain(|done| done != "=> load hooks");
        assert_eq!(life.done, [""; 0]);
        life
    }

    fn step(&mut self, event: Event) {
        let mut cx = Context::new(self.now, &mut self.tickets);
        self.machine.step(&mut cx, event);
        let backoff = self.machine.memory.policy().backoff;
        for action in &cx.actions {
            match action {
                Action::Spawn { ticket, .. } => {
                    assert!(self.main.is_none(), "nothing is started beside pid {:?}", self.main);
                    self.newest = Some(*ticket);
                }
                Action::Adopt { ticket, id } => {
                    self.newest = Some(*ticket);
                    self.main = Some(*id);
                }
                _ => {}
            }
            self.done.extend(show(action, self.newest, backoff));
        }
        self.actions.append(&mut cx.actions);
    }

    fn ticket(&self) -> Ticket {
        self.newest.expect("it was started")
    }

    fn happens(&mut self, it: It) {
        match it {
            It::Begins => self.step(Event::Begin(None)),
            It::BeginsWith { order, up, rest } => {
                let phase = match (up, rest) {
                    (Some((pid, _)), _) => runs(pid),
                    (None, Some(rest)) => Phase::Rest(rest),
                    (None, None) if order == Some(Want::Down) => Phase::Ordered,
                    (None, None) => Phase::Fresh,
                };
                let found = up.map_or(Found::Nothing, |(pid, seconds)| Found::Alive {
                    id: id(pid),
                    up: Duration::from_secs(seconds),
                });
                self.recalls(Remembered { order, phase, ..Remembered::default() }, found);
            }
            It::BeginsAfterTheEndOf(pid) => {
                let found = Found::Ended { id: id(pid), exit: Exit::Unknown, at: None };
                self.recalls(Remembered { phase: runs(pid), ..Remembered::default() }, found);
            }
            It::Spawns => {
                self.starts += 1;
                let id = id(100 + self.starts);
                self.main = Some(id);
                self.step(Event::Spawned { ticket: self.ticket(), id });
            }
            It::FailsToSpawn(errno) => {
                let error = SpawnError::Errno(errno);
                self.step(Event::SpawnFailed { ticket: self.ticket(), stage: Stage::Exec, error });
            }
            It::Exits(code) => self.ends(Exit::Code(code), Vec::new()),
            It::ExitsLeaving(code, pid) => self.ends(Exit::Code(code), vec![id(pid)]),
            It::IsKilledBy(name) => {
                self.ends(Exit::Signal { signal: signal(name), core: false }, Vec::new());
            }
            It::IsGone => {
                self.main = None;
                self.step(Event::Gone { ticket: self.ticket() });
            }
            It::Waits(millis) => self.waits(Duration::from_millis(millis)),
            It::HasNoPidFile => self.step(Event::PidFile(Look::Absent)),
            It::HasStalePidFile => self.step(Event::PidFile(Look::Stale("it names a dead process".into()))),
            It::HasBadPidFile => self.step(Event::PidFile(Look::Rejected("it is a link".into()))),
            It::IsNamed(pid, seconds) => {
                self.main = Some(id(pid));
                self.step(Event::PidFile(Look::Names { id: id(pid), up: Duration::from_secs(seconds) }));
            }
            It::Says(settings) => self.step(Event::Settings(Arc::new(profile(settings)))),
            It::SaysNonsense => self.step(Event::BadSettings("nonsense".into())),
            It::Disappears => self.step(Event::Removed),
            It::Drains => self.step(Event::Drain),
            It::IsTold(order) => self.step(Event::Order(order)),
            It::LoadsHooks => self.loads(None),
            It::HasBroken(hook) => self.loads(Some(hook)),
            It::Hears(hook, outcome) => {
                let id = self.asked(hook);
                self.step(Event::Decided { id, hook, outcome: outcome() });
            }
            It::IsWished(wish) => self.step(Event::Wished { hook: Hook::OnTick, wish: wish() }),
        }
    }

    fn recalls(&mut self, remembered: Remembered, found: Found) {
        self.newest = remembered.phase.start().map(|start| start.ticket).or(self.newest);
        self.step(Event::Begin(Some(Box::new(Recalled { remembered, found }))));
    }

    fn loads(&mut self, broken: Option<Hook>) {
        let HookFiles { present, digest } = self.machine.memory.policy().hooks.clone();
        let loaded: Vec<Hook> = present.iter().copied().filter(|hook| Some(*hook) != broken).collect();
        let checks = if loaded.contains(&Hook::Health) { vec![Schedule::default()] } else { Vec::new() };
        let broken = broken.map(|hook| (hook, "line 1: no".to_owned())).into_iter().collect();
        let hooks = Hooks { loaded, broken, checks, tick: Some(Duration::from_secs(60)) };
        self.step(Event::HooksLoaded(digest, Arc::new(hooks)));
    }

    /// The last question to this hook.
    fn asked(&self, hook: Hook) -> QuestionId {
        let question = self.actions.iter().rev().find_map(|action| match action {
            Action::Consult(question) if question.hook == hook => Some(question.id),
            _ => None,
        });
        question.expect("it was asked")
    }

    fn ends(&mut self, exit: Exit, remains: Vec<ProcId>) {
        let id = self.main.take().expect("a process lives that can end");
        self.step(Event::Exited { ticket: self.ticket(), id, exit, remains });
    }

    /// Lets time pass, with each timeout when it is due.
    fn waits(&mut self, duration: Duration) {
        let end = self.now.plus(duration);
        while let Some((at, _)) = self.machine.deadline().filter(|(at, _)| *at <= end) {
            self.now = self.now.max(at);
            self.step(Event::Timeout);
        }
        self.now = end;
    }
}

/// Plays one life. What is expected of each step is all that it does, in order, separated by `; `.
#[track_caller]
fn check(settings: Settings<'_>, life: &[(It, &str)]) -> Life {
    let mut played = Life::new(settings);
    for (step, (it, expect)) in life.iter().enumerate() {
        played.happens(*it);
        let done = counted(&std::mem::take(&mut played.done));
        assert_eq!(done, *expect, "step {step}, {it:?}, of {settings:?}");
    }
    played
}

/// The items separated by `; `, those that repeat themselves once and with their number.
fn counted(items: &[String]) -> String {
    let runs = items.chunk_by(|a, b| a == b).map(|run| match run {
        [one] => one.clone(),
        _ => format!("{} ({} times)", run[0], run.len()),
    });
    runs.collect::<Vec<_>>().join("; ")
}
