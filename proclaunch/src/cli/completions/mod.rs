//! `proclaunch completions`: what a shell needs to complete command lines, names of profiles among them.
//!
//! The scripts are generated from the command line's own description. Names are asked of the supervisor when the key is
//! struck, quietly and for at most two seconds: where none answers, nothing is offered.
//!
//! **Invariant:** whatever completes a name is marked in [`marked`] alone; the three shells follow from it.

use std::fmt::Write as _;

use clap::builder::PossibleValuesParser;
use clap::{Arg, Args, Command, CommandFactory as _, ValueEnum, ValueHint};
use clap_complete::{Shell as Generator, generate};
use proclaunch_core::hook::Hook;

use super::{Arguments, Verb, help, output};

const AFTER_HELP: &str = "\
Bash, in ~/.bashrc:  source <(proclaunch completions bash)
zsh, once:           proclaunch completions zsh > DIR/_proclaunch    # DIR is one of $fpath
fish, once:          proclaunch completions fish > ~/.config/fish/completions/proclaunch.fish";

const BASH: &str = include_str!("names.bash");
const ZSH: &str = include_str!("names.zsh");
const FISH: &str = include_str!("names.fish");

/// Signals that operators send.
const SIGNALS: [&str; 9] = ["HUP", "INT", "TERM", "QUIT", "USR1", "USR2", "WINCH", "STOP", "CONT"];

/// The mark of an argument that is a profile's name. The generators know no such kind; that of users is not used
/// otherwise, and is easily found in what they write.
const MARK: ValueHint = ValueHint::Username;

/// For which shell.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// A shell that can complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
    #[value(help = None::<&str>)]
    Bash,
    #[value(help = None::<&str>)]
    Zsh,
    #[value(help = None::<&str>)]
    Fish,
}

impl Completions {
    /// Prints the script, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        output::print(&script(self.shell))
    }
}

fn script(shell: Shell) -> String {
    let command = command();
    match shell {
        Shell::Bash => {
            let places = places(&command);
            generated(Generator::Bash, command) + &BASH.replace("#PLACES#\n", &places)
        }
        Shell::Zsh => {
            let text = generated(Generator::Zsh, command).replace(":_users'", ":_proclaunch_names'");
            // The functions must be there before the last lines, which complete at once when the file is autoloaded.
            let end = text.rfind("if [ \"$funcstack[1]\"").unwrap_or(text.len());
            format!("{}{ZSH}\n{}", &text[..end], &text[end..])
        }
        Shell::Fish => {
            let lines = fish_lines(&command);
            let text = generated(Generator::Fish, command);
            text.replace("(__fish_complete_users)", "(__proclaunch_names)") + FISH + &lines
        }
    }
}

fn generated(generator: Generator, mut command: Command) -> String {
    let mut text = Vec::new();
    generate(generator, &mut command, "proclaunch", &mut text);
    String::from_utf8(text).expect("it is made of UTF-8")
}

/// The whole command line: that of the supervisor and all verbs, with what is known of their values.
fn command() -> Command {
    let verbs = Verb::command().disable_help_subcommand(true);
    // It may stand before the verb.
    let state = Arg::new("state").long("state").value_name("DIR").value_hint(ValueHint::DirPath);
    Arguments::command()
        .disable_help_subcommand(true)
        .arg(state.help("The state directory of the supervisor that a verb asks"))
        .subcommands(verbs.get_subcommands().map(|verb| marked(verb.clone())))
}

fn marked(verb: Command) -> Command {
    let is_new = verb.get_name() == "new";
    verb.mut_args(|arg| {
        let value = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
        match value.as_deref() {
            Some("NAME") if arg.is_positional() && !is_new => arg.value_hint(MARK),
            Some("GLOB") => arg.value_hint(MARK),
            Some("DIR") => arg.value_hint(ValueHint::DirPath),
            Some("PATH") => arg.value_hint(ValueHint::AnyPath),
            Some("HOOK") => arg.value_parser(PossibleValuesParser::new(Hook::ALL.map(Hook::name))),
            Some("SIGNAL") => arg.value_parser(PossibleValuesParser::new(SIGNALS)),
            Some("TOPIC") => arg.value_parser(PossibleValuesParser::new(help::known())),
            _ => arg,
        }
    })
}

fn is_name(arg: &Arg) -> bool {
    arg.get_value_hint() == MARK
}

/// Which words of a verb are names, as branches of a `case`: from the first such positional argument to the last, counted from 1; and the
/// options with a value, those with names first.
fn places(command: &Command) -> String {
    let mut text = String::new();
    for verb in command.get_subcommands() {
        let mut first_last = (0, 0);
        for (index, arg) in verb.get_positionals().enumerate().filter(|(_, arg)| is_name(arg)) {
            let is_several = arg.get_num_args().is_some_and(|count| count.max_values() > 1)
                || matches!(arg.get_action(), clap::ArgAction::Append);
            first_last = (index + 1, if is_several { 999 } else { index + 1 });
        }
        let options = |names: bool| {
            let is_meant = |arg: &&Arg| arg.get_action().takes_values() && is_name(arg) == names;
            let valued = verb.get_opts().filter(is_meant);
            let spellings = valued.flat_map(|arg| {
                let long = arg.get_long().map(|long| format!("--{long}"));
                long.into_iter().chain(arg.get_short().map(|short| format!("-{short}")))
            });
            spellings.collect::<Vec<_>>().join(" ")
        };
        let (first, last) = first_last;
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(
            text,
            "        {}) first={first} last={last} named=' {} ' valued=' {} ' ;;",
            verb.get_name(),
            options(true),
            options(false)
        );
    }
    text
}

/// What the generator for fish leaves out: positional arguments.
fn fish_lines(command: &Command) -> String {
    let mut text = String::new();
    for verb in command.get_subcommands() {
        for arg in verb.get_positionals() {
            let values: Vec<String> =
                arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
            let offered = if is_name(arg) { "(__proclaunch_names)".to_owned() } else { values.join(" ") };
            if !offered.is_empty() {
                let name = verb.get_name();
                let _ = writeln!(
                    text,
                    "complete -c proclaunch -n \"__fish_proclaunch_using_subcommand {name}\" -f -a \"{offered}\""
                );
            }
        }
    }
    text
}
