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
fn help_on_nothing_names_what_there_is() {
    let output = run(&env::temp_dir(), &["help", "bogus"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("proclaunch: there is no help on `bogus`; there is on "), "{said}");
    assert!(said.contains("`help`") && said.contains("`hooks`"), "{said}");
    assert!(output.stdout.is_empty());
}
