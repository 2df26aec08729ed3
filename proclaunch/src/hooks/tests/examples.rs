//! Every hook in `hooks-examples/` can be loaded, and knows only names that there are.

use std::fs;
use std::path::{Path, PathBuf};

use proclaunch_core::hook::Hook;

use super::support::{Bench, run, sources};
use crate::hooks::{Clock, Vars};

/// The Lua files below the examples.
fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hooks-examples");
    let directories = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let directories = directories.filter(|path| path.is_dir() && !path.ends_with("meta"));
    directories.flat_map(|path| fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path())).collect()
}

/// The hook files among them, with the hook that each is for.
fn examples() -> Vec<(Hook, PathBuf)> {
    let is_module = |path: &PathBuf| path.parent().is_some_and(|dir| dir.ends_with(".hooks"));
    let is_hook = |path: &PathBuf| !is_module(path) && !path.to_str().unwrap().ends_with("_test.lua");
    let hook = |path: PathBuf| {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        (Hook::parse(stem).unwrap_or_else(|| panic!("{} is no hook", path.display())), path)
    };
    files().into_iter().filter(is_hook).map(hook).collect()
}

#[test]
fn every_example_loads_and_names_only_what_there_is() {
    let examples = examples();
    assert!(examples.len() >= 18, "{}", examples.len());
    run(async {
        for (hook, path) in examples {
            let text = fs::read_to_string(&path).unwrap();
            let sources = sources(path.parent().unwrap(), &[(hook, &text)]);
            let bench = Bench::with(&sources, Vars::default(), Clock::Real).await;
            assert_eq!(bench.host.hooks().broken, [], "{}", path.display());
            assert_eq!(bench.host.hooks().loaded, [hook], "{}", path.display());
            assert_eq!(bench.host.unknown_names(), [""; 0], "{}", path.display());
        }
    });
}

#[test]
fn every_example_says_what_it_does_and_since_when() {
    for path in files() {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("--- "), "{}", path.display());
        assert!(text.contains("\n--- @since 2.0\n"), "{}", path.display());
        assert!(text.is_ascii(), "{}: plain Lua 5.1", path.display());
    }
}
