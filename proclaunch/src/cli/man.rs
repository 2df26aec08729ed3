//! Manual pages, made of the command line's own description.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

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
        let mut file = BufWriter::new(File::create(path)?);
        page.render(&mut file)?;
        file.flush()?;
    }
    Ok(())
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
