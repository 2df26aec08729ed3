//! `proclaunch test`: exit codes, where things are printed, and that nothing of a hook is executed.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{printed, run};

/// A directory of one profile with a hook that executes something, and this test.
fn profiles(test: &str) -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    let web = temp.path().join("web");
    fs::create_dir(&web).unwrap();
    fs::write(web.join("on_ready.lua"), "return function() exec{ 'touch', 'was-here' } end").unwrap();
    fs::write(web.join("web_test.lua"), test).unwrap();
    temp
}

const GOOD: &str = "test('it runs', function() expect.exec('touch was-here') world.advance(HOUR) end)";
const BAD: &str = "test('it runs', function() expect.state('stopped') end)";

fn are_untouched(dir: &Path) {
    assert!(!dir.join("web/was-here").exists() && !dir.join("was-here").exists());
}

#[test]
fn what_passes_is_exit_0_and_what_fails_is_exit_1() {
    let good = profiles(GOOD);
    let text = printed(good.path(), &["test"], 0);
    assert!(text.starts_with("ok    web: it runs (simulated 1h, "), "{text}");
    assert!(text.contains("1 test passed, 0 failed (simulated 1h in "), "{text}");
    let told = printed(good.path(), &["test", "--verbose", "web"], 0);
    assert!(told.contains("exec    touch was-here -> no such command (not scripted)"), "{told}");
    are_untouched(good.path());

    let bad = profiles(BAD);
    let text = printed(bad.path(), &["test", "web/web_test.lua"], 1);
    assert!(text.starts_with("FAIL  web: it runs"), "{text}");
    assert!(
        text.contains("      web/web_test.lua:1\n      expected  state stopped\n      was       running\n"),
        "{text}"
    );
}

#[test]
fn no_test_is_exit_1_and_no_path_exit_2() {
    let temp = profiles(GOOD);
    let empty = tempfile::tempdir().unwrap();
    let text = printed(empty.path(), &["test"], 1);
    assert_eq!(text, "there is no file *_test.lua in `.`\n");
    let text = printed(temp.path(), &["test", "--filter", "nothing"], 1);
    assert_eq!(text, "there is no test with `nothing` in its name in `.`\n");
    let output = run(temp.path(), &["test", "web", "nowhere"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "proclaunch: failed to read `nowhere`: No such file or directory (os error 2)\n");
}

#[test]
fn json_is_one_object_on_one_line() {
    let temp = profiles(BAD);
    let text = printed(temp.path(), &["test", "--json"], 1);
    assert_eq!(text.lines().count(), 1, "{text}");
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&json["passed"], &json["failed"]), (&Value::from(0), &Value::from(1)));
    assert_eq!(json["tests"][0]["expected"], "state stopped");
}

#[test]
fn help_tests_is_the_page() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hooks-examples/TESTING.md");
    assert_eq!(printed(&std::env::temp_dir(), &["help", "tests"], 0), fs::read_to_string(page).unwrap());
}

#[test]
fn a_test_leaves_nothing_behind() {
    let temp = profiles(GOOD);
    let before: Vec<_> =
        fs::read_dir(temp.path().join("web")).unwrap().map(|entry| entry.unwrap().path()).collect();
    printed(temp.path(), &["test", "."], 0);
    let after: Vec<_> =
        fs::read_dir(temp.path().join("web")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(before, after);
}
