//! The states. Data lives in the variant where it is valid, and timers are derived from it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::exit::Exit;
use crate::ids::{ProcId, Ticket};
use crate::process::Scope;
use crate::profile::Profile;

use super::memory::Rest;

/// The four public states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// To be started later.
    Backoff { until: Moment },
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
    Launching { ticket: Ticket, profile: Arc<Profile>, since: Moment, until: Moment },
    /// `run` was started, and the pid file does not name its daemon yet.
    Daemonizing(Daemonizing),
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
    /// The settings it was started with; unknown if it was adopted from a profile whose files are bad.
    pub(super) profile: Option<Arc<Profile>>,
}

/// **Invariant:** something of the start in `ending` may live; nothing else of the profile does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stopping {
    /// Told to stop before the keeper said whether there is a process.
    Unborn { ending: Ending, until: Moment },
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
    /// The settings it was made with, as far as they are known.
    pub(super) profile: Option<Arc<Profile>>,
    /// The main process, while it lives.
    pub(super) main: Option<ProcId>,
    /// How the main process ended.
    pub(super) exit: Option<(ProcId, Exit)>,
    /// Whether it was told to stop. If not, it died, and what it left behind is being cleared away.
    pub(super) asked: bool,
    pub(super) then: Then,
}

/// What follows if the profile is still wanted up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Then {
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
}

impl State {
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
            Self::Stopped(Stopped::Idle(_)) | Self::Running(_) => None,
            Self::Stopped(Stopped::Looking { until }) => Some((*until, Timer::PidFileLook)),
            Self::Stopped(Stopped::Backoff { until }) => Some((*until, Timer::Backoff)),
            Self::Starting(Starting::Launching { until, .. })
            | Self::Stopping(Stopping::Unborn { until, .. }) => Some((*until, Timer::Launch)),
            Self::Starting(Starting::Daemonizing(waiting)) => Some(waiting.deadline()),
            Self::Stopping(Stopping::Signalled { until, .. }) => Some((*until, Timer::StopTimeout)),
            Self::Stopping(Stopping::Killing { until, .. }) => Some((*until, Timer::KillAgain)),
        }
    }
}
