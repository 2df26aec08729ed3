//! What a verb says: results on standard output, complaints on standard error.

use std::io::{self, ErrorKind, Write};

use crate::fatal::SYSTEM;

/// Prints a text, and gives the exit code: 0, or that of a system failure where the text could not be written.
pub(super) fn print(text: &str) -> u8 {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => 0,
        // Whoever reads has seen enough, as `head` does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => 0,
        Err(error) => {
            complain(&format!("failed to write to standard output: {error}"));
            SYSTEM
        }
    }
}

/// Says a line on standard error. There is nowhere to say that it could not be said.
pub(super) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "proclaunch: {text}");
}
