//! Texts that tests compare with files beside the sources.

use std::path::Path;
use std::{env, fs};

/// Compares a text with a file below `src`; with `UPDATE_SNAPSHOTS` set, it writes the file first.
#[track_caller]
pub(crate) fn snapshot(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, text).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, stored, "if the change is meant, run the test with UPDATE_SNAPSHOTS=1; it is:\n{text}");
}
