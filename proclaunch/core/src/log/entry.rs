//! One line of the log, as data: how much it matters, whom it is about, and what it says.
//!
//! What ProcLaunch says about itself is in `own.rs`, and what it says about a profile in `said.rs`.

use super::own::Own;
use super::said::Said;
use crate::ids::ProfileName;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The last line before ProcLaunch ends itself.
    Fatal,
    /// Something is given up.
    Error,
    /// Something is wrong; supervision goes on.
    Warn,
    /// What happens.
    Info,
    /// Why it happens.
    Debug,
}

impl Level {
    /// The word in the log.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fatal => "FATAL",
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
        }
    }
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// ProcLaunch about itself.
    Own(Own),
    /// About one profile.
    Profile(ProfileName, Said),
}

impl Entry {
    /// How much it matters.
    pub const fn level(&self) -> Level {
        match self {
            Self::Own(own) => own.level(),
            Self::Profile(_, said) => said.level(),
        }
    }

    /// Whom it is about: `ProcLaunch` or the profile's name.
    pub fn tag(&self) -> &str {
        match self {
            Self::Own(_) => "ProcLaunch",
            Self::Profile(name, _) => name.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::exit::Exit;
    use crate::ids::ProcId;
    use crate::log::{Outcome, line};
    use crate::signal::Signal;

    const AT: i64 = 1_795_444_265_123;

    fn about(said: Said) -> String {
        line(AT, &Entry::Profile(ProfileName::parse("web").unwrap(), said))
    }

    const ID: ProcId = ProcId { pid: 4242, start: 7 };

    #[test]
    fn the_line_has_the_fixed_format() {
        assert_eq!(about(Said::Running { id: ID }), "2026-11-23T14:31:05.123Z INFO  web running pid 4242");
        assert_eq!(
            line(AT, &Entry::Own(Own::Failed { what: "wait".to_owned() })),
            "2026-11-23T14:31:05.123Z FATAL ProcLaunch failed to wait"
        );
    }

    #[test]
    fn an_exit_is_told_exactly() {
        let died = |exit, outcome| {
            let after = Duration::from_secs(10_920);
            about(Said::Died { id: ID, exit, after, outcome }).split_off(31)
        };
        let kill = Exit::Signal { signal: Signal::KILL, core: false };
        let segv = Exit::Signal { signal: Signal::from_number(11).unwrap(), core: true };
        let again = Outcome::Restart(Duration::ZERO);
        assert_eq!(died(kill, again), "web died (pid 4242, signal KILL, after 3h 2m, restart at once)");
        let later = Outcome::Restart(Duration::from_millis(800));
        assert_eq!(
            died(segv, later),
            "web died (pid 4242, signal SEGV, core dumped, after 3h 2m, restart in 0.8s)"
        );
        assert_eq!(
            died(Exit::OutOfMemory, again),
            "web died (pid 4242, signal KILL, out of memory, after 3h 2m, restart at once)"
        );
        assert_eq!(
            died(Exit::Code(3), Outcome::NotRestarted),
            "web died (pid 4242, exit 3, after 3h 2m, not restarted)"
        );
        assert_eq!(
            died(Exit::Unknown, Outcome::GivenUp),
            "web died (pid 4242, exit unknown, after 3h 2m, given up)"
        );
    }

    #[test]
    fn scenario_33_nothing_from_outside_can_forge_a_line() {
        let problem =
            "x\n2026-11-23T14:31:05.123Z INFO  web running pid 1\r\0\x1b[31m\u{85}\u{2028}%s".to_owned();
        let text = about(Said::Warned { problem });
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert!(!text.contains('\u{2028}'), "{text:?}");
        assert!(text.contains(r"x\n2026") && text.contains(r"\r\u{0}\u{1b}[31m\u{85}\u{2028}%s"), "{text}");
    }
}
