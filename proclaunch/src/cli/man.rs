//! Manual pages, made of the command line's own description.

use std::path::Path;
use std::{fs, io};

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use super::{Verb, command};

/// Writes all pages into a directory that is there; pages of these names are replaced.
///
/// # Errors
/// A file cannot be written.
pub(super) fn write_pages(dir: &Path) -> io::Result<()> {
    for page in pages() {
        let path = dir.join(page.get_filename());
        let mut text = Vec::new();
        page.render(&mut text)?;
        fs::write(path, headed(&String::from_utf8_lossy(&text)))?;
    }
    Ok(())
}

/// The page with what follows its options under a heading by which readers of manual pages look for it.
fn headed(page: &str) -> String {
    let Some((options, rest)) = page.split_once("\n.SH EXTRA\n") else { return page.to_owned() };
    let heading = if rest.starts_with("Exit codes") { "\"EXIT STATUS\"" } else { "NOTES" };
    format!("{options}\n.SH {heading}\n{rest}")
}

/// That of the program, and one for each verb.
fn pages() -> Vec<Man> {
    let mut verbs = Verb::command();
    // By this each verb knows how it is called.
    verbs.build();
    let of = |verb: &Command| {
        let name = format!("proclaunch-{}", verb.get_name());
        let called = format!("proclaunch {}", verb.get_name());
        // A manual page shows what is possible at its full width.
        Man::new(verb.clone().display_name(name).bin_name(called).version(env!("CARGO_PKG_VERSION")))
    };
    std::iter::once(Man::new(command())).chain(verbs.get_subcommands().map(of)).collect()
}
