//! The manual and the stubs that are committed are those that the program makes.

use std::path::Path;
use std::{env, fs};

use crate::policy_test::{luals, luau, page};

#[test]
fn the_committed_pages_are_those_of_the_program() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hooks-examples");
    for (file, text) in
        [("TESTING.md", page()), ("meta/testing.lua", luals()), ("meta/testing.d.luau", luau())]
    {
        let path = examples.join(file);
        if env::var_os("UPDATE").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "hooks-examples/{file} is out of date: run the tests with UPDATE=1");
    }
}
