//! What no single test can show: that every bug of the original has a test.

use std::fs;
use std::path::Path;

use walkdir::WalkDir;

/// How many bugs of the original are known.
const BUGS: usize = 34;

#[test]
fn every_bug_of_the_original_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let files =
        ["proclaunch", "tests"].map(|dir| WalkDir::new(root.join(dir)).into_iter().map(Result::unwrap));
    let files = files.into_iter().flatten();
    let files = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "rs"));
    let sources: Vec<String> = files.map(|file| fs::read_to_string(file.path()).unwrap()).collect();
    let has_test = |number: &usize| {
        let name = format!("fn bug_{number:02}_");
        sources.iter().any(|source| source.contains(&name))
    };
    let missing: Vec<usize> = (1..=BUGS).filter(|number| !has_test(number)).collect();
    assert_eq!(missing, [0; 0], "bugs of the original without a test `bug_NN_...`");
}
