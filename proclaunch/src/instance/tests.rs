//! Instances are claimed from threads: a lock hangs on the open directory, and each claim opens its own.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::Barrier;
use std::thread;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use tempfile::{TempDir, tempdir};

use super::*;

struct World {
    temp: TempDir,
}

impl World {
    fn new() -> Self {
        let temp = tempdir().unwrap();
        fs::create_dir(temp.path().join("profiles")).unwrap();
        Self { temp }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn claim(&self, state: &str, profiles: &str) -> Result<Claim, Fatal> {
        Instance::claim(&self.path(state), &self.path(profiles))
    }

    #[track_caller]
    fn ours(&self) -> Instance {
        match self.claim("state", "profiles").unwrap() {
            Claim::Ours(instance) => instance,
            Claim::Served => panic!("nobody serves it"),
        }
    }

    #[track_caller]
    fn refused(&self, state: &str, profiles: &str, words: &[&str]) {
        let fatal = self.claim(state, profiles).unwrap_err();
        assert_eq!(fatal.code(), 100);
        for word in words {
            assert!(fatal.to_string().contains(word), "{word} is not in: {fatal}");
        }
    }
}

#[test]
fn a_missing_state_directory_is_made_for_its_owner_alone() {
    let world = World::new();
    let instance = world.ours();
    assert_eq!(instance.path(), world.path("state"));
    let mode = fs::metadata(world.path("state")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let names: Vec<_> = fs::read_dir(world.path("state")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["proclaunch.profiles"]);
    assert_eq!(
        fs::read_to_string(world.path("state/proclaunch.profiles")).unwrap(),
        format!("{}\n", world.path("profiles").display())
    );
}

#[test]
fn bug_25_a_bad_directory_is_named() {
    let world = World::new();
    fs::write(world.path("file"), "").unwrap();
    symlink(world.path("nowhere"), world.path("dangling")).unwrap();
    world.refused("no/state", "profiles", &["no/state", "parent"]);
    world.refused("file", "profiles", &["state directory", "/file`"]);
    world.refused("dangling", "profiles", &["/dangling`"]);
    world.refused("state", "missing", &["profiles directory", "/missing`"]);
    world.refused("state", "file", &["/file`"]);
    world.refused("state", "dangling", &["/dangling`"]);
    assert!(!world.path("state").exists(), "a slip in the command line leaves no directory behind");
}

#[test]
fn scenario_06_a_second_start_finds_the_profiles_served() {
    let world = World::new();
    let first = world.ours();
    assert!(matches!(world.claim("state", "profiles"), Ok(Claim::Served)));
    fs::remove_dir(world.path("profiles")).unwrap();
    assert!(matches!(world.claim("state", "profiles"), Ok(Claim::Served)), "the running one copes with that");
    fs::create_dir(world.path("profiles")).unwrap();
    drop(first);
    drop(world.ours());
}

#[test]
fn a_second_start_with_other_profiles_is_refused_with_both_names() {
    let world = World::new();
    fs::create_dir(world.path("other")).unwrap();
    let first = world.ours();
    world.refused("state", "other", &["/state`", "/profiles`", "/other`"]);
    drop(first);
    let Ok(Claim::Ours(_other)) = world.claim("state", "other") else { panic!("the first is gone") };
    world.refused("state", "profiles", &["/state`", "/profiles`", "/other`"]);
}

#[test]
fn bug_10_of_many_starts_at_once_exactly_one_serves() {
    const STARTS: usize = 8;
    for _ in 0..50 {
        let world = World::new();
        fs::create_dir(world.path("other")).unwrap();
        // What an earlier instance left: no loser may believe it.
        let Ok(Claim::Ours(_)) = world.claim("state", "other") else { panic!("the first") };
        let barrier = Barrier::new(STARTS);
        let claims: Vec<_> = thread::scope(|scope| {
            let start = || {
                barrier.wait();
                world.claim("state", "profiles").unwrap()
            };
            let starts: Vec<_> = (0..STARTS).map(|_| scope.spawn(start)).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        let ours = claims.iter().filter(|claim| matches!(claim, Claim::Ours(_))).count();
        assert_eq!(ours, 1);
    }
}

#[test]
fn bug_09_a_stale_pid_file_does_not_keep_an_instance_from_starting() {
    let world = World::new();
    fs::create_dir(world.path("state")).unwrap();
    fs::write(world.path("state/proclaunch.pid"), "1\n").unwrap();
    let instance = world.ours();
    instance.write_pid_file().unwrap();
    let text = fs::read_to_string(world.path("state/proclaunch.pid")).unwrap();
    assert_eq!(text, format!("{}\n", process::id()));
    instance.end();
    assert!(!world.path("state/proclaunch.pid").exists());
}

#[test]
fn the_lock_outlives_one_of_two_holders() {
    let world = World::new();
    let daemon = world.ours();
    // What a fork does: two descriptors, one open directory.
    let launcher = daemon.dir().try_clone().unwrap();
    drop(daemon);
    assert!(matches!(world.claim("state", "profiles"), Ok(Claim::Served)));
    drop(launcher);
    drop(world.ours());
}

#[test]
fn a_tampered_profiles_file_is_not_taken_for_ours() {
    let world = World::new();
    let _first = world.ours();
    fs::write(world.path("state/proclaunch.profiles"), "").unwrap();
    world.refused("state", "profiles", &["/state`", "``"]);
}

#[test]
fn no_service_inherits_the_lock() {
    let world = World::new();
    let instance = world.ours();
    let flags = fcntl(instance.dir(), FcntlArg::F_GETFD).unwrap();
    assert!(FdFlag::from_bits_retain(flags).contains(FdFlag::FD_CLOEXEC));
}
