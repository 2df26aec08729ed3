//! The pages and stubs that are committed are those that the program makes.

use std::path::{Path, PathBuf};
use std::{env, fs};

use proclaunch_core::hook::Hook;

use super::support::outcome;
use crate::hooks::reference::{luals, luau, page};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../hooks-examples")
}

#[test]
fn the_committed_pages_are_those_of_the_program() {
    for (file, text) in
        [("REFERENCE.md", page()), ("meta/proclaunch.lua", luals()), ("meta/proclaunch.d.luau", luau())]
    {
        let path = examples().join(file);
        if env::var_os("UPDATE").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == text, "hooks-examples/{file} is out of date: run the tests with UPDATE=1");
    }
}

#[test]
fn the_stub_for_luals_is_lua() {
    let stub = format!("local function _()\n{}\nend\nreturn function() end", luals());
    outcome(Hook::OnTick, &stub);
}
