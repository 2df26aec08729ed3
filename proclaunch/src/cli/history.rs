//! `proclaunch history`: what happened to profiles.

use clap::Args;
use serde::Serialize;

use super::asking::{Asking, line};
use super::each::{EXIT_CODES, each};
use super::output;
use crate::control::api;
use crate::control::glob::Glob;
use crate::control::render::{self, Style};

/// Of which profiles.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct History {
    /// Names of profiles or of directories with instances, or quoted globs with `*`, `?` and `[a-z]`
    #[arg(value_name = "NAME", required = true, value_parser = Glob::parse)]
    names: Vec<Glob>,

    #[command(flatten)]
    asking: Asking,
}

/// Whose history it is.
#[derive(Serialize)]
struct Named<'a> {
    name: &'a str,
    #[serde(flatten)]
    history: &'a api::History,
}

impl History {
    /// Asks, prints, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        let style = Style::of_stdout();
        let mut gap = "";
        each(&self.asking, &self.names, |client, name| {
            let history = client.history(name)?;
            if self.asking.json {
                return Ok(output::write(line(&Named { name, history: &history }).as_bytes()));
            }
            let text = format!("{gap}{}", render::history(style, name, &history));
            gap = "\n";
            Ok(output::write(text.as_bytes()))
        })
    }
}
