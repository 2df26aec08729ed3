//! What tells one shape from another, where the settings themselves are not to be kept.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::remembered::Start;
use crate::profile::{Fingerprint, Limit, Profile, Shape, User, Variable};

/// The mask of a new profile.
const UMASK: u32 = 0o022;

/// A digest of the settings that shape a process. It stands in records, which outlive an upgrade.
///
/// **Invariant:** the same settings give the same digest in every version: a setting that is not there adds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Imprint(u64);

impl Imprint {
    /// The digest of these settings.
    pub fn of(shape: &Shape) -> Self {
        let Shape { run, pid_file, oneshot, user, env, directory, umask, nice, limits, instance } = shape;
        let mut text = Vec::with_capacity(128);
        add(&mut text, "run", &run.0.to_le_bytes());
        if let Some(path) = pid_file {
            add(&mut text, "pid_file", path.as_bytes());
        }
        if *oneshot {
            add(&mut text, "oneshot", b"");
        }
        if let Some(User { user, group }) = user {
            add(&mut text, "user", user.as_bytes());
            if let Some(group) = group {
                add(&mut text, "group", group.as_bytes());
            }
        }
        for Variable { name, value } in env {
            add(&mut text, "env", name.as_bytes());
            add(&mut text, "value", value);
        }
        if let Some(path) = directory {
            add(&mut text, "directory", path.as_bytes());
        }
        if *umask != UMASK {
            add(&mut text, "umask", &umask.to_le_bytes());
        }
        if let Some(nice) = nice {
            add(&mut text, "nice", &nice.to_le_bytes());
        }
        for Limit { resource, soft, hard } in limits {
            add(&mut text, "limit", format!("{resource:?}").as_bytes());
            add(&mut text, "soft", &soft.to_le_bytes());
            add(&mut text, "hard", &hard.to_le_bytes());
        }
        if let Some(number) = instance {
            add(&mut text, "instance", &number.to_le_bytes());
        }
        Self::of_digest(Fingerprint::of(&text))
    }

    /// A digest that is made already, folded: half of it is enough to tell a change.
    pub(super) fn of_digest(Fingerprint(digest): Fingerprint) -> Self {
        Self(u64::try_from((digest ^ digest >> 64) & u128::from(u64::MAX)).expect("it is masked"))
    }
}

/// Each item with its name and its length, so that no two lists of items give the same bytes.
fn add(text: &mut Vec<u8>, name: &str, value: &[u8]) {
    text.extend_from_slice(name.as_bytes());
    text.push(0);
    text.extend_from_slice(&(value.len() as u64).to_le_bytes());
    text.extend_from_slice(value);
}

/// The settings that a start was made with, as far as they are known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Made {
    /// These.
    By(Arc<Profile>),
    /// Others than the files give: a record tells no more of them.
    Of {
        /// Their digest.
        imprint: Imprint,
        /// Whether they have a `pid_file`.
        daemonizes: bool,
    },
    /// It was adopted from a profile whose files are bad.
    Unknown,
}

impl Made {
    /// What is known of a process that was found.
    pub(super) fn found(profile: Option<Arc<Profile>>) -> Self {
        profile.map_or(Self::Unknown, Self::By)
    }

    /// What a record tells, and what the files that give the same tell besides.
    pub(super) fn recalled(start: &Start, profile: Option<&Arc<Profile>>) -> Self {
        let daemonizes = start.daemonizes;
        match (start.shape, profile) {
            (Some(imprint), Some(profile)) if Imprint::of(&profile.shape) == imprint => {
                Self::By(Arc::clone(profile))
            }
            (Some(imprint), _) => Self::Of { imprint, daemonizes },
            (None, profile) => Self::found(profile.cloned()),
        }
    }

    pub(super) const fn profile(&self) -> Option<&Arc<Profile>> {
        match self {
            Self::By(profile) => Some(profile),
            Self::Of { .. } | Self::Unknown => None,
        }
    }

    /// Whether the start is to write a pid file.
    pub(super) fn daemonizes(&self) -> bool {
        match self {
            Self::By(profile) => profile.shape.pid_file.is_some(),
            Self::Of { daemonizes, .. } => *daemonizes,
            Self::Unknown => false,
        }
    }

    /// Whether these settings would make another process.
    pub(super) fn differs(&self, new: &Profile) -> bool {
        match self {
            Self::By(old) => old.shape != new.shape,
            Self::Of { imprint, .. } => *imprint != Imprint::of(&new.shape),
            Self::Unknown => false,
        }
    }

    pub(super) fn imprint(&self) -> Option<Imprint> {
        match self {
            Self::By(profile) => Some(Imprint::of(&profile.shape)),
            Self::Of { imprint, .. } => Some(*imprint),
            Self::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Settings, profile};

    fn imprint(settings: Settings<'_>) -> Imprint {
        Imprint::of(&profile(settings).shape)
    }

    #[test]
    fn every_setting_that_shapes_a_process_makes_another_imprint() {
        let all: [Settings<'_>; 10] = [
            &[],
            &[("run", "other")],
            &[("pid_file", "pid")],
            &[("oneshot", "")],
            &[("user", "web")],
            &[("user", "web:www")],
            &[("env", "A=1\n")],
            &[("directory", "pid")],
            &[("umask", "077")],
            &[("nice", "5")],
        ];
        for (n, one) in all.iter().enumerate() {
            for other in &all[..n] {
                assert_ne!(imprint(one), imprint(other), "{one:?} and {other:?}");
            }
        }
        assert_eq!(imprint(&[]), imprint(&[("restart", ""), ("stop_signal", "INT"), ("umask", "022")]));
        assert_ne!(imprint(&[("env", "A=1\nB=2\n")]), imprint(&[("env", "A=1B=2\n")]));
        let instance = |number| Imprint::of(&profile(&[]).as_instance(number).shape);
        assert_ne!(instance(1), instance(2));
        assert_ne!(instance(1), imprint(&[("env", "INSTANCE=1\n")]));
        assert_ne!(imprint(&[("limits", "nofile 64")]), imprint(&[("limits", "nofile 64:65")]));
    }

    #[test]
    fn an_imprint_is_the_same_in_every_build() {
        let full: Settings<'_> =
            &[("user", "web"), ("env", "A=1\n"), ("limits", "nofile 64"), ("nice", "-3"), ("oneshot", "")];
        assert_eq!(
            [imprint(&[]), imprint(full)],
            [Imprint(15_646_227_521_064_568_184), Imprint(17_829_587_557_076_267_672)]
        );
    }
}
