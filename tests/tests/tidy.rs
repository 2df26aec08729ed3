//! The rules of the repository that a program can check.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// A longer file misses an idea.
const LINES_MAX: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// Every source file below a directory of the repository, with its text.
fn sources(below: &str) -> Vec<(PathBuf, String)> {
    let entries = WalkDir::new(root().join(below)).sort_by_file_name().into_iter();
    let found: Vec<_> = entries
        .filter_entry(|entry| entry.file_name() != "target")
        .map(Result::unwrap)
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "rs"))
        .map(|entry| (entry.path().to_owned(), fs::read_to_string(entry.path()).unwrap()))
        .collect();
    assert!(!found.is_empty(), "{below} has sources");
    found
}

/// Every line of code below a directory that holds one of these words, comments left aside.
fn lines_with(below: &str, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources(below) {
        for (number, line) in text.lines().enumerate() {
            let is_code = !line.trim_start().starts_with("//");
            if is_code && words.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
        }
    }
    found
}

#[track_caller]
fn nowhere_but(allowed: &[&str], found: Vec<String>) {
    let is_bad = |line: &String| !allowed.iter().any(|part| line.contains(part));
    let bad: Vec<String> = found.into_iter().filter(is_bad).collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn the_core_knows_no_world() {
    let outside = [
        "std::fs",
        "std::env",
        "std::net",
        "std::thread",
        "std::process",
        "Instant",
        "SystemTime",
        "nix::",
        "libc::",
        "mlua",
        "tokio",
    ];
    nowhere_but(&[], lines_with("proclaunch/core/src", &outside));
    let manifest = fs::read_to_string(root().join("proclaunch/core/Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let names: Vec<&str> =
        dependencies.lines().filter_map(|line| line.split([' ', '.', '=']).next()).collect();
    let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
    assert_eq!(names, ["chrono", "serde"], "a dependency of the core is a decision");
}

#[test]
fn only_sys_talks_to_the_kernel_unsafely() {
    nowhere_but(
        &["proclaunch/src/sys/", "unsafe_code", "\"unsafe"],
        [lines_with("proclaunch/src", &["unsafe "]), lines_with("proclaunch/core/src", &["unsafe "])]
            .concat(),
    );
}

#[test]
fn bug_32_decisions_know_no_wall_clock() {
    // To be shown, and to be compared with the time of a pid file, which has no other.
    // Hooks may ask for it: their clock is one. And so is that of a time that is typed.
    let readers = [
        "cli/since.rs",
        "sys/clock.rs",
        "logging/mod.rs",
        "src/panics.rs",
        "keeper/pid_file.rs",
        "hooks/time.rs",
        "logger/stamp.rs",
        "control/convert.rs",
    ];
    nowhere_but(&readers, lines_with("proclaunch/src", &["wall_clock()", "CLOCK_REALTIME", "SystemTime"]));
}

#[test]
fn nothing_waits_but_the_loop_of_each_process_and_the_tests_patience() {
    let sleepers = ["thread::sleep", "nanosleep", "sleep_ms", ".wait(&mut events"];
    nowhere_but(
        &["supervisor/reactor.rs", "keeper/server/mod.rs", "logger/run.rs", "EpollTimeout::ZERO"],
        lines_with("proclaunch/src", &sleepers),
    );
    nowhere_but(&["tests/src/wait.rs", "tests/tests/tidy.rs"], lines_with("tests", &["thread::sleep"]));
}

#[test]
fn no_test_is_switched_off() {
    let off = ["#[ignore", "#[should_panic", "todo!(", "unimplemented!("];
    nowhere_but(
        &["tests/tests/tidy.rs"],
        [lines_with("proclaunch", &off), lines_with("tests", &off)].concat(),
    );
}

#[test]
fn files_are_small_and_say_what_they_are_for() {
    let mut bad = Vec::new();
    for (path, text) in [sources("proclaunch"), sources("tests"), sources("fuzz")].concat() {
        if text.lines().count() > LINES_MAX {
            bad.push(format!("{}: {} lines", path.display(), text.lines().count()));
        }
        if !text.starts_with("//!") {
            bad.push(format!("{}: begins without `//!`", path.display()));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn the_readme_names_every_setting_file_and_every_option() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for file in proclaunch_core::profile::SETTINGS {
        assert!(readme.contains(&format!("`{file}`")), "README.md says nothing of `{file}`");
    }
    let help = fs::read_to_string(root().join("proclaunch/src/cli/help.txt")).unwrap();
    for word in help.split_whitespace().filter(|word| word.starts_with("--")) {
        let word = word.trim_end_matches([']', ',', ';']);
        assert!(
            readme.contains(word) || ["--help", "--version", "--debug"].contains(&word),
            "README.md says nothing of {word}"
        );
    }
}

#[test]
fn links_between_documents_lead_somewhere() {
    for document in [
        "README.md",
        "profiles-examples/README.md",
        "profiles-examples/deploy/README.md",
        "hooks-examples/README.md",
        "CHANGELOG.md",
    ] {
        let path = root().join(document);
        let text = fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !link.starts_with("http") && !link.starts_with('#') {
                let target = path.parent().unwrap().join(link);
                assert!(target.exists(), "{document} links to {link}, which is not there");
            }
        }
    }
}
