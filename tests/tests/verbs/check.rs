//! `proclaunch check`: what it finds, where it says it is, and how it ends.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use tempfile::TempDir;

use super::{printed, run};

mod findings;
mod scripts;

/// Files by their paths; what is called `run` can be executed.
fn tree(files: &[(&str, &str)]) -> TempDir {
    let temp = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = temp.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        if path.to_string_lossy().ends_with("run") {
            fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        }
    }
    temp
}

/// A `run` that is good everywhere.
const RUN: (&str, &str) = ("web/run", "#!/bin/sh\nexec sleep 1000\n");

/// Checks the profile `web` of these files and a good `run`, and expects these lines before the last; `...` stands for
/// the rest of a line.
#[track_caller]
fn web(files: &[(&str, &str)], expect: &[&str]) {
    let temp = tree(&[files, &[RUN]].concat());
    let code = i32::from(expect.iter().any(|line| line.contains(" error: ")));
    let text = printed(temp.path(), &["check"], code);
    let mut lines: Vec<&str> = text.lines().collect();
    let last = lines.pop().unwrap();
    let is_same = |(line, expect): (&&str, &&str)| match expect.strip_suffix("...") {
        Some(start) => line.starts_with(start),
        None => line == expect,
    };
    assert!(lines.len() == expect.len() && lines.iter().zip(expect).all(is_same), "{lines:#?}\n{expect:#?}");
    let count = |severity: &str| expect.iter().filter(|line| line.contains(severity)).count();
    let plural = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let (errors, warnings) = (plural(count(" error: "), "error"), plural(count(" warning: "), "warning"));
    assert_eq!(last, format!("1 profile checked: {errors}, {warnings}"));
}

#[test]
fn what_is_good_is_clean() {
    web(&[], &[]);
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../profiles-examples");
    let text = printed(&examples, &["check", "--strict", "quickstart"], 0);
    assert_eq!(text, "5 profiles checked: 0 errors, 0 warnings\n");
    let text = printed(&examples, &["check", "real"], 0);
    // The software of these need not be here, but nothing else may be wrong.
    let is_known = |line: &&str| line.contains(" names the user ") || line.contains(" is not in PATH ");
    let rest: Vec<&str> = text.lines().filter(|line| !is_known(line)).collect();
    assert!(matches!(rest[..], [last] if last.contains(" checked: 0 errors, ")), "{text}");
}

#[test]
fn every_hook_example_is_clean_in_a_profile() {
    let temp = tree(&[]);
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hooks-examples");
    let mut count = 0;
    for entry in fs::read_dir(examples).unwrap().map(Result::unwrap) {
        if !entry.path().is_dir() || entry.file_name() == "meta" {
            continue;
        }
        let is_modules = entry.file_name() == ".hooks";
        let profile = temp.path().join(entry.file_name());
        fs::create_dir(&profile).unwrap();
        if !is_modules {
            symlink("/bin/true", profile.join("run")).unwrap();
            count += 1;
        }
        for file in fs::read_dir(entry.path()).unwrap().map(Result::unwrap) {
            fs::copy(file.path(), profile.join(file.file_name())).unwrap();
        }
    }
    let text = printed(temp.path(), &["check", "--strict"], 0);
    assert_eq!(text, format!("{count} profiles checked: 0 errors, 0 warnings\n"));
    assert!(count >= 18, "{count}");
}

#[test]
fn one_profile_can_be_checked_from_anywhere() {
    let files = [("web/nice", "much\n"), RUN, ("db/run", ""), (".defaults/umask", "9\n")];
    let temp = tree(&[&files[..], &[("web/on_stop.lua", "return nett.tcp")]].concat());
    let check = |below: &str, path: &str| printed(&temp.path().join(below), &["check", path], 1);
    let expect = |web: &str, root: &str| {
        let lines = [
            format!("{root}.defaults/umask: error: says `9`"),
            format!("{web}nice: error: says `much`"),
            format!("{web}on_stop.lua:1: error: unknown name 'nett', did you mean 'net'?"),
            "1 profile checked: 3 errors, 0 warnings".to_owned(),
        ];
        move |text: String| {
            let found: Vec<&str> = text.lines().collect();
            assert_eq!(found.len(), lines.len(), "{text}");
            assert!(found.iter().zip(&lines).all(|(line, start)| line.starts_with(start.as_str())), "{text}");
        }
    };
    expect("web/", "")(check("", "web"));
    expect("", "../")(check("web", "."));
    expect("../web/", "../")(check("db", "../web"));
}

#[test]
fn nothing_is_written_and_nothing_is_executed() {
    let script = "return function() exec{'/usr/bin/touch', 'made'} end";
    let temp =
        tree(&[("web/run", "#!/bin/sh\ntouch made\n"), ("web/health.lua", script), ("web/log_run", "x")]);
    let names = |dir: &Path| {
        let mut names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    printed(temp.path(), &["check"], 0);
    assert_eq!(names(temp.path()), ["web"]);
    assert_eq!(names(&temp.path().join("web")), ["health.lua", "log_run", "run"]);
}

#[test]
fn warnings_end_with_1_only_where_they_are_to_be_strict() {
    let temp = tree(&[RUN, ("web/stop_singal", "INT")]);
    let line = "web/stop_singal: warning: is not a setting; did you mean `stop_signal`?\n\
                1 profile checked: 0 errors, 1 warning\n";
    assert_eq!(printed(temp.path(), &["check"], 0), line);
    assert_eq!(printed(temp.path(), &["check", "--strict"], 1), line);
}

#[test]
fn json_has_everything_in_one_object() {
    let temp = tree(&[
        RUN,
        ("web/nice", "much"),
        ("web/health.lua", "return {\n  every = 1,,\n}\n"),
        ("web/notify", ""),
    ]);
    let text = printed(temp.path(), &["check", "--json"], 1);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["profiles"], serde_json::json!(["web"]));
    let findings = json["findings"].as_array().unwrap();
    let of = |path: &str| findings.iter().find(|finding| finding["path"] == path).unwrap();
    assert_eq!(findings.len(), 3, "{text}");
    assert_eq!(of("web/nice")["severity"], "error");
    assert!(of("web/nice")["line"].is_null());
    assert_eq!(of("web/health.lua")["line"], 2);
    assert_eq!(of("web/notify")["severity"], "warning");
    assert!(of("web/notify")["message"].as_str().unwrap().contains("not supported"), "{text}");
}

#[test]
fn what_is_not_there_is_a_mistake_of_the_command_line() {
    let temp = tree(&[RUN]);
    for (words, message) in [
        (&["check", "wbe"][..], "failed to check `wbe`: No such file"),
        (&["check", "web/run"], "failed to check `web/run`: not a directory"),
        (&["check", "--hooks", "nowhere", "web"], "failed to look for modules in `nowhere`"),
        (&["check", "web", "db"], "unexpected argument"),
    ] {
        let output = run(temp.path(), words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        assert!(said.contains(message), "{words:?}: {said}");
        assert!(output.stdout.is_empty(), "{words:?}");
    }
}
