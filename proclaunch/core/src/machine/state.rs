//! The states. Data lives in the variant where it is valid, and timers are derived from it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::exit::Exit;
use crate::hook::QuestionId;
use crate::ids::{ProcId, Ticket};
use crate::process::Scope;
use crate::profile::{Profile, Variable};

use super::Context;
use super::event::Event;
use super::health::Watch;
use super::imprint::Made;
use super::memory::{Memory, Rest};

/// The four public states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words of the original")]
pub enum StateName {
    Stopped,
    Starting,
    Running,
    Stopping,
}

impl fmt::Display for StateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stopped => "stopped",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
        })
    }
}

/// Where a profile is in its life. Always exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum State {
    Stopped(Stopped),
    Starting(Starting),
    Running(Running),
    Stopping(Stopping),
}

/// **Invariant:** nothing of the profile lives, as far as its `kill` file lets us say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stopped {
    /// Nothing will happen by itself.
    Idle(Idle),
    /// To be started, once the pid file is known to name nothing that lives.
    Looking { until: Moment },
    /// To be started, once its hooks are loaded.
    Loading { until: Moment },
    /// To be started later.
    Backoff { until: Moment },
    /// `should_restart` is asked; without an answer, what the settings say.
    Deciding { id: QuestionId, until: Moment, then: Then },
}

/// Why nothing happens by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Idle {
    /// Nothing was decided yet.
    New,
    /// Its `down` file holds it.
    Down,
    /// It was stopped by order, or by a drain.
    Ordered,
    /// It never had good settings.
    Held,
    /// It ended.
    Rest(Rest),
    /// Its directory is gone; the machine can be dropped.
    Gone,
}

/// **Invariant:** there is at most one start, and its ticket is here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Starting {
    /// The keeper was asked for a process.
    Launching(Launching),
    /// `run` was started, and the pid file does not name its daemon yet.
    Daemonizing(Daemonizing),
    /// `on_start` has not let it through yet: nothing lives.
    Gate(Gate),
    /// The process lives, and `ready` has not said yes yet.
    Readying(Readying),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Launching {
    pub(super) ticket: Ticket,
    pub(super) profile: Arc<Profile>,
    /// What `on_start` has added to the environment.
    pub(super) variables: Vec<Variable>,
    /// `on_start` was not asked, by order.
    pub(super) is_forced: bool,
    pub(super) since: Moment,
    pub(super) until: Moment,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Gate {
    pub(super) asked: Option<QuestionId>,
    /// When the answer should be there, or when to ask again.
    pub(super) until: Moment,
    pub(super) tries: u32,
    /// The reason that was said last.
    pub(super) said: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Readying {
    pub(super) running: Running,
    pub(super) until: Moment,
    /// The question that is open, and when its answer should be there.
    pub(super) asked: Option<(QuestionId, Moment)>,
    /// When to ask again.
    pub(super) next: Moment,
    /// The reason that was said last.
    pub(super) said: String,
}

impl Readying {
    fn deadline(&self) -> (Moment, Timer) {
        let next = self.asked.map_or(self.next, |(_, until)| until);
        if next < self.until { (next, Timer::Hook) } else { (self.until, Timer::StartTimeout) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Daemonizing {
    pub(super) ticket: Ticket,
    pub(super) profile: Arc<Profile>,
    /// `run` itself, while it lives.
    pub(super) launcher: Option<ProcId>,
    pub(super) since: Moment,
    pub(super) look_at: Moment,
    /// How long after the next look the one after it comes.
    pub(super) pause: Duration,
    pub(super) until: Moment,
    /// The look that is the last one was asked for; its answer should be there by then.
    pub(super) last_look: Option<Moment>,
}

impl Daemonizing {
    fn deadline(&self) -> (Moment, Timer) {
        match self.last_look {
            Some(answered) => (answered, Timer::StartTimeout),
            None if self.look_at < self.until => (self.look_at, Timer::PidFileLook),
            None => (self.until, Timer::StartTimeout),
        }
    }
}

/// The main process runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Running {
    pub(super) ticket: Ticket,
    pub(super) id: ProcId,
    pub(super) since: Moment,
    /// The settings it was started with.
    pub(super) made: Made,
    /// What its hooks are asked; nothing without hooks.
    pub(super) attention: Option<Box<Attention>>,
}

/// What the hooks of a running profile are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Attention {
    pub(super) ready: Moment,
    pub(super) watch: Watch,
    /// `on_change` is asked, until then.
    pub(super) change: Option<(QuestionId, Moment)>,
    /// `should_restart` is asked because it is unhealthy, until then.
    pub(super) verdict: Option<(QuestionId, Moment)>,
}

impl Attention {
    fn deadline(&self) -> Option<Moment> {
        let open = [self.change, self.verdict].into_iter().flatten().map(|(_, until)| until);
        open.chain(self.watch.deadline()).min()
    }

    /// The questions that are open.
    pub(super) fn open(&self) -> impl Iterator<Item = QuestionId> + '_ {
        let decisions = [self.change, self.verdict].into_iter().flatten().map(|(id, _)| id);
        decisions.chain(self.watch.open())
    }
}

/// **Invariant:** something of the start in `ending` may live; nothing else of the profile does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stopping {
    /// Told to stop before the keeper said whether there is a process.
    Unborn { ending: Ending, until: Moment },
    /// `on_stop` is asked, or has asked for time, before the first signal.
    Farewell { ending: Ending, scope: Scope, asked: Option<QuestionId>, until: Moment },
    /// The stop signals are being sent, one after the other.
    Signalled { ending: Ending, scope: Scope, step: usize, since: Moment, until: Moment },
    /// SIGKILL was sent.
    Killing { ending: Ending, whole_tree: bool, since: Moment, until: Moment, pause: Duration, said: bool },
}

/// The start that comes to its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ending {
    pub(super) ticket: Ticket,
    /// When it began.
    pub(super) since: Moment,
    /// The settings it was made with.
    pub(super) made: Made,
    /// The main process, while it lives.
    pub(super) main: Option<ProcId>,
    /// How the main process ended.
    pub(super) exit: Option<(ProcId, Exit)>,
    /// Whether it was told to stop. If not, it died, and what it left behind is being cleared away.
    pub(super) asked: bool,
    pub(super) then: Then,
    /// `should_restart` is asked, until then; its answer replaces `then`.
    pub(super) deciding: Option<(QuestionId, Moment)>,
}

/// What follows if the profile is still wanted up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Start at this moment, or at once if it has passed.
    StartAt(Moment),
    /// Rest.
    Rest(Rest),
    /// Wait until the `down` file is gone: the profile came back with one while it was being stopped for having gone.
    Down,
}

/// Which timer a deadline is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// The pid file should have been looked at by then.
    PidFileLook,
    /// The pause before a restart is over.
    Backoff,
    /// The keeper should have answered by then.
    Launch,
    /// The profile should be ready by then.
    StartTimeout,
    /// The stop signal should have worked by then.
    StopTimeout,
    /// Time to look again whether SIGKILL has worked.
    KillAgain,
    /// A hook should have answered by then, or is to be asked.
    Hook,
}

impl State {
    pub(super) fn step(self, memory: &mut Memory, cx: &mut Context<'_>, event: Event) -> Self {
        match self {
            Self::Stopped(stopped) => stopped.step(memory, cx, event),
            Self::Starting(starting) => starting.step(memory, cx, event),
            Self::Running(running) => running.step(memory, cx, event),
            Self::Stopping(stopping) => stopping.step(memory, cx, event),
        }
    }

    pub(super) const fn name(&self) -> StateName {
        match self {
            Self::Stopped(_) => StateName::Stopped,
            Self::Starting(_) => StateName::Starting,
            Self::Running(_) => StateName::Running,
            Self::Stopping(_) => StateName::Stopping,
        }
    }

    /// When this state wants to be woken, and what for. Nothing is armed or disarmed.
    pub(super) fn deadline(&self) -> Option<(Moment, Timer)> {
        match self {
            Self::Stopped(Stopped::Idle(_)) => None,
            Self::Running(running) => running.attention.as_ref()?.deadline().map(|at| (at, Timer::Hook)),
            Self::Stopped(Stopped::Loading { until } | Stopped::Deciding { until, .. })
            | Self::Stopping(Stopping::Farewell { until, .. }) => Some((*until, Timer::Hook)),
            Self::Stopped(Stopped::Looking { until }) => Some((*until, Timer::PidFileLook)),
            Self::Stopped(Stopped::Backoff { until }) => Some((*until, Timer::Backoff)),
            Self::Starting(Starting::Launching(Launching { until, .. }))
            | Self::Stopping(Stopping::Unborn { until, .. }) => Some((*until, Timer::Launch)),
            Self::Starting(Starting::Daemonizing(waiting)) => Some(waiting.deadline()),
            Self::Starting(Starting::Gate(gate)) => Some((gate.until, Timer::Hook)),
            Self::Starting(Starting::Readying(readying)) => Some(readying.deadline()),
            Self::Stopping(Stopping::Signalled { until, .. }) => Some((*until, Timer::StopTimeout)),
            Self::Stopping(Stopping::Killing { until, .. }) => Some((*until, Timer::KillAgain)),
        }
    }
}
