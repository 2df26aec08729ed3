//! What an inotify event means, by the directory that it happened in.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use nix::sys::inotify::AddWatchFlags as Mask;
use proclaunch_core::ids::ProfileName;
use proclaunch_core::profile::{is_read, near_miss};

use super::root::DEFAULTS;

/// What is worth a scan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hint {
    /// Nothing.
    #[default]
    Nothing,
    /// These profiles, each of which may be new, changed, gone, or the same as before.
    Some(BTreeSet<ProfileName>),
    /// Everything.
    All,
}

impl Hint {
    fn one(name: &ProfileName) -> Self {
        Self::Some(BTreeSet::from([name.clone()]))
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Nothing, hint) | (hint, Self::Nothing) => hint,
            (Self::Some(mut names), Self::Some(more)) => {
                names.extend(more);
                Self::Some(names)
            }
        }
    }
}

/// Why a directory is watched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Interest {
    /// It is the profiles directory. The first in order: [`Interest::FIRST`].
    Root,
    /// It is this profile.
    Profile(ProfileName),
    /// It is the `env/` of this profile.
    Env(ProfileName),
    /// It is `.defaults/`.
    Defaults,
    /// It is `.defaults/env/`.
    DefaultsEnv,
    /// It is one of modules that the hooks of all profiles can require.
    Modules,
    /// Something in it, of this name, decides where the path of a profile leads, or of all.
    Turn(Box<Place>),
    /// A symlink in a profile, or in `.defaults/`, leads to the file of this name in it.
    Target(Box<Place>),
}

/// A name in a directory, boxed to keep the frequent interests small.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) name: Box<OsStr>,
    /// The profile that it matters to; `None`: all.
    pub(super) of: Option<ProfileName>,
}

/// Names appear, vanish, or are replaced.
const NAMES: Mask = Mask::IN_CREATE.union(Mask::IN_DELETE).union(Mask::IN_MOVE);
const SELF: Mask = Mask::IN_DELETE_SELF.union(Mask::IN_MOVE_SELF);
/// A writer is done, or rights or times are others. Not `IN_MODIFY`: half a value is of no use.
const CONTENT: Mask = Mask::IN_CLOSE_WRITE.union(Mask::IN_ATTRIB);

impl Interest {
    pub(super) const FIRST: Self = Self::Root;

    /// The events to ask the kernel for.
    pub(super) fn mask(&self) -> Mask {
        Mask::IN_ONLYDIR
            | match self {
                // The log stands in the profiles directory: to write to it must not wake anybody. ATTRIB tells of a
                // directory that can be read again.
                Self::Root | Self::Turn(..) => NAMES | SELF | Mask::IN_ATTRIB,
                Self::Profile(_)
                | Self::Env(_)
                | Self::Defaults
                | Self::DefaultsEnv
                | Self::Modules
                | Self::Target(..) => NAMES | SELF | CONTENT,
            }
    }

    /// The profile that is watched for, if it is one alone.
    pub(super) fn profile(&self) -> Option<&ProfileName> {
        match self {
            Self::Root | Self::Defaults | Self::DefaultsEnv | Self::Modules => None,
            Self::Profile(name) | Self::Env(name) => Some(name),
            Self::Turn(place) | Self::Target(place) => place.of.as_ref(),
        }
    }

    /// What an event in the directory, or of the directory itself, is worth.
    pub(super) fn meaning(&self, mask: Mask, name: Option<&OsStr>) -> Hint {
        // Another interest in the same directory may have asked for more.
        if !mask.intersects(self.mask() | Mask::IN_UNMOUNT) {
            return Hint::Nothing;
        }
        let whole = self.profile().map_or(Hint::All, Hint::one);
        let Some(entry) = name else { return whole };
        let counts = match self {
            Self::Root => return in_root(mask, entry),
            Self::Profile(_) | Self::Defaults => means_something(entry),
            Self::Env(_) | Self::DefaultsEnv => true,
            // Of any name: it can be a directory, or a symlink to one.
            Self::Modules => {
                let name = entry.as_encoded_bytes();
                !name.starts_with(b".") || name.starts_with(b"..")
            }
            Self::Turn(place) | Self::Target(place) => *place.name == *entry,
        };
        if counts { whole } else { Hint::Nothing }
    }
}

fn in_root(mask: Mask, entry: &OsStr) -> Hint {
    let directory = mask.contains(Mask::IN_ISDIR);
    if mask.contains(Mask::IN_ATTRIB) && !directory {
        return Hint::Nothing;
    }
    let text = entry.to_string_lossy();
    match ProfileName::parse(&text) {
        Some(name) => Hint::one(&name),
        None if text == DEFAULTS => Hint::All,
        // A directory with a bad name is to be told of; only a full scan tells.
        None if directory && !text.starts_with('.') => Hint::All,
        None => Hint::Nothing,
    }
}

/// Names that a scan looks at. Kubernetes switches all files of a volume at once by its `..data` symlink.
fn means_something(entry: &OsStr) -> bool {
    entry.to_str().is_some_and(|name| is_read(name) || name.starts_with("..") || near_miss(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ProfileName {
        ProfileName::parse(text).unwrap()
    }

    fn check(interest: &Interest, mask: Mask, entry: Option<&str>, expect: &Hint) {
        let got = interest.meaning(mask, entry.map(OsStr::new));
        assert_eq!(got, *expect, "{interest:?} {mask:?} {entry:?}");
    }

    #[test]
    fn an_event_counts_for_what_it_can_change() {
        let web = Hint::one(&name("web"));
        let profile = Interest::Profile(name("web"));
        let (created, dir) = (Mask::IN_CREATE, Mask::IN_ISDIR);
        check(&profile, Mask::IN_CLOSE_WRITE, Some("run"), &web);
        check(&profile, Mask::IN_ATTRIB, Some("run"), &web);
        check(&profile, Mask::IN_CLOSE_WRITE, Some("stop_singal"), &web);
        check(&profile, Mask::IN_MOVED_TO, Some("..data"), &web);
        check(&profile, Mask::IN_CLOSE_WRITE, Some("data.db"), &Hint::Nothing);
        check(&profile, Mask::IN_CLOSE_WRITE, Some(".run.swp"), &Hint::Nothing);
        check(&profile, Mask::IN_DELETE_SELF, None, &web);
        check(&profile, Mask::IN_IGNORED, None, &Hint::Nothing);
        check(&Interest::Env(name("web")), created, Some("ANY"), &web);
        check(&Interest::Defaults, Mask::IN_CLOSE_WRITE, Some("nice"), &Hint::All);
        check(&Interest::Defaults, Mask::IN_CLOSE_WRITE, Some("notes.md"), &Hint::Nothing);
        check(&Interest::DefaultsEnv, Mask::IN_DELETE, Some("A"), &Hint::All);
        check(&Interest::Modules, Mask::IN_CLOSE_WRITE, Some("http.lua"), &Hint::All);
        check(&Interest::Modules, Mask::IN_MOVED_TO, Some("..data"), &Hint::All);
        check(&Interest::Modules, Mask::IN_CLOSE_WRITE, Some(".http.lua.swp"), &Hint::Nothing);
        check(&Interest::Root, created | dir, Some("web"), &web);
        check(&Interest::Root, Mask::IN_DELETE, Some("web"), &web);
        check(&Interest::Root, created | dir, Some("b\u{e4}d"), &Hint::All);
        check(&Interest::Root, created, Some("b\u{e4}d"), &Hint::Nothing);
        check(&Interest::Root, created | dir, Some(".git"), &Hint::Nothing);
        check(&Interest::Root, created | dir, Some(".defaults"), &Hint::All);
        check(&Interest::Root, Mask::IN_ATTRIB, Some("error.log"), &Hint::Nothing);
        check(&Interest::Root, Mask::IN_ATTRIB | dir, Some("web"), &web);
        check(&Interest::Root, Mask::IN_MOVE_SELF, None, &Hint::All);
        let place = |text: &str, of| Box::new(Place { name: OsStr::new(text).into(), of });
        let all = Interest::Turn(place("current", None));
        check(&all, Mask::IN_MOVED_TO, Some("current"), &Hint::All);
        check(&all, Mask::IN_MOVED_TO, Some("other"), &Hint::Nothing);
        let one = Interest::Turn(place("run", Some(name("web"))));
        check(&one, created, Some("run"), &web);
        check(&one, Mask::IN_CLOSE_WRITE, Some("run"), &Hint::Nothing);
        let one = Interest::Target(place("run", Some(name("web"))));
        check(&one, Mask::IN_CLOSE_WRITE, Some("run"), &web);
        check(&Interest::Root, Mask::IN_CLOSE_WRITE, Some("web"), &Hint::Nothing);
        check(&Interest::Root, Mask::IN_UNMOUNT, None, &Hint::All);
    }

    #[test]
    fn an_interest_is_small() {
        assert!(size_of::<Interest>() <= 24);
    }

    #[test]
    fn hints_add_up() {
        let (a, b) = (Hint::one(&name("a")), Hint::one(&name("b")));
        assert_eq!(a.clone().and(b.clone()), Hint::Some([name("a"), name("b")].into()));
        assert_eq!(Hint::Nothing.and(a.clone()), a);
        assert_eq!(a.clone().and(Hint::Nothing), a);
        assert_eq!(a.and(Hint::All), Hint::All);
        assert_eq!(Hint::All.and(b), Hint::All);
        assert!(Interest::FIRST <= Interest::Root && Interest::Root < Interest::Profile(name("a")));
    }
}
