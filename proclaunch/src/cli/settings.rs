//! What the command line means.
//!
//! **Invariant:** every path is absolute, so that the daemon may leave the working directory.
//! **Invariant:** no symbolic link is resolved: where one is switched to a new release, the next look follows it.

use std::ffi::OsString;
use std::path::{self, Path, PathBuf};

use clap::ValueEnum;
use proclaunch_core::ids::ProfileName;

use super::{Access, Arguments, LogLevel, OnTerm};
use crate::fatal::Fatal;

/// What the supervisor is to do, worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where ProcLaunch keeps its own files; absolute.
    pub state_dir: PathBuf,
    /// The directory of profiles; absolute, symbolic links unresolved.
    pub profiles_dir: PathBuf,
    /// Whether to stay in the foreground.
    pub foreground: bool,
    /// The least important lines to log.
    pub threshold: LogLevel,
    /// Where the log goes.
    pub log_target: LogTarget,
    /// Where hooks find further modules; absolute.
    pub hooks_dir: Option<PathBuf>,
    /// What SIGTERM and SIGINT do.
    pub on_term: OnTerm,
    /// The profile whose end is to be the end of everything.
    pub exit_with: Option<ProfileName>,
    /// Who may see and control it.
    pub access: Access,
}

/// Where the log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// To standard error.
    Stderr,
    /// To the end of this file; absolute.
    File(PathBuf),
}

impl Settings {
    /// Works out what was typed. `init` says that this process is PID 1.
    ///
    /// # Errors
    /// A path is relative, and there is no working directory.
    pub fn new(arguments: Arguments, init: bool) -> Result<Self, Fatal> {
        let state_dir = absolute(&arguments.state_dir)?;
        let profiles_dir = absolute(&arguments.profiles_dir)?;
        // The end of PID 1 is the end of its container: it cannot hand over to a daemon.
        let foreground = arguments.foreground || init;
        let log_target = match arguments.log_path {
            Some(path) => LogTarget::File(absolute(&path)?),
            None if foreground => LogTarget::Stderr,
            None => LogTarget::File(profiles_dir.join("error.log")),
        };
        let hooks_dir = arguments.hooks.as_deref().map(absolute).transpose()?;
        let threshold = if arguments.debug { LogLevel::Debug } else { arguments.log_level };
        let default = if init { OnTerm::Drain } else { OnTerm::Leave };
        let on_term = arguments.on_term.unwrap_or(default);
        Ok(Self {
            state_dir,
            profiles_dir,
            foreground,
            threshold,
            log_target,
            hooks_dir,
            on_term,
            exit_with: arguments.exit_with,
            access: arguments.access.absolute()?,
        })
    }

    /// The command line by which another process of ProcLaunch comes to the same settings, without `argv[0]`; it stays
    /// in the foreground. The state directory comes first.
    pub fn words(&self) -> Vec<OsString> {
        let mut words = vec![self.state_dir.clone().into(), self.profiles_dir.clone().into()];
        let mut add = |option: &str, value: OsString| words.extend([option.into(), value]);
        add("--log-level", name_of(&self.threshold));
        add("--on-term", name_of(&self.on_term));
        if let LogTarget::File(path) = &self.log_target {
            add("--log-path", path.clone().into());
        }
        if let Some(dir) = &self.hooks_dir {
            add("--hooks", dir.clone().into());
        }
        if let Some(name) = &self.exit_with {
            add("--exit-with", name.as_str().into());
        }
        words.extend(self.access.words());
        words.push("--foreground".into());
        words
    }
}

/// What is typed for a value.
fn name_of(value: &impl ValueEnum) -> OsString {
    value.to_possible_value().expect("no value is hidden").get_name().into()
}

pub(super) fn absolute(path: &Path) -> Result<PathBuf, Fatal> {
    path::absolute(path).map_err(|source| Fatal::Absolute { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::os::unix::fs::symlink;

    use clap::Parser;

    use super::*;

    fn settings(line: &str, init: bool) -> Settings {
        let words = std::iter::once("proclaunch").chain(line.split_whitespace());
        Settings::new(Arguments::try_parse_from(words).unwrap(), init).unwrap()
    }

    #[test]
    fn the_log_goes_where_its_options_say() {
        let file = |path: &str| LogTarget::File(path.into());
        for (line, target) in [
            ("/s /p", file("/p/error.log")),
            ("-f /s /p", LogTarget::Stderr),
            ("--log-path /l /s /p", file("/l")),
            ("-f --log-path /l /s /p", file("/l")),
        ] {
            assert_eq!(settings(line, false).log_target, target, "{line}");
        }
    }

    #[test]
    fn debug_is_stronger_than_the_log_level() {
        assert_eq!(settings("/s /p", false).threshold, LogLevel::Info);
        assert_eq!(settings("-D --log-level fatal /s /p", false).threshold, LogLevel::Debug);
        assert_eq!(settings("--log-level FATAL /s /p", false).threshold, LogLevel::Fatal);
    }

    #[test]
    fn the_words_lead_to_the_same_settings() {
        for line in [
            "-f /s /p",
            "-f --log-path /l -D --hooks /h --on-term drain --exit-with web /s /p",
            "/s /p",
            "--log-level fatal /s /p",
            "--control-group adm --status-group 4 --listen [::1]:80 --token-file /t /s /p",
        ] {
            let typed = settings(line, false);
            let words = typed.words();
            let words = std::iter::once(OsString::from("proclaunch")).chain(words);
            let again = Settings::new(Arguments::try_parse_from(words).unwrap(), false).unwrap();
            assert_eq!(again, Settings { foreground: true, ..typed }, "{line}");
        }
    }

    #[test]
    fn pid_1_stays_in_the_foreground_and_drains_unless_told() {
        let init = settings("/s /p", true);
        assert!(init.foreground);
        assert_eq!(init.log_target, LogTarget::Stderr);
        assert_eq!(init.on_term, OnTerm::Drain);
        assert_eq!(settings("--on-term leave /s /p", true).on_term, OnTerm::Leave);
        assert_eq!(settings("/s /p", false).on_term, OnTerm::Leave);
    }

    #[test]
    fn bug_30_paths_are_made_absolute_and_links_are_kept() {
        let temp = tempfile::tempdir().unwrap();
        let link = temp.path().join("current");
        symlink(temp.path(), &link).unwrap();
        assert_eq!(settings(&format!("/s {}", link.display()), false).profiles_dir, link);
        assert_eq!(settings("s p", false).state_dir, env::current_dir().unwrap().join("s"));
    }
}
