//! What the log says, and in which order it may say so.

use std::collections::BTreeMap;

use proclaunch_core::ids::{ProcId, ProfileName};
use proclaunch_core::log::Said;
use proclaunch_core::machine::{Found, Phase, Recalled};

/// What the log has last said of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// It does not run.
    Off,
    Starting,
    /// It was being started when its supervisor was killed. If it ends unseen, and its directory is gone too, nothing
    /// more is said of it.
    Lost,
    Running(ProcId),
    Stopping,
}

/// One supervisor's log.
#[derive(Debug, Default)]
pub(crate) struct Lines(BTreeMap<ProfileName, Told>);

impl Lines {
    /// What supervisors before have told of what was recalled; lines may have gone lost with them.
    pub(crate) fn after(recalled: &BTreeMap<ProfileName, Recalled>) -> Self {
        let told = |recalled: &Recalled| match (&recalled.remembered.phase, recalled.found) {
            (Phase::Launching { .. }, Found::Nothing | Found::Left)
            | (Phase::Daemonizing { .. }, Found::Nothing) => Told::Off,
            (Phase::Launching { .. } | Phase::Daemonizing { .. } | Phase::Readying { .. }, _) => Told::Lost,
            (Phase::Running { .. }, Found::Ended { id, .. }) => Told::Running(id),
            (Phase::Stopping { asked: true, .. }, _) => Told::Stopping,
            _ => Told::Off,
        };
        Self(recalled.iter().map(|(name, recalled)| (name.clone(), told(recalled))).collect())
    }

    /// Takes a line; an error if it cannot follow what was said before.
    pub(crate) fn take(&mut self, name: &ProfileName, said: &Said) -> Result<(), String> {
        let known = self.0.get(name).copied().unwrap_or(Told::Off);
        let told = match known {
            Told::Lost if *said == Said::Deleting => Told::Off,
            Told::Lost => Told::Starting,
            told => told,
        };
        let next = follow(said, told).ok_or_else(|| format!("`{name} {said}` cannot follow {told:?}"))?;
        // What changes nothing does not bring it back.
        let next = if known == Told::Lost && next == told { known } else { next };
        self.0.insert(name.clone(), next);
        Ok(())
    }
}

/// What a line tells after what was told before, if it can follow that.
fn follow(said: &Said, told: Told) -> Option<Told> {
    Some(match (said, told) {
        (Said::Starting, Told::Off) => Told::Starting,
        (Said::Running { id }, Told::Starting) | (Said::Adopted { id, .. }, Told::Off) => Told::Running(*id),
        (
            Said::Died { id, .. } | Said::DiedUnseen { id, .. } | Said::Finished { id, .. },
            Told::Running(running),
        ) if *id == running => Told::Off,
        (Said::StartFailed { why, .. }, Told::Off) if why.starts_with("on_start: ") => told,
        (Said::StartFailed { .. } | Said::DiedUnseen { .. } | Said::Finished { .. }, Told::Starting)
        | (Said::Stopped { .. }, Told::Stopping) => Told::Off,
        // Also what died and is being cleared away.
        (Said::Stopping, Told::Off | Told::Starting | Told::Running(_)) => Told::Stopping,
        (Said::Reloading { id, .. } | Said::Signalled { id, .. }, Told::Running(running))
            if *id == running =>
        {
            told
        }
        (
            Said::Deleting
            | Said::DiedUnseen { .. }
            | Said::GaveUp { .. }
            | Said::KillingRest { .. }
            | Said::Gate { .. },
            Told::Off,
        )
        // Which process that is has not been said yet, no longer counts, or came after it was given up.
        | (Said::Signalled { .. }, Told::Off | Told::Starting | Told::Stopping)
        | (Said::NextStopSignal { .. } | Said::Killing { .. }, Told::Stopping)
        | (Said::NotReady { .. }, Told::Starting)
        | (Said::Healthy | Said::Unhealthy { .. } | Said::GaveUp { .. }, Told::Running(_))
        | (
            Said::LeftBehind { .. }
            | Said::NotGone { .. }
            | Said::PidFileRejected { .. }
            | Said::BadSettings { .. }
            | Said::Warned { .. }
            | Said::Changed
            | Said::Created
            | Said::Disappeared
            | Said::RemovingPidFile
            | Said::HookDecided { .. }
            | Said::HookFailed { .. }
            | Said::Hook { .. }
            | Said::HookBroken { .. }
            | Said::HookOff { .. },
            _,
        ) => told,
        (
            Said::Starting
            | Said::Running { .. }
            | Said::Adopted { .. }
            | Said::Died { .. }
            | Said::DiedUnseen { .. }
            | Said::Finished { .. }
            | Said::StartFailed { .. }
            | Said::GaveUp { .. }
            | Said::Stopping
            | Said::Stopped { .. }
            | Said::Reloading { .. }
            | Said::Signalled { .. }
            | Said::NextStopSignal { .. }
            | Said::Killing { .. }
            | Said::KillingRest { .. }
            | Said::Gate { .. }
            | Said::NotReady { .. }
            | Said::Healthy
            | Said::Unhealthy { .. }
            | Said::Deleting,
            _,
        ) => return None,
    })
}
