//! `proclaunch explain`: why profiles are as they are, and what comes next.

use clap::Args;

use super::asking::{Asking, line};
use super::each::{EXIT_CODES, each};
use super::output;
use crate::control::glob::Glob;
use crate::control::render::{self, Style};

/// Of which profiles.
#[derive(Debug, Args)]
#[command(after_help = EXIT_CODES)]
pub struct Explain {
    /// Names of profiles or of directories with instances, or quoted globs with `*`, `?` and `[a-z]`
    #[arg(value_name = "NAME", required = true, value_parser = Glob::parse)]
    names: Vec<Glob>,

    #[command(flatten)]
    asking: Asking,
}

impl Explain {
    /// Asks, prints, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        let style = Style::of_stdout();
        let mut gap = "";
        each(&self.asking, &self.names, |client, name| {
            let explanation = client.explain(name)?;
            if self.asking.json {
                return Ok(output::write(line(&explanation).as_bytes()));
            }
            let text = format!("{gap}{}", render::explanation(style, &explanation));
            gap = "\n";
            Ok(output::write(text.as_bytes()))
        })
    }
}
