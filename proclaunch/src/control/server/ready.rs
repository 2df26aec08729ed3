//! Whether everything that should serve does, for probes.

use proclaunch_core::fleet::Standing;
use proclaunch_core::ids::ProfileName;

use crate::control::bridge::View;

/// Why not everything serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unready {
    /// There is no profile of that name.
    Unknown,
    /// For this reason.
    Because(String),
}

/// Whether all profiles, or that one, or all instances of that directory, serve as they should. Those that are down, done, or dead by their settings should
/// not.
pub(super) fn ready(view: &View, only: Option<&ProfileName>) -> Result<(), Unready> {
    if view.is_draining {
        return Err(Unready::Because("all profiles are being stopped".to_owned()));
    }
    if !view.is_complete {
        return Err(Unready::Because("the profiles have not been read yet".to_owned()));
    }
    let is_asked = |name: &ProfileName| match only {
        None => true,
        Some(only) if view.profiles.contains_key(only) => name == only,
        Some(only) => name.instance_of().is_some_and(|(of, _)| of == *only),
    };
    let mut asked = view.profiles.iter().filter(|(name, _)| is_asked(name)).peekable();
    if only.is_some() && asked.peek().is_none() {
        return Err(Unready::Unknown);
    }
    let unready = asked.filter_map(|(name, status)| Some(format!("{name} {}", trouble(status.standing)?)));
    let unready: Vec<String> = unready.collect();
    if unready.is_empty() { Ok(()) } else { Err(Unready::Because(unready.join(", "))) }
}

/// What stands in the way, if something does.
const fn trouble(standing: Standing) -> Option<&'static str> {
    match standing {
        Standing::Serving | Standing::Done | Standing::Down | Standing::Stopped | Standing::Dead => None,
        Standing::Starting => Some("is starting"),
        Standing::Backoff => Some("waits for its next try"),
        Standing::Unhealthy => Some("is unhealthy"),
        Standing::GaveUp => Some("ended too often"),
        Standing::Held => Some("cannot be started"),
    }
}
