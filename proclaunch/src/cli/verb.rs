//! The verbs: what `proclaunch` does besides supervising, one file each.
//!
//! **Invariant:** a verb that works offline touches no state directory and starts nothing.

use std::fmt::Write as _;

use clap::{CommandFactory, Parser};
use proclaunch_core::profile::one_slip_away;

use super::check::Check;
use super::completions::Completions;
use super::events::Events;
use super::explain::Explain;
use super::help::Help;
use super::history::History;
use super::list::List;
use super::logs::Logs;
use super::new::New;
use super::reload::Reload;
use super::rescan::Rescan;
use super::restart::Restart;
use super::run_hook::RunHook;
use super::scale::Scale;
use super::shutdown::Shutdown;
use super::signal::Signal;
use super::start::Start;
use super::status::Status;
use super::stop::Stop;
use super::test::Test;
use super::top::Top;
use super::upgrade::Upgrade;

/// A first word that is not a directory.
#[derive(Debug, Parser)]
#[command(name = "proclaunch", version, max_term_width = 100, disable_help_subcommand = true)]
pub enum Verb {
    // Services.
    /// Start profiles, and wait until they are ready
    Start(Start),
    /// Stop profiles; they stay down until they are started again
    Stop(Stop),
    /// Stop profiles and start them again, at once or one after the other
    Restart(Restart),
    /// Have profiles read their configuration again, by their reload signal
    Reload(Reload),
    /// Send a signal to the main processes of profiles
    Signal(Signal),
    /// Say how many instances of a profile run
    Scale(Scale),
    // Looking.
    /// Show how profiles are, why, and what comes next
    Status(Status),
    /// Print the names of profiles
    List(List),
    /// Say why profiles are as they are, and what would come of what
    Explain(Explain),
    /// Show what happened to profiles
    History(History),
    /// Print what profiles have written
    Logs(Logs),
    /// Print what happens: changes of state and health, failures of hooks
    Events(Events),
    /// Show a dashboard on the terminal
    Top(Top),
    // Policies.
    /// Make a profile that can be filled in
    New(New),
    /// Say what is wrong with profiles and their hooks, without running anything
    Check(Check),
    /// Run the tests of policies, `*_test.lua`, on a virtual clock
    Test(Test),
    /// Run a hook of a live profile once, and show what it answers
    RunHook(RunHook),
    // ProcLaunch itself.
    /// Read all profile directories at once
    Rescan(Rescan),
    /// Stop all profiles, and end ProcLaunch
    Shutdown(Shutdown),
    /// Replace ProcLaunch by what its program's file holds; all profiles run on
    Upgrade(Upgrade),
    /// Print the script by which a shell completes command lines
    Completions(Completions),
    /// Print the help, or a page of it: for a verb, or for what Lua hooks can use
    Help(Help),
}

/// The verbs by what they are about, as the help of the program groups them.
const GROUPS: [(&str, &[&str]); 4] = [
    ("Services", &["start", "stop", "restart", "reload", "signal", "scale"]),
    ("Looking", &["status", "list", "explain", "history", "logs", "events", "top"]),
    ("Policies", &["new", "check", "test", "run-hook"]),
    ("ProcLaunch itself", &["rescan", "shutdown", "upgrade", "completions", "help"]),
];

impl Verb {
    /// Does it, and gives the exit code.
    pub fn run(&self) -> u8 {
        match self {
            Self::Check(check) => check.run(),
            Self::Completions(completions) => completions.run(),
            Self::Events(events) => events.run(),
            Self::Explain(explain) => explain.run(),
            Self::Help(help) => help.run(),
            Self::History(history) => history.run(),
            Self::List(list) => list.run(),
            Self::Logs(logs) => logs.run(),
            Self::New(new) => new.run(),
            Self::Reload(reload) => reload.run(),
            Self::Rescan(rescan) => rescan.run(),
            Self::Restart(restart) => restart.run(),
            Self::RunHook(run_hook) => run_hook.run(),
            Self::Scale(scale) => scale.run(),
            Self::Shutdown(shutdown) => shutdown.run(),
            Self::Signal(signal) => signal.run(),
            Self::Start(start) => start.run(),
            Self::Status(status) => status.run(),
            Self::Stop(stop) => stop.run(),
            Self::Test(test) => test.run(),
            Self::Top(top) => top.run(),
            Self::Upgrade(upgrade) => upgrade.run(),
        }
    }
}

/// Whether a word is a verb. Each of ProcLaunch's processes asks at its start: clap's own tables of all verbs would take
/// half a millisecond to make.
pub(super) fn is_verb(word: &str) -> bool {
    GROUPS.iter().any(|(_, names)| names.contains(&word))
}

/// The verb that a word is one slip away from: at two, `state` would be `start`.
pub(super) fn meant(word: &str) -> Option<&'static str> {
    let all: Vec<&'static str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    one_slip_away(word, &all)
}

/// The verbs as the help of the program names them.
pub(super) fn list() -> String {
    let command = Verb::command();
    let width = command.get_subcommands().map(|verb| verb.get_name().len()).max().unwrap_or(0);
    let mut text =
        "Verbs (`proclaunch help VERB` says more; a directory of that name is written `./VERB`):\n"
            .to_owned();
    for (group, names) in GROUPS {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {group}:");
        for verb in names.iter().filter_map(|name| command.find_subcommand(name)) {
            let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(text, "    {:width$}  {about}", verb.get_name());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_is_in_one_group() {
        for verb in Verb::command().get_subcommands() {
            let name = verb.get_name();
            let count = GROUPS.iter().flat_map(|(_, names)| *names).filter(|one| **one == name).count();
            assert_eq!(count, 1, "{name}");
        }
    }
}
