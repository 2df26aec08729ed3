//! `proclaunch help`: the help of the program, of a verb, or the reference page of hooks.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory};

use super::{Verb, command, man, output};
use crate::fatal::{SYSTEM, USAGE};
use crate::hooks::reference;
use crate::policy_test;

/// What to print.
#[derive(Debug, Args)]
pub struct Help {
    /// A verb; or `hooks`: what Lua hooks can use, and what they may answer; or `tests`: what their tests can use
    #[arg(value_name = "TOPIC")]
    topic: Option<String>,

    /// Write the manual pages into this directory instead: proclaunch.1, and proclaunch-VERB.1 for each verb
    #[arg(long, value_name = "DIR", conflicts_with = "topic")]
    man: Option<PathBuf>,
}

impl Help {
    /// Prints it, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        if let Some(dir) = &self.man {
            return pages_into(dir);
        }
        match self.topic.as_deref() {
            None => output::print(&command().render_help().to_string()),
            Some("hooks") => output::print(&reference::page()),
            Some("tests") => output::print(&policy_test::page()),
            Some(topic) => {
                if let Some(page) = page(topic) {
                    return output::print(&page);
                }
                output::complain(&format!("there is no help on `{topic}`; there is on {}", topics()));
                USAGE
            }
        }
    }
}

/// What `proclaunch TOPIC --help` prints.
fn page(topic: &str) -> Option<String> {
    let mut verbs = Verb::command();
    verbs.build();
    verbs.find_subcommand_mut(topic).map(|verb| verb.render_help().to_string())
}

/// Writes the manual pages, and gives the exit code.
fn pages_into(dir: &Path) -> u8 {
    match man::write_pages(dir) {
        Ok(()) => 0,
        Err(source) => {
            output::complain(&format!("failed to write manual pages into `{}`: {source}", dir.display()));
            SYSTEM
        }
    }
}

/// Everything there is help on.
pub(super) fn known() -> Vec<String> {
    let verbs = Verb::command();
    let names = verbs.get_subcommands().map(|verb| verb.get_name().to_owned());
    names.chain(["hooks".to_owned(), "tests".to_owned()]).collect()
}

fn topics() -> String {
    known().iter().map(|topic| format!("`{topic}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::snapshot;

    #[test]
    fn the_page_of_each_verb_is_what_the_snapshot_says() {
        let mut verbs = Verb::command().term_width(100);
        verbs.build();
        for verb in verbs.get_subcommands_mut() {
            let page = verb.render_help().to_string();
            snapshot(&format!("cli/help/{}.txt", verb.get_name()), &page);
        }
    }

    #[test]
    fn the_page_of_a_verb_is_what_the_verb_says_of_itself() {
        for verb in Verb::command().get_subcommands() {
            let name = verb.get_name();
            let page = page(name).unwrap();
            assert!(page.contains(&format!("Usage: proclaunch {name}")), "{page}");
        }
        assert_eq!(page("bogus"), None);
    }
}
