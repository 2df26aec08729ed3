//! How the program starts, from outside: exit codes, messages, files. Nothing here is left running.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use proclaunch::instance::{Claim, Instance};
use tempfile::{TempDir, tempdir};

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

    /// Runs the program in the world's directory until it and whoever holds its output have let go.
    fn run(&self, words: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_proclaunch"))
            .args(words.split_whitespace())
            .current_dir(self.temp.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    #[track_caller]
    fn silent(&self, words: &str) {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(0), "{words}: {output:?}");
        assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{words}: {output:?}");
    }

    #[track_caller]
    fn refused(&self, words: &str, code: i32, message: &str) {
        let output = self.run(words);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{words}: {text}");
        assert!(text.contains(message), "{words}: {message} is not in: {text}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_start_makes_the_state_directory_and_the_log() {
    let world = World::new();
    world.silent("state profiles");
    assert!(world.path("state/proclaunch.profiles").exists());
    assert!(world.path("profiles/error.log").exists());
}

#[test]
fn in_the_foreground_there_is_no_log_file_unless_told() {
    let world = World::new();
    world.silent("-F state profiles");
    assert!(!world.path("profiles/error.log").exists());
    world.silent("-f --log-path given.log state profiles");
    assert!(world.path("given.log").exists());
}

#[test]
fn scenario_06_a_second_start_is_silent_and_leaves_the_first_alone() {
    let world = World::new();
    let claim = Instance::claim(&world.path("state"), &world.path("profiles")).unwrap();
    let Claim::Ours(first) = claim else { panic!("nobody else is there") };
    first.write_pid_file().unwrap();
    for words in ["state profiles", "--foreground state profiles", "./state profiles/"] {
        world.silent(words);
    }
    assert!(world.path("state/proclaunch.pid").exists());
    assert!(!world.path("profiles/error.log").exists());
    fs::create_dir(world.path("other")).unwrap();
    world.refused("state other", 100, "/profiles`");
}

#[test]
fn bug_25_what_goes_wrong_in_the_daemon_comes_out_of_the_launcher() {
    let world = World::new();
    for option in ["", "--foreground"] {
        let words = format!("{option} --log-path no/log state profiles");
        // Again and again: a start that failed must not hold the lock when its launcher is gone.
        for _ in 0..20 {
            world.refused(&words, 100, "proclaunch: failed to open log file `");
        }
    }
    assert!(!world.path("state/proclaunch.pid").exists());
}

#[test]
fn bad_directories_are_exit_100_and_bad_words_exit_2() {
    let world = World::new();
    world.refused("no/state profiles", 100, "/no/state`");
    world.refused("state nowhere", 100, "/nowhere`");
    world.refused("state", 2, "<PROFILES_DIR>");
    world.refused("--bogus state profiles", 2, "--bogus");
    assert!(!world.path("state").exists());
}

#[test]
fn help_and_version_are_answers() {
    let world = World::new();
    for (words, start) in [("--help", "Supervises"), ("--version", "proclaunch 2")] {
        let output = world.run(words);
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8(output.stdout).unwrap().starts_with(start), "{words}");
    }
}
