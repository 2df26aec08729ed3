//! Waiting for the outside world: look again and again until a deadline.

#![expect(
    clippy::disallowed_methods,
    reason = "a test from outside has the real clock and nobody to wake it"
)]

use std::thread;
use std::time::{Duration, Instant};

/// Generous: a database is made and synced to disk on a busy machine. Nothing waits for it but a failure.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// The first answer of `look`, or `None` when time is up.
pub fn until<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(PAUSE);
    }
}

/// Lets time pass in which something must not happen.
pub fn pass(time: Duration) {
    thread::sleep(time);
}
