//! `proclaunch run-hook`: runs a hook of a live profile once.

use clap::Args;
use proclaunch_core::ids::ProfileName;

use super::arguments::profile_name;
use super::asking::{Asking, FAILED, UNKNOWN, failed};
use super::output;
use super::select::Selected;
use crate::control::glob::Glob;
use crate::control::render::{self, Style};

const AFTER_HELP: &str = "\
The answer is shown and goes nowhere: the profile stays as it is, but for what the hook itself asks
for and keeps in `vars`, which --dry-run drops. What a hook does by `exec` or `http` is done.

Exit codes:
  0    The hook answered, or had nothing to say
  1    It failed, ran out of its time, or the profile has no such hook
  2    The command line is wrong
  4    There is no such profile
  111  No supervisor answers, or it does not let you";

/// Which hook of which profile.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct RunHook {
    /// The profile
    #[arg(value_name = "NAME", value_parser = profile_name)]
    name: ProfileName,

    /// The hook: `health`, `should_restart`, ...; its file without `.lua`
    #[arg(value_name = "HOOK")]
    hook: String,

    /// Drop what the hook asks for, and what it keeps
    #[arg(long)]
    dry_run: bool,

    #[command(flatten)]
    asking: Asking,
}

impl RunHook {
    /// Asks, prints, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        let client = self.asking.client();
        let glob = Glob::parse(self.name.as_str()).expect("a name is a pattern");
        let names = match Selected::of(&client, &[glob]) {
            Ok(selected) if selected.complain() => return UNKNOWN,
            Ok(selected) => selected.names(),
            Err(failure) => return failed(&failure),
        };
        let [name] = &names[..] else {
            output::complain(&format!("`{}` runs as {}: name one of them", self.name, names.join(", ")));
            return UNKNOWN;
        };
        let hook = self.hook.strip_suffix(".lua").unwrap_or(&self.hook);
        match client.run_hook(name, hook, self.dry_run) {
            Ok(run) => {
                let printed = self.asking.print(&run, |run| render::hook_run(Style::of_stdout(), name, run));
                let is_good = matches!(run.outcome.as_str(), "answer" | "nothing");
                printed.max(if is_good { 0 } else { FAILED })
            }
            Err(failure) => failed(&failure),
        }
    }
}
