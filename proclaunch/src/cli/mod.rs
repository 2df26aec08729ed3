//! The command line: what was typed ([`Arguments`], [`Verb`]), and what it means ([`Settings`]).
//!
//! A first argument that is a verb is a verb; everything else is the command line of the supervisor. A verb is one file
//! here and one line in [`Verb`]; a directory of that name is written `./check`.

mod access;
mod arguments;
mod asking;
mod check;
mod completions;
mod each;
mod events;
mod explain;
mod help;
mod history;
mod interrupt;
mod list;
mod logs;
mod man;
mod merge;
mod new;
mod number;
mod ordering;
mod output;
mod patience;
mod progress;
mod reload;
mod rescan;
mod restart;
mod rolling;
mod run_hook;
mod scale;
mod select;
mod settings;
mod shutdown;
mod signal;
mod since;
mod start;
mod status;
mod stop;
mod test;
mod top;
mod until;
mod upgrade;
mod verb;

use std::ffi::OsString;
use std::path::Path;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser};

pub use access::Access;
pub use arguments::{Arguments, LogLevel, OnTerm};
pub use settings::{LogTarget, Settings};
pub use verb::Verb;

/// A command line.
#[derive(Debug)]
pub enum Typed {
    /// Supervise.
    Serve(Arguments),
    /// Do something else, and end.
    Verb(Verb),
}

impl Typed {
    /// Understands a command line, the name of the program included.
    ///
    /// # Errors
    /// What was typed makes no sense, or asks for help or the version: the error is the answer, with its exit code.
    pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let words = verb_first(words.into_iter().collect());
        let first = words.get(1).and_then(|word| word.to_str());
        if first.is_some_and(verb::is_verb) {
            return Verb::try_parse_from(words).map(Self::Verb);
        }
        match Arguments::try_parse_from(&words) {
            // Only then the verbs are listed.
            Err(answer) if answer.kind() == ErrorKind::DisplayHelp => {
                let matches = command().try_get_matches_from(words)?;
                Arguments::from_arg_matches(&matches).map(Self::Serve)
            }
            Err(answer) if answer.use_stderr() => Err(mistyped(&words).unwrap_or(answer)),
            parsed => parsed.map(Self::Serve),
        }
    }
}

/// What is said of a command line that makes no sense, if its first word is nearly a verb and nothing that is there.
fn mistyped(words: &[OsString]) -> Option<clap::Error> {
    let word = words.get(1)?.to_str().filter(|word| !Path::new(word).exists())?;
    let meant = verb::meant(word)?;
    let text = format!(
        "there is no verb `{word}`; did you mean `{meant}`? To supervise, STATE_DIR and PROFILES_DIR are needed\n"
    );
    Some(clap::Error::raw(ErrorKind::InvalidSubcommand, text))
}

/// `--state DIR VERB` as `VERB --state DIR`.
fn verb_first(mut words: Vec<OsString>) -> Vec<OsString> {
    let option = words.get(1).and_then(|word| word.to_str()).unwrap_or_default();
    let length = match option {
        "--state" => 2,
        _ if option.starts_with("--state=") => 1,
        _ => return words,
    };
    if words.len() > 1 + length {
        words[1..=1 + length].rotate_right(1);
    }
    words
}

/// The command line of the supervisor, whose help ends with the verbs.
fn command() -> clap::Command {
    let command = Arguments::command();
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    command.after_help(format!("{}\n{after}", verb::list()))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::fatal::USAGE;

    fn parse(line: &str) -> Result<Typed, clap::Error> {
        Typed::parse(std::iter::once("proclaunch").chain(line.split_whitespace()).map(OsString::from))
    }

    #[track_caller]
    fn directories(line: &str) -> (PathBuf, PathBuf) {
        match parse(line).unwrap() {
            Typed::Serve(arguments) => (arguments.state_dir, arguments.profiles_dir),
            Typed::Verb(verb) => panic!("{line}: {verb:?}"),
        }
    }

    #[test]
    fn help_is_what_the_snapshot_says() {
        let help = command().term_width(100).render_help().to_string();
        assert_eq!(help, include_str!("help.txt"), "if the change is meant, store this as help.txt:\n{help}");
    }

    #[test]
    fn a_first_word_that_is_a_verb_is_a_verb() {
        for line in ["help", "help hooks", "check", "check web --json", "test", "test web --filter x"] {
            assert!(matches!(parse(line), Ok(Typed::Verb(_))), "{line}");
        }
        assert_eq!(directories("./help profiles"), ("./help".into(), "profiles".into()));
        assert_eq!(directories("state help"), ("state".into(), "help".into()));
        assert_eq!(directories("-f help profiles"), ("help".into(), "profiles".into()));
    }

    #[test]
    fn the_state_directory_stands_before_or_after_the_verb() {
        for line in
            ["--state d status web", "--state=d status web", "status --state d web", "status web --state=d"]
        {
            match parse(line).unwrap() {
                Typed::Verb(verb) => assert!(format!("{verb:?}").contains("state: Some(\"d\")"), "{verb:?}"),
                Typed::Serve(arguments) => panic!("{line}: {arguments:?}"),
            }
        }
        for line in ["--state", "--state d", "--state=d", "--state d p q", "--state status"] {
            assert_eq!(parse(line).unwrap_err().exit_code(), i32::from(USAGE), "{line}");
        }
    }

    #[test]
    fn a_verb_is_asked_for_help_and_told_of_its_mistakes_like_the_rest() {
        for name in Verb::command().get_subcommands().map(|verb| verb.get_name().to_owned()) {
            let answer = parse(&format!("{name} --help")).unwrap_err();
            assert_eq!(answer.kind(), ErrorKind::DisplayHelp, "{name}");
            assert!(answer.to_string().contains(&format!("Usage: proclaunch {name}")), "{answer}");
            let refused = parse(&format!("{name} --bogus")).unwrap_err();
            assert_eq!(refused.exit_code(), i32::from(USAGE), "{name}");
        }
    }
}
