//! `proclaunch status`: how profiles are, and what ProcLaunch itself takes.

use std::io::{IsTerminal, stdout};
use std::ops::ControlFlow;
use std::time::Duration;

use clap::Args;

use super::asking::{Asking, NOT_RUNNING, UNKNOWN, failed, line};
use super::output;
use super::select::Selected;
use crate::control::api::{Profile, Profiles};
use crate::control::client::{Client, Failure};
use crate::control::glob::Glob;
use crate::control::render::{self, Style};

/// Between two looks.
const WATCH: Duration = Duration::from_secs(2);

const AFTER_HELP: &str = "\
A `!` before the name: somebody should look. CPU and memory are those of all processes of a profile.

Exit codes; the highest, if there are several names:
  0    Without names: printed. With names: each runs, is done, or is down by its own setting
  2    The command line is wrong
  3    One of the named profiles is not so
  4    A name means no profile
  111  No supervisor answers, or it does not let you";

/// Whose status.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Status {
    /// Names of profiles or of directories with instances, or quoted globs with `*`, `?` and `[a-z]` [default: all]
    #[arg(value_name = "NAME", value_parser = Glob::parse)]
    names: Vec<Glob>,

    /// Show it again every two seconds
    #[arg(short, long)]
    watch: bool,

    /// Show ProcLaunch's own processes: memory, CPU, descriptors, wakeups
    #[arg(long = "self", conflicts_with = "names")]
    own: bool,

    #[command(flatten)]
    asking: Asking,
}

impl Status {
    /// Asks, prints, and gives the exit code.
    pub(super) fn run(&self) -> u8 {
        let client = self.asking.client();
        if !self.watch {
            return match self.look(&client, None) {
                Ok(seen) => output::print(&seen.text).max(seen.code),
                Err(failure) => failed(&failure),
            };
        }
        let is_screen = stdout().is_terminal() && !self.asking.json;
        loop {
            let height = terminal_size::terminal_size().map(|(_, height)| usize::from(height.0));
            let text = match self.look(&client, height.filter(|_| is_screen)) {
                Ok(seen) => seen.text,
                // The next supervisor comes, or somebody starts one.
                Err(failure @ (Failure::Denied { .. } | Failure::Refused { .. })) => return failed(&failure),
                Err(failure) if is_screen => format!("{failure}\n\nLooking again ...\n"),
                Err(failure) => {
                    output::complain(&failure.to_string());
                    String::new()
                }
            };
            let text = if is_screen { screen(&text) } else { text };
            if let ControlFlow::Break(code) = output::write(text.as_bytes()) {
                return code;
            }
            if output::closes_within(WATCH) {
                return 0;
            }
        }
    }

    /// One look; `height` is how many lines can be seen at once.
    fn look(&self, client: &Client, height: Option<usize>) -> Result<Seen, Failure> {
        let style = Style::of_stdout();
        if self.own {
            let own = client.own()?;
            let text = if self.asking.json { line(&own) } else { render::own(style, &own) };
            return Ok(Seen { text, code: 0 });
        }
        let mut selected = Selected::of(client, &self.names)?;
        // When it is watched, it is said once more in two seconds.
        let unknown = if selected.complain() { UNKNOWN } else { 0 };
        let code = if self.names.is_empty() { 0 } else { verdict(&selected.profiles).max(unknown) };
        if self.asking.json {
            return Ok(Seen { text: line(&selected.profiles), code });
        }
        if self.names.is_empty() && selected.profiles.profiles.is_empty() {
            return Ok(Seen { text: "there are no profiles\n".to_owned(), code });
        }
        if selected.profiles.profiles.is_empty() {
            return Ok(Seen { text: String::new(), code });
        }
        let text = render::profiles(style, &selected.profiles);
        let Some(height) = height.filter(|height| text.lines().count() >= *height) else {
            return Ok(Seen { text, code });
        };
        // Not all can be seen: what should be looked at comes first.
        selected.profiles.profiles.sort_by_key(|profile| !render::is_trouble(profile));
        let text = render::profiles(style, &selected.profiles);
        Ok(Seen { text: fitted(&text, height), code })
    }
}

/// What a look found.
struct Seen {
    text: String,
    code: u8,
}

/// 0 when each runs, is done, or is down by its own setting.
fn verdict(profiles: &Profiles) -> u8 {
    let is_good = |profile: &Profile| {
        profile.state == "running" || matches!(profile.standing.as_str(), "done" | "down")
    };
    if profiles.profiles.iter().all(is_good) { 0 } else { NOT_RUNNING }
}

/// The first lines and the last one, so many that they can be seen at once.
fn fitted(text: &str, height: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    // The sum, and the line where the cursor stands.
    let shown = height.saturating_sub(3).max(1);
    let missing = lines.len().saturating_sub(shown + 2);
    let last = lines.last().copied().unwrap_or_default();
    format!("{}\n... {missing} more\n{last}\n", lines[..shown.min(lines.len())].join("\n"))
}

/// Overwrites what is on the screen, without a moment in which it is empty (ECMA-48: CUP, EL, ED).
fn screen(text: &str) -> String {
    format!("\x1b[H{}\x1b[J", text.replace('\n', "\x1b[K\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        assert_eq!(fitted("0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n", 6), "0\n1\n2\n... 5 more\n9\n");
    }
}
