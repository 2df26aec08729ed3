//! Points at which tests have one of ProcLaunch's processes killed: where a random kill hardly ever strikes.
//!
//! With the feature `killpoints`, which only tests build, a process that passes a point whose name is that of a file in
//! `$PROCLAUNCH_KILLPOINTS` removes the file and sends itself SIGKILL. Without it there is nothing here.

/// Ends this process if a test wants it.
#[cfg(not(feature = "killpoints"))]
pub const fn pass(_name: &str) {}

/// Whether a test wants this point; then nobody else has it.
#[cfg(not(feature = "killpoints"))]
pub const fn is_armed(_name: &str) -> bool {
    false
}

/// Has this process end at the next [`wait`], if a test wants it.
#[cfg(not(feature = "killpoints"))]
pub const fn pass_at_wait(_name: &str) {}

/// Stops this process (SIGSTOP) until it is told to go on, if a test wants it.
#[cfg(not(feature = "killpoints"))]
pub const fn halt(_name: &str) {}

/// All that one batch of inputs wanted is done.
#[cfg(not(feature = "killpoints"))]
pub const fn wait() {}

#[cfg(feature = "killpoints")]
pub use armed::{halt, is_armed, pass, pass_at_wait, wait};

#[cfg(feature = "killpoints")]
mod armed {
    use std::path::Path;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::{env, fs};

    use nix::sys::signal::{Signal, raise};

    static AT_WAIT: AtomicBool = AtomicBool::new(false);

    /// Ends this process if a test wants it.
    pub fn pass(name: &str) {
        if is_armed(name) {
            strike();
        }
    }

    /// Has this process end at the next [`wait`], if a test wants it.
    pub fn pass_at_wait(name: &str) {
        if is_armed(name) {
            AT_WAIT.store(true, Ordering::Relaxed);
        }
    }

    /// Stops this process (SIGSTOP) until it is told to go on, if a test wants it.
    pub fn halt(name: &str) {
        if is_armed(name) {
            raise(Signal::SIGSTOP).expect("a process may stop itself");
        }
    }

    /// All that one batch of inputs wanted is done.
    pub fn wait() {
        if AT_WAIT.load(Ordering::Relaxed) {
            strike();
        }
    }

    fn strike() {
        raise(Signal::SIGKILL).expect("a process may kill itself");
    }

    /// Whether a test wants this point; then nobody else has it.
    pub fn is_armed(name: &str) -> bool {
        env::var_os("PROCLAUNCH_KILLPOINTS")
            .is_some_and(|dir| fs::remove_file(Path::new(&dir).join(name)).is_ok())
    }
}
