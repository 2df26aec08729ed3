//! `proclaunch new`: a profile that is right as it is, made whole or not at all.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tempfile::TempDir;

use super::{printed, run};

fn profiles() -> TempDir {
    let temp = tempfile::tempdir().unwrap();
    fs::create_dir(temp.path().join("p")).unwrap();
    temp
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_new_profile_is_clean_and_not_started() {
    for (words, files) in [
        (&[][..], &["down", "restart", "run"][..]),
        (&["--http", "http://127.0.0.1:8080/healthz"], &["down", "health.lua", "restart", "run"]),
        (&["--tcp", "[::1]:5432"], &["down", "health.lua", "restart", "run"]),
    ] {
        let temp = profiles();
        let text = printed(temp.path(), &[&["new", "web@1", "--profiles", "p"], words].concat(), 0);
        assert!(text.starts_with("made p/web@1: run, restart, down"), "{text}");
        assert!(text.contains("\n  edit p/web@1/run\n"), "{text}");
        assert_eq!(names(&temp.path().join("p")), ["web@1"], "nothing else is left");
        assert_eq!(names(&temp.path().join("p/web@1")), files);
        let mode = fs::metadata(temp.path().join("p/web@1/run")).unwrap().permissions().mode();
        assert_eq!(mode & 0o700, 0o700);
        let checked = printed(temp.path(), &["check", "--strict", "p"], 0);
        assert_eq!(checked, "1 profile checked: 0 errors, 0 warnings\n");
    }
}

#[test]
fn what_is_there_is_left_alone() {
    let temp = profiles();
    let dir = temp.path().join("p");
    fs::create_dir(dir.join("full")).unwrap();
    fs::write(dir.join("full/run"), "mine").unwrap();
    fs::create_dir(dir.join("empty")).unwrap();
    fs::write(dir.join("file"), "").unwrap();
    symlink("nowhere", dir.join("link")).unwrap();
    for name in ["full", "empty", "file", "link"] {
        let output = run(temp.path(), &["new", name, "--profiles", "p"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("failed to make profile `p/{name}`: it exists already")), "{said}");
    }
    assert_eq!(names(&dir), ["empty", "file", "full", "link"]);
    assert_eq!(fs::read_to_string(dir.join("full/run")).unwrap(), "mine");
}

#[test]
fn what_cannot_be_is_refused_with_its_exit_code() {
    let temp = profiles();
    for (words, code, message) in [
        (&["new", ".web", "--profiles", "p"][..], 2, "a profile's name begins with"),
        (&["new", "a/b", "--profiles", "p"], 2, "a profile's name begins with"),
        (&["new", "web", "--profiles", "p", "--http", "127.0.0.1"], 2, "such as http://"),
        (&["new", "web", "--profiles", "p", "--tcp", "db"], 2, "a host and a port"),
        (
            &["new", "web", "--profiles", "p", "--tcp", "db:1", "--http", "http://a/"],
            2,
            "cannot be used with",
        ),
        (&["new", "web", "--profiles", "none"], 100, "failed to write to profiles directory `none`"),
        (
            &["new", "web", "--state", "none"],
            111,
            "failed to find the profiles directory: no supervisor runs",
        ),
    ] {
        let output = run(temp.path(), words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        assert!(said.contains(message), "{words:?}: {said}");
    }
    assert!(names(&temp.path().join("p")).is_empty());
}

#[test]
fn json_says_where_it_is() {
    let temp = profiles();
    let text = printed(temp.path(), &["new", "web", "--profiles", "p", "--json"], 0);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let expect = serde_json::json!({"profile": "web", "dir": "p/web", "files": ["run", "restart", "down"]});
    assert_eq!(json, expect);
}
