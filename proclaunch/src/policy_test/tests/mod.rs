//! Tests of the tests of policies: that the examples pass, that what must fail does, and how it is told.

mod examples;
mod failures;
mod long;
mod pages;
mod statements;

use std::fs;
use std::path::Path;

use super::{Options, Tested, run};

/// A profile `web` with these files, in a directory of its own.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new(files: &[(&str, &str)]) -> Self {
        let bench = Self { dir: tempfile::tempdir().unwrap() };
        for (name, text) in files {
            let path = bench.dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        bench
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn run(&self) -> Vec<Tested> {
        let options = Options { paths: vec![self.path().to_owned()], ..Options::default() };
        run(&options, |_| {}).unwrap()
    }

    /// The only test.
    fn only(&self) -> Tested {
        let mut all = self.run();
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }
}

/// A test of a profile with these files besides.
fn tested(files: &[(&str, &str)], body: &str) -> Tested {
    let text = format!("test('t', function()\n{body}\nend)");
    let all: Vec<(&str, &str)> = files.iter().copied().chain([("web/web_test.lua", text.as_str())]).collect();
    Bench::new(&all).only()
}

/// Why a test fails.
#[track_caller]
fn failure(files: &[(&str, &str)], body: &str) -> String {
    let tested = tested(files, body);
    tested.failure.unwrap_or_else(|| panic!("it passes: {body}\n{}", tested.timeline.join("\n"))).what
}

/// That a test passes.
#[track_caller]
fn passes(files: &[(&str, &str)], body: &str) {
    let tested = tested(files, body);
    if let Some(failure) = tested.failure {
        panic!("{}\n{}", failure.what, tested.timeline.join("\n"));
    }
}
