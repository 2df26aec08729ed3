//! What the real kernel tells of which change.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tempfile::TempDir;

use super::*;
use crate::scan::{scan_all, scan_one};

/// The longest that the kernel may take to tell, in milliseconds.
const DEADLINE_MS: u16 = 10_000;

fn name(text: &str) -> ProfileName {
    ProfileName::parse(text).unwrap()
}

fn some(names: &[&str]) -> Hint {
    Hint::Some(names.iter().map(|text| name(text)).collect())
}

struct Fixture {
    /// Holds the profiles directory among others.
    top: TempDir,
    profiles: PathBuf,
    watcher: Watcher,
}

impl Fixture {
    /// Two profiles, `web` and `db`, watched through the path `profiles` below a new directory.
    fn new(profiles: &str, prepare: impl FnOnce(&Path)) -> Self {
        let top = tempfile::tempdir().unwrap();
        prepare(top.path());
        let path = top.path().join(profiles);
        let watcher = Watcher::new(&path, &[path.join(".hooks"), top.path().join("shared/hooks")]).unwrap();
        assert_eq!(watcher.gap(), None);
        Self { top, profiles: path, watcher }
    }

    fn plain() -> Self {
        Self::new("profiles", |top| two_profiles(&top.join("profiles")))
    }

    fn path(&self, path: &str) -> PathBuf {
        self.profiles.join(path)
    }

    /// Waits for the next event, and takes what is there.
    fn next(&mut self) -> Hint {
        let mut ready = [PollFd::new(self.watcher.as_fd(), PollFlags::POLLIN)];
        let count = poll(&mut ready, PollTimeout::from(DEADLINE_MS)).unwrap();
        assert_eq!(count, 1, "no event in {DEADLINE_MS} ms");
        self.watcher.drain()
    }

    /// Expects that what `act` does is a hint of this worth, and watches what is there then. The kernel queues an
    /// event within the system call that causes it, so there is nothing to wait for.
    fn check(&mut self, what: &str, act: impl FnOnce(&Self), expect: &Hint) {
        act(self);
        let hint = self.watcher.drain();
        assert_eq!(hint, *expect, "{what}");
        self.watcher.refresh(&hint);
        assert_eq!(self.watcher.gap(), None, "{what}");
    }
}

fn write(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn two_profiles(dir: &Path) {
    for profile in ["web", "db"] {
        write(&dir.join(profile).join("run"), "x");
    }
    write(&dir.join("web/env/A"), "1");
    write(&dir.join("error.log"), "");
}

/// Replaces a symlink as a release tool does.
fn switch(link: &Path, target: &str) {
    let next = link.with_extension("next");
    symlink(target, &next).unwrap();
    fs::rename(&next, link).unwrap();
}

#[test]
fn scenario_10_each_kind_of_change_is_a_hint_for_its_profile() {
    let mut fixture = Fixture::plain();
    let web = some(&["web"]);
    for file in ["run", "restart", "stop_signal", "depends", "on_start.lua", "env/A", "env/B", "stop_singal"]
    {
        fixture.check(file, |f| write(&f.path("web").join(file), "y"), &web);
        fixture.check(file, |f| write(&f.path("web").join(file), "z"), &web);
    }
    fixture.check("removed", |f| fs::remove_file(f.path("web/restart")).unwrap(), &web);
    let rename = |from, to| move |f: &Fixture| fs::rename(f.path(from), f.path(to)).unwrap();
    fixture.check("replaced", rename("web/depends", "web/restart"), &web);
    let executable =
        |f: &Fixture| fs::set_permissions(f.path("web/run"), Permissions::from_mode(0o755)).unwrap();
    fixture.check("chmod +x", executable, &web);
    fixture.check("added", |f| write(&f.path("new/run"), "x"), &some(&["new"]));
    fixture.check("changed", |f| write(&f.path("new/run"), "y"), &some(&["new"]));
    fixture.check("renamed", rename("new", "newer"), &some(&["new", "newer"]));
    fixture.check("changed", |f| write(&f.path("newer/run"), "z"), &some(&["newer"]));
    fixture.check("removed", |f| fs::remove_dir_all(f.path("newer")).unwrap(), &some(&["newer"]));
    fixture.check("env removed", |f| fs::remove_dir_all(f.path("web/env")).unwrap(), &web);
    fixture.check("env is a file", |f| write(&f.path("web/env"), "A=1"), &web);
    fixture.check("first default", |f| write(&f.path(".defaults/nice"), "1"), &Hint::All);
    fixture.check("default", |f| write(&f.path(".defaults/nice"), "2"), &Hint::All);
    fixture.check("default env", |f| write(&f.path(".defaults/env/A"), "2"), &Hint::All);
    fixture.check("default env", |f| write(&f.path(".defaults/env/A"), "3"), &Hint::All);
}

#[test]
fn a_touch_is_a_hint_and_the_scan_finds_no_change() {
    let mut fixture = Fixture::plain();
    let before = scan_one(&fixture.profiles, &name("web")).unwrap();
    let touch = |f: &Fixture| {
        let run = fs::File::options().write(true).open(f.path("web/run")).unwrap();
        run.set_modified(std::time::UNIX_EPOCH).unwrap();
    };
    fixture.check("touch", touch, &some(&["web"]));
    assert_eq!(scan_one(&fixture.profiles, &name("web")).unwrap(), before);
}

#[test]
fn writing_the_log_or_other_files_is_no_hint() {
    let mut fixture = Fixture::plain();
    let log = fixture.path("error.log");
    let append = |_: &Fixture| {
        for _ in 0..3 {
            let mut file = fs::File::options().append(true).open(&log).unwrap();
            std::io::Write::write_all(&mut file, b"line\n").unwrap();
        }
    };
    fixture.check("error.log", append, &Hint::Nothing);
    append(&fixture);
    assert_eq!(fixture.watcher.inotify.read_events().unwrap_err(), Errno::EAGAIN, "not even a wakeup");
    fixture.check("data", |f| write(&f.path("web/data.db"), "x"), &Hint::Nothing);
    fixture.check("subdirectory", |f| write(&f.path("web/cache/x"), "x"), &Hint::Nothing);
    fixture.check("neighbour", |f| write(&f.top.path().join("neighbour"), "x"), &Hint::Nothing);
}

#[test]
fn a_switch_of_the_profiles_symlink_is_a_hint_for_all() {
    let mut fixture = Fixture::new("profiles", |top| {
        two_profiles(&top.join("v1"));
        two_profiles(&top.join("v2"));
        symlink("v1", top.join("profiles")).unwrap();
    });
    fixture.check("switch", |f| switch(&f.profiles, "v2"), &Hint::All);
    let web = some(&["web"]);
    fixture.check("the new release", |f| write(&f.top.path().join("v2/web/run"), "y"), &web);
    fixture.check("the watches are gone", |_| (), &Hint::Nothing);
    write(&fixture.top.path().join("v1/web/run"), "y");
    assert_eq!(fixture.watcher.inotify.read_events().unwrap_err(), Errno::EAGAIN, "the old release wakes");
}

#[test]
fn a_switch_further_up_the_path_is_a_hint_for_all() {
    let mut fixture = Fixture::new("app/current/profiles", |top| {
        two_profiles(&top.join("releases/1/profiles"));
        two_profiles(&top.join("releases/2/profiles"));
        fs::create_dir(top.join("app")).unwrap();
        symlink("../releases/newest", top.join("app/current")).unwrap();
        symlink("1", top.join("releases/newest")).unwrap();
    });
    let newest = fixture.top.path().join("releases/newest");
    fixture.check("the inner link", |_| switch(&newest, "2"), &Hint::All);
    let current = fixture.top.path().join("app/current");
    fixture.check("the outer link", |_| switch(&current, "../releases/1"), &Hint::All);
    fixture.check("the inner link, not on the way", |_| switch(&newest, "1"), &Hint::Nothing);
    fixture.check("the new release", |f| write(&f.path("web/run"), "y"), &some(&["web"]));
}

#[test]
fn a_directory_that_comes_back_is_a_hint_for_all() {
    let top = tempfile::tempdir().unwrap();
    let profiles = top.path().join("profiles");
    symlink("v1", &profiles).unwrap();
    let watcher = Watcher::new(&profiles, &[]).unwrap();
    let mut fixture = Fixture { top, profiles, watcher };
    two_profiles(&fixture.top.path().join("v1"));
    assert_eq!(fixture.next(), Hint::All);
    fixture.watcher.refresh(&Hint::All);
    assert_eq!(scan_all(&fixture.profiles).unwrap().profiles.len(), 2);
    fixture.check("the directory", |f| write(&f.path("web/run"), "y"), &some(&["web"]));
    fs::remove_dir_all(fixture.top.path().join("v1")).unwrap();
    let mut hint = Hint::Nothing;
    while hint != Hint::All {
        hint = fixture.next();
    }
}

#[test]
fn a_profile_or_a_setting_behind_a_symlink_is_watched_where_it_leads() {
    let mut fixture = Fixture::new("profiles", |top| {
        two_profiles(&top.join("profiles"));
        write(&top.join("shared/run"), "x");
        write(&top.join("apps/1/run"), "x");
        write(&top.join("apps/2/run"), "x");
        symlink("1", top.join("apps/newest")).unwrap();
        symlink("../apps/newest", top.join("profiles/app")).unwrap();
        symlink("../../shared/run", top.join("profiles/db/stop_signal")).unwrap();
    });
    let top = fixture.top.path().to_owned();
    let (app, db) = (some(&["app"]), some(&["db"]));
    fixture.check("the file", |_| write(&top.join("shared/run"), "y"), &db);
    fixture.check("its neighbour", |_| write(&top.join("shared/other"), "y"), &Hint::Nothing);
    fixture.check("the directory", |_| write(&top.join("apps/1/run"), "y"), &app);
    fixture.check("the link on the way", |_| switch(&top.join("apps/newest"), "2"), &app);
    fixture.check("the new directory", |_| write(&top.join("apps/2/run"), "y"), &app);
    fixture.check("the old directory", |_| write(&top.join("apps/1/run"), "z"), &Hint::Nothing);
}

#[test]
fn watches_go_with_their_profiles() {
    let mut fixture = Fixture::plain();
    let before = fixture.watcher.watches.clone();
    for _ in 0..3 {
        fixture.check("added", |f| write(&f.path("new/env/A"), "1"), &some(&["new"]));
        assert_eq!(fixture.watcher.watches.len(), before.len() + 2);
        fixture.check("removed", |f| fs::remove_dir_all(f.path("new")).unwrap(), &some(&["new"]));
        assert_eq!(fixture.watcher.watches, before);
        fixture.watcher.refresh(&Hint::All);
        assert_eq!(fixture.watcher.watches, before);
    }
}

#[test]
fn an_overflow_is_a_hint_for_all() {
    let mut fixture = Fixture::plain();
    let max = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let max: usize = max.trim().parse().unwrap();
    let (a, b) = (fixture.path("web/nice"), fixture.path("web/umask"));
    fs::write(&a, "1").unwrap();
    // A rename is two events; equal neighbours are merged by the kernel, these are not.
    for _ in 0..=max / 4 {
        fs::rename(&a, &b).unwrap();
        fs::rename(&b, &a).unwrap();
    }
    let mut hint = fixture.next();
    while hint != Hint::All {
        hint = fixture.next();
    }
}

#[test]
fn what_cannot_be_watched_is_a_gap_until_all_is_watched_again() {
    let mut fixture = Fixture::plain();
    let too_long = PathBuf::from("/".to_owned() + &"x".repeat(5000));
    assert!(!fixture.watcher.watch(&too_long, Interest::Root));
    assert!(!fixture.watcher.is_complete());
    assert!(fixture.watcher.gap().unwrap().ends_with("File name too long"));
    fixture.watcher.refresh(&some(&["web"]));
    assert!(!fixture.watcher.is_complete());
    fixture.watcher.refresh(&Hint::All);
    assert!(fixture.watcher.is_complete());
    assert_eq!(reason(Errno::ENOSPC), "no inotify watch left (fs.inotify.max_user_watches)");
}

#[test]
fn what_changes_in_the_modules_of_all_profiles_is_a_hint_for_all() {
    let mut fixture = Fixture::plain();
    for base in [".hooks", "../shared/hooks"] {
        let at = |fixture: &Fixture, file: &str| fixture.path(base).join(file);
        fixture.check("the directory", |f| fs::create_dir_all(f.path(base)).unwrap(), &Hint::All);
        fixture.check("a module", |f| write(&at(f, "a.lua"), "1"), &Hint::All);
        fixture.check("its text", |f| write(&at(f, "a.lua"), "2"), &Hint::All);
        fixture.check("a directory", |f| fs::create_dir_all(at(f, "lib/x")).unwrap(), &Hint::All);
        fixture.check("a module below", |f| write(&at(f, "lib/x/b.lua"), "1"), &Hint::All);
        let target = |f: &Fixture| f.path("../elsewhere.lua");
        fixture.check("a file elsewhere", |f| write(&target(f), "1"), &Hint::Nothing);
        fixture.check("a symlink", |f| symlink(target(f), at(f, "s.lua")).unwrap(), &Hint::All);
        fixture.check("what it leads to", |f| write(&target(f), "2"), &Hint::All);
        fixture.check("gone", |f| fs::remove_dir_all(f.path(base)).unwrap(), &Hint::All);
    }
}
