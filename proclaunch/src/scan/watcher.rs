//! inotify on everything that can change what a scan finds.
//!
//! Watched are the profiles directory, each profile with its `env/`, `.defaults/`, the directories of modules for all
//! profiles, and every directory in which a symlink on the way can be switched: of the profiles directory, of a
//! profile, of a setting file, of a module.
//!
//! **Invariant:** a directory is watched before it is listed, and a path is resolved again after its turns are
//! watched, so that nothing changes unseen between the two.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags as Mask, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use proclaunch_core::ids::ProfileName;
use proclaunch_core::profile::is_read;

use super::interest::{Hint, Interest, Place};
use super::links::turns;
use super::modules::DEPTH_MAX;
use super::root::DEFAULTS;

/// Adds to what an inode is watched for, where two paths lead to it (`inotify(7)`); nix has no name for it.
const MASK_ADD: Mask = Mask::from_bits_retain(libc::IN_MASK_ADD);

/// How often a path is resolved again because it changed meanwhile.
const TRIES: usize = 5;

/// How many directories and symlinks with modules are watched: watches are dear.
const MODULE_DIRS_MAX: usize = 256;

/// How many buffers of events are taken at once: the reactor has other work too.
const READS_MAX: usize = 64;

/// Why nothing can be watched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// No inotify instance: too many open files, or the user's limit.
    #[error("make an inotify instance: {}", .0.desc())]
    Instance(Errno),
    /// The profiles directory is relative, and so is the working directory, or it is gone.
    #[error("find the absolute path of `{}`", .0.display())]
    Relative(PathBuf),
}

/// Says when a scan is worth its while.
#[derive(Debug)]
pub struct Watcher {
    inotify: Inotify,
    /// Absolute.
    profiles_dir: PathBuf,
    /// Absolute.
    modules: Vec<PathBuf>,
    /// A set of pairs, and not a map: one directory can be watched for several reasons.
    watches: BTreeSet<(WatchDescriptor, Interest)>,
    gap: Option<String>,
}

impl Watcher {
    /// Watches `profiles_dir` and what is in it, and the directories of `modules`. None of them need exist yet.
    pub fn new(profiles_dir: &Path, modules: &[PathBuf]) -> Result<Self, WatchError> {
        let absolute =
            |path: &Path| std::path::absolute(path).map_err(|_| WatchError::Relative(path.to_owned()));
        let profiles_dir = absolute(profiles_dir)?;
        let modules = modules.iter().map(|path| absolute(path)).collect::<Result<_, _>>()?;
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK);
        let inotify = inotify.map_err(WatchError::Instance)?;
        let mut watcher = Self { inotify, profiles_dir, modules, watches: BTreeSet::new(), gap: None };
        watcher.refresh(&Hint::All);
        Ok(watcher)
    }

    /// Watches what is there now: of everything, or of the profiles that the hint names. To be called before the
    /// scan that follows the hint.
    pub fn refresh(&mut self, hint: &Hint) {
        let before: BTreeSet<WatchDescriptor> = match hint {
            Hint::Nothing => return,
            Hint::All => std::mem::take(&mut self.watches).into_iter().map(|(watch, _)| watch).collect(),
            Hint::Some(names) => {
                let of_names = |(_, interest): &(_, Interest)| {
                    interest.profile().is_some_and(|profile| names.contains(profile))
                };
                self.watches.extract_if(.., of_names).map(|(watch, _)| watch).collect()
            }
        };
        match hint {
            Hint::Nothing => {}
            Hint::All => self.watch_all(),
            Hint::Some(names) => {
                for name in names {
                    let symlink = self.profiles_dir.join(name.as_str()).is_symlink();
                    self.watch_profile(name, symlink);
                }
            }
        }
        for watch in before.into_iter().filter(|watch| self.reasons(*watch).next().is_none()) {
            // It fails if the directory is gone, and the watch with it.
            let _ = self.inotify.rm_watch(watch);
        }
    }

    /// Whether all that can change is watched. If not, only a scan every now and then finds everything.
    pub fn is_complete(&self) -> bool {
        self.gap.is_none()
    }

    /// What is not watched, and why.
    pub fn gap(&self) -> Option<&str> {
        self.gap.as_deref()
    }

    /// Takes the events that are there, and says what they are worth. Never waits; after a flood some may be left, and
    /// the descriptor stays readable.
    pub fn drain(&mut self) -> Hint {
        let mut hint = Hint::Nothing;
        for _ in 0..READS_MAX {
            match self.inotify.read_events() {
                Ok(events) => {
                    for event in events {
                        hint = hint.and(self.take(&event));
                    }
                }
                Err(Errno::EAGAIN) => return hint,
                Err(Errno::EINTR) => {}
                Err(_) => return Hint::All,
            }
        }
        hint
    }

    fn take(&mut self, event: &InotifyEvent) -> Hint {
        if event.mask.contains(Mask::IN_Q_OVERFLOW) {
            return Hint::All;
        }
        let name = event.name.as_deref();
        let meanings = self.reasons(event.wd).map(|interest| interest.meaning(event.mask, name));
        let hint = meanings.fold(Hint::Nothing, Hint::and);
        if event.mask.contains(Mask::IN_IGNORED) {
            self.watches
                .extract_if((event.wd, Interest::FIRST).., |(watch, _)| *watch == event.wd)
                .for_each(drop);
        }
        hint
    }

    /// Why a directory is watched.
    fn reasons(&self, watch: WatchDescriptor) -> impl Iterator<Item = &Interest> {
        let from = self.watches.range((watch, Interest::FIRST)..);
        from.take_while(move |(of, _)| *of == watch).map(|(_, interest)| interest)
    }

    fn watch_all(&mut self) {
        self.gap = None;
        let root = self.profiles_dir.clone();
        self.watch_turns(&root, None, Interest::Turn);
        self.watch(&root, Interest::Root);
        for entry in std::fs::read_dir(&root).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            let name = entry.file_name().to_str().and_then(ProfileName::parse);
            if let Some(name) = name.filter(|_| kind.is_dir() || kind.is_symlink()) {
                self.watch_profile(&name, kind.is_symlink());
            }
        }
        let defaults = root.join(DEFAULTS);
        if defaults.is_symlink() {
            self.watch_turns(&defaults, None, Interest::Turn);
        }
        self.watch_settings(&defaults, &Interest::Defaults, &Interest::DefaultsEnv);
        for modules in self.modules.clone() {
            self.watch_turns(&modules, None, Interest::Turn);
            self.watch_modules(&modules, 0, &mut 0);
        }
    }

    /// A directory of modules and those below it, and what the symlinks in them lead to.
    fn watch_modules(&mut self, path: &Path, depth: usize, count: &mut usize) {
        if !self.watch(path, Interest::Modules) {
            return;
        }
        let Ok(entries) = std::fs::read_dir(path) else { return };
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if is_hidden || !(kind.is_dir() || kind.is_symlink()) {
                continue;
            }
            *count += 1;
            if *count > MODULE_DIRS_MAX {
                self.gap = Some(format!("more than {MODULE_DIRS_MAX} directories in `{}`", path.display()));
                return;
            }
            if kind.is_symlink() {
                self.watch_turns(&entry.path(), None, Interest::Target);
            } else if depth < DEPTH_MAX {
                self.watch_modules(&entry.path(), depth + 1, count);
            }
        }
    }

    fn watch_profile(&mut self, name: &ProfileName, symlink: bool) {
        let path = self.profiles_dir.join(name.as_str());
        if symlink {
            self.watch_turns(&path, Some(name), Interest::Turn);
        }
        self.watch_settings(&path, &Interest::Profile(name.clone()), &Interest::Env(name.clone()));
    }

    /// A directory of settings, its `env/`, and what the symlinks in it lead to.
    fn watch_settings(&mut self, path: &Path, interest: &Interest, env: &Interest) {
        let of = interest.profile();
        if !self.watch(path, interest.clone()) {
            return;
        }
        let Ok(entries) = std::fs::read_dir(path) else { return };
        for entry in entries.flatten() {
            let (name, kind) = (entry.file_name(), entry.file_type());
            if kind.is_ok_and(|kind| kind.is_symlink()) && name.to_str().is_some_and(is_read) {
                self.watch_turns(&entry.path(), of, Interest::Target);
            }
            if name == "env" && entry.path().is_dir() {
                self.watch(&entry.path(), env.clone());
            }
        }
    }

    /// Watches every place where `path` can be made to lead elsewhere, and `last`, what it leads to.
    fn watch_turns(&mut self, path: &Path, of: Option<&ProfileName>, last: fn(Box<Place>) -> Interest) {
        let place = |name: &OsStr| Box::new(Place { name: name.into(), of: of.cloned() });
        let mut known = turns(path);
        for _ in 0..TRIES {
            if let Some(((dir, name), links)) = known.split_last() {
                for (dir, name) in links {
                    self.watch(dir, Interest::Turn(place(name)));
                }
                self.watch(dir, last(place(name)));
            }
            let again = turns(path);
            if again == known {
                return;
            }
            known = again;
        }
        self.gap = Some(format!("`{}` leads elsewhere each time", path.display()));
    }

    /// Whether the directory is watched.
    fn watch(&mut self, path: &Path, interest: Interest) -> bool {
        match self.inotify.add_watch(path, interest.mask() | MASK_ADD) {
            Ok(watch) => {
                self.watches.insert((watch, interest));
                true
            }
            // Not there, or no directory: the one above it tells when that changes.
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => false,
            // Nor can it be scanned. The directory above it tells when its rights change.
            Err(Errno::EACCES) if !matches!(interest, Interest::Turn(..) | Interest::Target(..)) => false,
            Err(errno) => {
                self.gap = Some(format!("watch `{}`: {}", path.display(), reason(errno)));
                false
            }
        }
    }
}

/// The kernel's reason in words that help.
fn reason(errno: Errno) -> String {
    if errno == Errno::ENOSPC {
        return "no inotify watch left (fs.inotify.max_user_watches)".to_owned();
    }
    errno.desc().to_owned()
}

impl AsFd for Watcher {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

#[cfg(test)]
mod tests;
