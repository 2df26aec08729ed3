//! Where the tests end the logger: before any step that changes something outside.
//!
//! A SIGKILL takes effect between two system calls, or inside one that has then done a part of its work and says so
//! to nobody. The first is played by a panic here; for the second, the tests write in
//! pieces. A splice or a write within one page is not cut.

/// Ends the logger here if a test wants it; nothing otherwise.
#[cfg(not(test))]
#[inline]
pub(super) const fn here() {}

/// What is written at once: all.
#[cfg(not(test))]
#[inline]
pub(super) const fn part_of(bytes: &[u8]) -> &[u8] {
    bytes
}

#[cfg(test)]
pub(super) use counted::{Killed, after, here, part_of};

#[cfg(test)]
mod counted {
    use std::cell::Cell;
    use std::panic::resume_unwind;

    thread_local! {
        static LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
    }

    /// What the panic carries.
    pub(in super::super) struct Killed;

    /// Ends the logger before the step that follows so many.
    pub(in super::super) fn after(steps: u64) {
        LEFT.set(steps);
    }

    pub(in super::super) fn here() {
        let left = LEFT.get();
        if left == 0 {
            LEFT.set(u64::MAX);
            // Without the panic hook, which would print.
            resume_unwind(Box::new(Killed));
        }
        LEFT.set(left - 1);
    }

    /// What is written at once: a half, so that there is a step within.
    pub(in super::super) fn part_of(bytes: &[u8]) -> &[u8] {
        &bytes[..bytes.len().div_ceil(2).max(bytes.len().min(1))]
    }
}
