//! Which supervisor is meant: by its state directory.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

/// The variable that names the state directory.
const VARIABLE: &str = "PROCLAUNCH_STATE_DIR";

/// A state directory, and how it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The directory, as it was named.
    pub state_dir: PathBuf,
    /// What named it.
    pub by: By,
}

/// What names a state directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// `--state`.
    Option,
    /// `PROCLAUNCH_STATE_DIR`.
    Variable,
    /// Nothing else did.
    Standard,
}

impl Place {
    /// The place that the option names; else the environment; else the standard one: `/var/lib/proclaunch` for root,
    /// `$XDG_STATE_HOME/proclaunch` or `~/.local/state/proclaunch` for others.
    pub fn find(option: Option<&Path>) -> Self {
        Self::choose(option, |name| env::var_os(name), geteuid().is_root())
    }

    fn choose(option: Option<&Path>, env: impl Fn(&str) -> Option<OsString>, is_root: bool) -> Self {
        if let Some(dir) = option {
            return Self { state_dir: dir.to_owned(), by: By::Option };
        }
        let set = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(state_dir) = set(VARIABLE) {
            return Self { state_dir, by: By::Variable };
        }
        let state_dir = if is_root {
            PathBuf::from("/var/lib/proclaunch")
        } else {
            // A relative path there is to be ignored, says the XDG base directory specification.
            let states = set("XDG_STATE_HOME").filter(|dir| dir.is_absolute());
            let home = || set("HOME").unwrap_or_else(|| PathBuf::from("/")).join(".local/state");
            states.unwrap_or_else(home).join("proclaunch")
        };
        Self { state_dir, by: By::Standard }
    }

    /// Where the supervisor listens.
    pub fn socket(&self) -> PathBuf {
        self.state_dir.join("proclaunch.sock")
    }

    /// Why it is this place, and how to name another one.
    pub(super) const fn why(&self) -> &'static str {
        match self.by {
            By::Option => "as --state says",
            By::Variable => "as PROCLAUNCH_STATE_DIR says; --state DIR is stronger",
            By::Standard => "the standard place; --state DIR or PROCLAUNCH_STATE_DIR names another one",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(option: Option<&str>, env: &[(&str, &str)], is_root: bool, expect: &str, by: By) {
        let look =
            |name: &str| env.iter().find(|(set, _)| *set == name).map(|(_, value)| OsString::from(value));
        let place = Place::choose(option.map(Path::new), look, is_root);
        assert_eq!(place, Place { state_dir: expect.into(), by });
    }

    #[test]
    fn the_option_is_stronger_than_the_environment_and_both_than_the_standard_place() {
        let env = [("PROCLAUNCH_STATE_DIR", "/env"), ("HOME", "/home/me")];
        check(Some("opt"), &env, true, "opt", By::Option);
        check(None, &env, true, "/env", By::Variable);
        check(None, &[("PROCLAUNCH_STATE_DIR", "")], true, "/var/lib/proclaunch", By::Standard);
    }

    #[test]
    fn the_standard_place_of_a_user_is_where_xdg_says() {
        let home = ("HOME", "/home/me");
        check(None, &[home], false, "/home/me/.local/state/proclaunch", By::Standard);
        check(None, &[home, ("XDG_STATE_HOME", "/x")], false, "/x/proclaunch", By::Standard);
        check(
            None,
            &[home, ("XDG_STATE_HOME", "x")],
            false,
            "/home/me/.local/state/proclaunch",
            By::Standard,
        );
        check(None, &[home, ("XDG_STATE_HOME", "/x")], true, "/var/lib/proclaunch", By::Standard);
    }
}
