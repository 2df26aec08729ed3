//! The file names that mean something in a profile directory.
//!
//! **Invariant:** a name is in one list only, and every other part of the program asks here: the parser, the scan,
//! the near misses.

use crate::hook::Hook;

/// The setting files that this version understands, and `run`.
pub const SETTINGS: [&str; 22] = [
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
    "hook_timeout",
    "log",
    "log_run",
    "instances",
    "run",
];

/// Setting files that are documented and do nothing yet: each is warned of where it stands.
pub(super) const LATER: [&str; 4] = ["depends", "notify", "sockets", "schedule"];

/// Whether hooks are told what a setting says: no programs, and not how many run, of which each is to know nothing.
pub fn is_told(name: &str) -> bool {
    !["run", "log_run", "instances"].contains(&name)
}

/// Whether a file of this name in a profile directory means something: a setting, or a hook.
pub fn is_known(name: &str) -> bool {
    SETTINGS.contains(&name) || is_later(name) || is_hook(name)
}

/// Whether a file of this name is to be read: what is known, and the modules of the hooks.
pub fn is_read(name: &str) -> bool {
    is_known(name) || is_module(name)
}

/// Whether a file of this name is documented, but not understood by this version.
pub(super) fn is_later(name: &str) -> bool {
    LATER.contains(&name)
}

fn is_hook(name: &str) -> bool {
    name.strip_suffix(".lua").is_some_and(|hook| Hook::parse(hook).is_some())
}

/// Whether a file of this name can be required by a hook. Tests are not part of what runs.
pub(super) fn is_module(name: &str) -> bool {
    let stem = name.strip_suffix(".lua").filter(|stem| !stem.starts_with('.') && !stem.ends_with("_test"));
    stem.is_some() && !is_hook(name)
}
