//! What a verb says: results on standard output, complaints on standard error.

use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;
use std::os::fd::AsFd as _;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::fatal::SYSTEM;

/// Prints a text, and gives the exit code: 0, or that of a system failure where the text could not be written.
pub(super) fn print(text: &str) -> u8 {
    match write(text.as_bytes()) {
        ControlFlow::Continue(()) => 0,
        ControlFlow::Break(code) => code,
    }
}

/// Prints bytes at once; where there is no use in more, it gives the exit code to end with.
pub(super) fn write(bytes: &[u8]) -> ControlFlow<u8> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => ControlFlow::Continue(()),
        // Whoever reads has seen enough, as `head` does.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => ControlFlow::Break(0),
        Err(error) => {
            complain(&format!("failed to write to standard output: {error}"));
            ControlFlow::Break(SYSTEM)
        }
    }
}

/// Waits for so long, or until nobody reads standard output any more: then it says so.
pub(super) fn closes_within(time: Duration) -> bool {
    let stdout = io::stdout();
    // An error is told unasked (`poll(2)`).
    let mut fds = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
    let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
    // An interruption only makes the wait shorter.
    poll(&mut fds, timeout).is_ok_and(|ready| ready > 0)
}

/// Says a line on standard error. There is nowhere to say that it could not be said.
pub(super) fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "proclaunch: {text}");
}
