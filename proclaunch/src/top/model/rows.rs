//! Which profiles are shown, and in which order.

use std::cmp::Ordering;

use crate::control::api::Profile;

/// By what rows are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By name.
    #[default]
    Name,
    /// What is in trouble first.
    State,
    /// What has run longest first.
    Uptime,
    /// What was restarted most first.
    Restarts,
    /// What uses most CPU first.
    Cpu,
    /// What uses most memory first.
    Memory,
}

impl Sort {
    const ALL: [Self; 6] = [Self::Name, Self::State, Self::Uptime, Self::Restarts, Self::Cpu, Self::Memory];

    /// The column, as its head names it.
    pub const fn column(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::State => "STATE",
            Self::Uptime => "UPTIME",
            Self::Restarts => "RST",
            Self::Cpu => "CPU%",
            Self::Memory => "MEM",
        }
    }

    /// The next column, or the one before.
    #[must_use]
    pub fn step(self, is_forward: bool) -> Self {
        let at = Self::ALL.iter().position(|sort| *sort == self).unwrap_or(0);
        let by = if is_forward { 1 } else { Self::ALL.len() - 1 };
        Self::ALL[(at + by) % Self::ALL.len()]
    }

    /// The order of two profiles; equal ones by name.
    pub fn compare(self, one: &Profile, other: &Profile) -> Ordering {
        let by = match self {
            Self::Name => Ordering::Equal,
            Self::State => trouble(one).cmp(&trouble(other)).reverse(),
            Self::Uptime => most(one.uptime, other.uptime),
            Self::Restarts => other.restarts.cmp(&one.restarts),
            Self::Cpu => most(one.cpu_percent, other.cpu_percent),
            Self::Memory => other.memory_bytes.cmp(&one.memory_bytes),
        };
        by.then_with(|| one.name.cmp(&other.name))
    }
}

/// The greater first, what is unknown last.
fn most(one: Option<f64>, other: Option<f64>) -> Ordering {
    let of = |value: Option<f64>| value.unwrap_or(f64::NEG_INFINITY);
    of(other).total_cmp(&of(one))
}

/// How much a profile needs somebody: 0 is nothing at all.
pub fn trouble(profile: &Profile) -> u8 {
    match profile.standing.as_str() {
        "gave_up" => 7,
        "held" => 6,
        "unhealthy" => 5,
        "dead" if died_badly(profile) => 4,
        "backoff" => 3,
        "starting" => 2,
        _ if profile.trouble.is_some() || !profile.hooks_off.is_empty() => 1,
        _ => 0,
    }
}

/// Whether it ended otherwise than by exit code 0.
pub fn died_badly(profile: &Profile) -> bool {
    profile.exit.as_ref().is_none_or(|exit| exit.code != Some(0))
}

/// Whether a profile is meant by what was typed: each word is in its name, its standing or its health. Case does not
/// count.
pub(super) fn is_meant(profile: &Profile, filter: &str) -> bool {
    filter.split_whitespace().all(|word| {
        let word = word.to_lowercase();
        [&profile.name, &profile.standing, &profile.state, &profile.health]
            .iter()
            .any(|text| text.to_lowercase().contains(&word))
    })
}
