//! Looking again and again until something is so.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::interrupt::{INTERRUPTED, on_interrupt};
use super::progress::Progress;
use crate::sys::clock;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// So soon nobody wants to be told what is waited for.
const PATIENCE: Duration = Duration::from_millis(300);

/// How the wait ended.
pub(super) enum Until<T> {
    /// It is so.
    So(T),
    /// It is not, and time is up.
    Late,
    /// Ctrl-C; with the exit code.
    Interrupted(u8),
}

/// Looks until there is something, time is up, or Ctrl-C; a terminal is told what is waited for.
pub(super) fn until<T>(limit: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> Until<T> {
    let (sender, interrupts) = channel();
    // One end stays here, so that the wait for nothing is a wait.
    let interrupt = sender.clone();
    on_interrupt(move || _ = interrupt.send(()));
    let begun = clock::now();
    let mut progress = Progress::new();
    loop {
        if let Some(found) = look() {
            return Until::So(found);
        }
        let passed = clock::now().since(begun);
        if passed >= limit {
            return Until::Late;
        }
        if passed >= PATIENCE {
            progress.show(&format!("{what} ({} s)", passed.as_secs()));
        }
        match interrupts.recv_timeout(LOOK) {
            Ok(()) => return Until::Interrupted(INTERRUPTED),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }
}
