//! Ctrl-C while something is waited for: a message, so that it can be said what stays as it is.

use std::thread;

use nix::sys::signal::{SigSet, Signal};

/// The exit code of what was interrupted, as shells have it: 128 and the signal's number.
pub(super) const INTERRUPTED: u8 = 130;

/// Has this called when SIGINT comes, instead of ending the process. To be called before other threads are made.
///
/// Where the signal is ignored, as in what a script starts with `&`, it stays so.
pub(super) fn on_interrupt(tell: impl FnOnce() + Send + 'static) {
    if is_ignored(Signal::SIGINT) {
        return;
    }
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    if signals.thread_block().is_err() {
        return;
    }
    let waiting = thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
        if signals.wait().is_ok() {
            tell();
        }
        // A second one is for whoever does not listen: it ends the process.
        if signals.thread_unblock().is_ok() {
            loop {
                thread::park();
            }
        }
    });
    if waiting.is_err() {
        // Without a thread to tell it, it ends the process as ever.
        let _ = signals.thread_unblock();
    }
}

/// `SigIgn` of `proc(5)`: bit 0 is signal 1.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal as i32 - 1) & 1 == 1
}
