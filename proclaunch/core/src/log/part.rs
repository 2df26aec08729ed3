//! The lines about ProcLaunch's own processes: the keeper, and what it starts besides services.

use std::fmt;
use std::time::Duration;

use super::entry::Level;
use super::format::Span;
use super::own::Own;

/// A process of ProcLaunch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is its own word")]
pub enum Helper {
    Keeper,
    Supervisor,
    Logger,
}

impl fmt::Display for Helper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keeper => "keeper",
            Self::Supervisor => "supervisor",
            Self::Logger => "logger",
        })
    }
}

/// What becomes of ProcLaunch's own processes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the words beside each variant in `Display` are its documentation")]
pub enum Part {
    HelperRestarted { helper: Helper, pid: i32, why: String },
    HelperNotStarted { helper: Helper, why: String, next: Duration },
    KeeperRestarted { pid: i32 },
    Upgrading { program: String },
    Upgraded { pid: i32, from: String, to: String },
    UpgradeRefused { why: String },
}

impl Part {
    pub(super) const fn level(&self) -> Level {
        match self {
            Self::HelperNotStarted { .. } => Level::Error,
            Self::HelperRestarted { .. } | Self::KeeperRestarted { .. } | Self::UpgradeRefused { .. } => {
                Level::Warn
            }
            Self::Upgrading { .. } | Self::Upgraded { .. } => Level::Info,
        }
    }
}

impl From<Part> for Own {
    fn from(part: Part) -> Self {
        Self::Part(part)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HelperRestarted { helper, pid, why } => write!(f, "{helper} restarted pid {pid} ({why})"),
            Self::HelperNotStarted { helper, why, next } => {
                write!(f, "failed to start the {helper}: {why} (next try in {})", Span(*next))
            }
            // Nobody who saw its end is left to tell of it.
            Self::KeeperRestarted { pid } => write!(f, "keeper restarted pid {pid} (its process was gone)"),
            Self::Upgrading { program } => write!(f, "upgrading (to {program})"),
            Self::Upgraded { pid, from, to } => write!(f, "upgraded pid {pid} (from {from} to {to})"),
            Self::UpgradeRefused { why } => write!(f, "keeps the old program: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Entry, line};

    /// The line from its level on.
    #[track_caller]
    fn check(part: Part, expect: &str) {
        assert_eq!(line(0, &Entry::Own(part.into())).split_off(25), expect);
    }

    #[test]
    fn what_becomes_of_the_processes_of_proclaunch_is_said() {
        let why = || "killed by signal KILL, after 3h 2m".to_owned();
        check(
            Part::HelperRestarted { helper: Helper::Supervisor, pid: 7, why: why() },
            "WARN  ProcLaunch supervisor restarted pid 7 (killed by signal KILL, after 3h 2m)",
        );
        check(
            Part::HelperRestarted { helper: Helper::Logger, pid: 7, why: why() },
            "WARN  ProcLaunch logger restarted pid 7 (killed by signal KILL, after 3h 2m)",
        );
        check(
            Part::KeeperRestarted { pid: 7 },
            "WARN  ProcLaunch keeper restarted pid 7 (its process was gone)",
        );
        let (why, next) = ("execute it: no such file".to_owned(), Duration::from_secs(2));
        check(
            Part::HelperNotStarted { helper: Helper::Logger, why, next },
            "ERROR ProcLaunch failed to start the logger: execute it: no such file (next try in 2s)",
        );
    }

    #[test]
    fn an_upgrade_is_said() {
        check(Part::Upgrading { program: "2.1.0".to_owned() }, "INFO  ProcLaunch upgrading (to 2.1.0)");
        let (from, to) = ("2.0.0".to_owned(), "2.1.0".to_owned());
        check(Part::Upgraded { pid: 7, from, to }, "INFO  ProcLaunch upgraded pid 7 (from 2.0.0 to 2.1.0)");
        check(
            Part::UpgradeRefused { why: "it is no program".to_owned() },
            "WARN  ProcLaunch keeps the old program: it is no program",
        );
    }
}
