//! `proclaunch help`: the help of the program, of a verb, or the reference page of hooks.

use clap::{Args, CommandFactory};

use super::{Verb, command, output};
use crate::fatal::USAGE;
use crate::hooks::reference;
use crate::policy_test;

/// What to print.
#[derive(Debug, Args)]
pub struct Help {
    /// A verb; or `hooks`: what Lua hooks can use, and what they may answer; or `tests`: what their tests can use
    #[arg(value_name = "TOPIC")]
    topic: Option<String>,
}

impl Help {
    /// Prints it, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
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

fn topics() -> String {
    let verbs = Verb::command();
    let names = verbs.get_subcommands().map(|verb| format!("`{}`", verb.get_name()));
    names.chain(["`hooks`".to_owned(), "`tests`".to_owned()]).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

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
