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
/// For what is over in a moment.
const SHORT_PAUSE: Duration = Duration::from_millis(1);

/// The first answer of `look`, or `None` when time is up.
pub fn until<T>(look: impl FnMut() -> Option<T>) -> Option<T> {
    look_every(PAUSE, look)
}

/// The same, looking as often as is sensible: for a moment that is to be hit.
pub fn closely<T>(look: impl FnMut() -> Option<T>) -> Option<T> {
    look_every(SHORT_PAUSE, look)
}

fn look_every<T>(pause: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(pause);
    }
}

/// Lets time pass in which something must not happen.
pub fn pass(time: Duration) {
    thread::sleep(time);
}

/// A clock for schedules and figures of a test.
pub fn now() -> Instant {
    Instant::now()
}
