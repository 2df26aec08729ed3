//! What must follow an end that nobody asked for: the rules of `restart`, `oneshot` and `backoff`, written a second
//! time.

use std::time::Duration;

use proclaunch_core::exit::Exit;
use proclaunch_core::hook::Hook;
use proclaunch_core::ids::ProfileName;
use proclaunch_core::log::{Outcome, Said};
use proclaunch_core::machine::Want;
use proclaunch_core::profile::{Policy, Profile, Restart};

use crate::checks::{ensure, violated};
use crate::world::Sim;

impl Sim {
    /// What the log says of an end is what the settings in force say.
    pub(crate) fn check_outcome(&self, name: &ProfileName, said: &Said) {
        let Some(entry) = self.model.entries.get(name) else { return };
        let (exit, outcome) = match said {
            Said::Died { exit, outcome, .. } | Said::DiedUnseen { exit, outcome, .. } => {
                (Some(*exit), Some(*outcome))
            }
            Said::StartFailed { outcome, .. } => (None, Some(*outcome)),
            Said::Finished { exit, .. } => (Some(*exit), None),
            Said::Starting
            | Said::Running { .. }
            | Said::Adopted { .. }
            | Said::GaveUp { .. }
            | Said::Stopping
            | Said::Stopped { .. }
            | Said::Reloading { .. }
            | Said::Disappeared
            | Said::Signalled { .. }
            | Said::NextStopSignal { .. }
            | Said::Killing { .. }
            | Said::KillingRest { .. }
            | Said::LeftBehind { .. }
            | Said::NotGone { .. }
            | Said::PidFileRejected { .. }
            | Said::BadSettings { .. }
            | Said::Warned { .. }
            | Said::Changed
            | Said::Created
            | Said::Deleting
            | Said::RemovingPidFile
            | Said::Gate { .. }
            | Said::HookDecided { .. }
            | Said::HookFailed { .. }
            | Said::Hook { .. }
            | Said::HookBroken { .. }
            | Said::HookOff { .. }
            | Said::Healthy
            | Said::Unhealthy { .. }
            | Said::NotReady { .. } => return,
        };
        if entry.want != Want::Up {
            return ensure(outcome == Some(Outcome::Ending), || format!("`{name} {said}`, and it is to end"));
        }
        let (is_oneshot, policy) = match entry.profile.as_deref() {
            Some(Profile { shape, policy }) => (shape.oneshot, policy.clone()),
            None => (false, Policy::default()),
        };
        let is_asked = matches!(said, Said::Died { .. } | Said::DiedUnseen { .. })
            && self.questions.has(name, Hook::ShouldRestart);
        ensure(is_asked == (outcome == Some(Outcome::Asked)), || {
            format!("`{name} {said}`, hooks: {is_asked}")
        });
        let is_right = match outcome {
            None => is_oneshot && exit == Some(Exit::Code(0)),
            Some(Outcome::NotRestarted) => !retries(&policy, exit),
            Some(Outcome::GivenUp) => retries(&policy, exit) && policy.give_up.is_some(),
            Some(Outcome::Restart(delay)) => retries(&policy, exit) && delay <= longest(&policy),
            Some(Outcome::Asked) => exit.is_some(),
            Some(Outcome::Ending) => violated(format!("`{name} {said}`, and it is to run")),
        };
        let is_done = is_oneshot && exit == Some(Exit::Code(0));
        ensure(is_right && (outcome.is_none() || !is_done), || format!("`{name} {said}`, by {policy:?}"));
    }
}

/// Whether a process that ended so is started again; without an exit, a start that failed.
fn retries(policy: &Policy, exit: Option<Exit>) -> bool {
    match policy.restart {
        Restart::Always => true,
        Restart::OnFailure => exit.is_none_or(|exit| exit != Exit::Code(0)),
        Restart::Never => false,
    }
}

/// The longest pause before a restart.
fn longest(policy: &Policy) -> Duration {
    policy.backoff.cap.max(policy.backoff.base) * 11 / 10
}
