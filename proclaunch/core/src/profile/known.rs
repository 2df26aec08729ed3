//! The file names that mean something in a profile directory.
//!
//! **Invariant:** a name is in one list only, and every other part of the program asks here: the parser, the scan,
//! the near misses.

/// The setting files that this version understands, and `run`.
pub const SETTINGS: [&str; 18] = [
    "pid_file",
    "restart",
    "backoff",
    "give_up",
    "stop_signal",
    "stop_timeout",
    "start_timeout",
    "kill",
    "reload",
    "down",
    "oneshot",
    "user",
    "env",
    "directory",
    "umask",
    "nice",
    "limits",
    "run",
];

/// Setting files that are documented and do nothing yet: each is warned of where it stands.
pub(super) const LATER: [&str; 8] =
    ["depends", "notify", "sockets", "instances", "schedule", "log", "log_run", "hook_timeout"];

/// The hooks, by file name without `.lua`; they do nothing yet either.
pub(super) const HOOKS: [&str; 10] = [
    "on_start",
    "ready",
    "on_ready",
    "health",
    "on_tick",
    "should_restart",
    "on_stop",
    "on_exit",
    "on_change",
    "on_event",
];

/// Whether a file of this name in a profile directory means something: a setting, or a hook.
pub fn is_known(name: &str) -> bool {
    SETTINGS.contains(&name) || is_later(name)
}

/// Whether a file of this name is documented, but not understood by this version.
pub(super) fn is_later(name: &str) -> bool {
    LATER.contains(&name) || name.strip_suffix(".lua").is_some_and(|hook| HOOKS.contains(&hook))
}
