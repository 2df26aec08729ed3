//! What was typed.
//!
//! **Invariant:** no file is touched and no default is worked out here; see [`super::Settings`].

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use log::LevelFilter;
use proclaunch_core::ids::{NAME_RULE, ProfileName};

use super::Access;

const AFTER_HELP: &str = "\
Signals:
  HUP        Drain: stop all profiles, then exit 111; again: exit 111 at once
  TERM, INT  Leave: exit 0, profiles keep running and the next start adopts them;
             with --on-term drain: stop all profiles, then exit 0
  USR1       Reopen the log file
  USR2       Upgrade: execute what the program's file holds now; profiles keep running

Exit codes:
  0    Started, already running with these directories, or ended by TERM or INT
  2    The command line is wrong
  100  A directory or file is not as it must be
  111  All profiles stopped after HUP, or the system failed

STATE_DIR/proclaunch.pid holds the process to signal. Starting again on the same STATE_DIR is
harmless: it may stand in a crontab.";

/// Supervises the profiles of a directory: starts them, and starts them again as their settings say.
#[derive(Debug, Parser)]
#[command(name = "proclaunch", version, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Arguments {
    /// Where ProcLaunch keeps its own files; made if missing, its parent must exist
    #[arg(value_name = "STATE_DIR")]
    pub state_dir: PathBuf,

    /// The directory of profiles, each a directory with an executable `run`; may be a symlink that is switched
    #[arg(value_name = "PROFILES_DIR")]
    pub profiles_dir: PathBuf,

    /// Stay in the foreground, and log to standard error; always so as PID 1
    #[arg(short, long, visible_short_alias = 'F')]
    pub foreground: bool,

    /// Log everything: the same as --log-level debug, and stronger
    #[arg(short = 'D', long)]
    pub debug: bool,

    /// The least important lines to log
    #[arg(long, value_name = "LEVEL", value_enum, ignore_case = true, default_value = "info")]
    pub log_level: LogLevel,

    /// Where to log, in the foreground too.
    #[arg(
        long,
        value_name = "FILE",
        help = "Log to FILE, in the foreground too [default: PROFILES_DIR/error.log; standard error in the foreground]"
    )]
    pub log_path: Option<PathBuf>,

    /// Where Lua hooks find modules, after the profile's own directory and `.hooks` beside the profiles
    #[arg(long, value_name = "DIR")]
    pub hooks: Option<PathBuf>,

    /// What TERM and INT do: leave the profiles running, or drain [default: leave; drain as PID 1]
    #[arg(long, value_name = "ACTION", value_enum)]
    pub on_term: Option<OnTerm>,

    /// When this profile has ended and is not started again, stop all others and exit with its exit code
    #[arg(long, value_name = "NAME", value_parser = profile_name)]
    pub exit_with: Option<ProfileName>,

    /// Who may see and control it.
    #[command(flatten)]
    pub access: Access,
}

pub(super) fn profile_name(text: &str) -> Result<ProfileName, String> {
    ProfileName::parse(text).ok_or_else(|| NAME_RULE.to_owned())
}

/// How important a line is, the most important first: of one line, or the least of those logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum LogLevel {
    /// The last line before ProcLaunch ends itself.
    #[value(help = None::<&str>)]
    Fatal,
    /// Something does not work.
    #[value(help = None::<&str>)]
    Error,
    /// Something is not as it should be, and was worked around.
    #[value(help = None::<&str>)]
    Warn,
    /// What happened.
    #[value(help = None::<&str>)]
    Info,
    /// Why it happened.
    #[value(help = None::<&str>)]
    Debug,
    /// Everything.
    #[value(help = None::<&str>)]
    Trace,
}

impl LogLevel {
    /// The filter of the `log` crate that lets this level pass. It has no level above ERROR.
    pub const fn filter(self) -> LevelFilter {
        match self {
            Self::Fatal | Self::Error => LevelFilter::Error,
            Self::Warn => LevelFilter::Warn,
            Self::Info => LevelFilter::Info,
            Self::Debug => LevelFilter::Debug,
            Self::Trace => LevelFilter::Trace,
        }
    }

    /// The level of the `log` crate under which a line of this level travels.
    pub const fn carrier(self) -> log::Level {
        match self {
            Self::Fatal | Self::Error => log::Level::Error,
            Self::Warn => log::Level::Warn,
            Self::Info => log::Level::Info,
            Self::Debug => log::Level::Debug,
            Self::Trace => log::Level::Trace,
        }
    }
}

/// What SIGTERM and SIGINT do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnTerm {
    /// Exit, and leave the profiles running.
    #[value(help = None::<&str>)]
    Leave,
    /// Stop all profiles, then exit.
    #[value(help = None::<&str>)]
    Drain,
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;
    use crate::fatal::USAGE;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(std::iter::once("proclaunch").chain(line.split_whitespace()))
    }

    #[test]
    fn the_command_line_of_the_original_still_works() {
        for line in ["-f s p", "-F s p", "--foreground s p", "s p -f"] {
            assert!(parse(line).unwrap().foreground, "{line}");
        }
        assert!(parse("-D s p").unwrap().debug);
        assert!(parse("--debug s p").unwrap().debug);
        for line in ["--log-level=WARN s p", "--log-level warn s p", "--log-level Warn s p"] {
            assert_eq!(parse(line).unwrap().log_level, LogLevel::Warn, "{line}");
        }
        assert_eq!(parse("s p").unwrap().log_level, LogLevel::Info);
        assert_eq!(parse("--log-path=/x s p").unwrap().log_path, Some(PathBuf::from("/x")));
        assert_eq!(parse("--on-term drain s p").unwrap().on_term, Some(OnTerm::Drain));
    }

    #[test]
    fn bug_24_a_wrong_command_line_is_refused_with_exit_2() {
        for line in ["", "s", "s p more", "--bogus s p", "--log-level loud s p", "--on-term stay s p"] {
            assert_eq!(parse(line).unwrap_err().exit_code(), i32::from(USAGE), "{line:?}");
        }
    }

    #[test]
    fn version_is_an_answer_and_not_an_error() {
        let answer = parse("--version").unwrap_err();
        assert_eq!(answer.kind(), ErrorKind::DisplayVersion);
        assert_eq!(answer.to_string(), format!("proclaunch {}\n", env!("CARGO_PKG_VERSION")));
    }
}
