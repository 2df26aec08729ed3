//! `proclaunch help`: the same words wherever they are asked for, and a hint where there are none.

use std::path::Path;
use std::{env, fs};

use super::{printed, run};

#[test]
fn help_says_what_the_options_say() {
    let here = env::temp_dir();
    assert_eq!(printed(&here, &["help"], 0), printed(&here, &["--help"], 0));
    assert_eq!(printed(&here, &["help", "help"], 0), printed(&here, &["help", "--help"], 0));
    assert_eq!(printed(&here, &["help", "check"], 0), printed(&here, &["check", "--help"], 0));
}

#[test]
fn help_hooks_is_the_reference_page() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hooks-examples/REFERENCE.md");
    assert_eq!(printed(&env::temp_dir(), &["help", "hooks"], 0), fs::read_to_string(page).unwrap());
}

#[test]
fn a_verb_that_is_nearly_one_is_named() {
    let temp = tempfile::tempdir().unwrap();
    for words in [&["staus"][..], &["staus", "--json"], &["staus", "web", "db"]] {
        let output = run(temp.path(), words);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("there is no verb `staus`; did you mean `status`?"), "{words:?}: {said}");
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0, "nothing was made");
    }
    // A directory is one, however it is called.
    fs::create_dir(temp.path().join("staus")).unwrap();
    let said = String::from_utf8(run(temp.path(), &["staus"]).stderr).unwrap();
    assert!(said.contains("PROFILES_DIR") && !said.contains("verb"), "{said}");
}

#[test]
fn numbers_and_addresses_that_are_none_are_refused_in_words() {
    for (words, expect) in [
        (&["scale", "web", "x"][..], "a whole number from 0 to 1000 is expected"),
        (&["scale", "web", "-1"], "a whole number from 0 to 1000 is expected"),
        (&["logs", "web", "-n", "-1"], "a whole number, 0 or more, is expected"),
        (&["restart", "--rolling", "--batch", "0", "web"], "a whole number, 1 or more, is expected"),
        (&["test", "--timeout", "0"], "a whole number, 1 or more, is expected"),
        (&["top", "--every", "1h"], "a whole number from 1 to 3600 is expected"),
        (&["--listen", "localhost:9180", "s", "p"], "an address and a port such as 127.0.0.1:9180"),
    ] {
        let output = run(&env::temp_dir(), words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(expect), "{words:?}: {said}");
    }
}

#[test]
fn help_on_nothing_names_what_there_is() {
    let output = run(&env::temp_dir(), &["help", "bogus"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("proclaunch: there is no help on `bogus`; there is on "), "{said}");
    assert!(said.contains("`help`") && said.contains("`hooks`"), "{said}");
    assert!(output.stdout.is_empty());
}
