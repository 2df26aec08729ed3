//! Settings of several values, one a line: what they have in common.

use std::collections::BTreeMap;

use super::File;
use super::environment::Bad;
use super::problem::{Excerpt, Fault};
use super::values::{Wrong, text};

/// The entries of a file, in the order of their keys, so that the order of the lines is no change. What follows a `#`
/// is a comment; `twice` is said of a key that is there before.
pub(super) fn lines<K: Ord, V>(
    file: &File,
    want: &'static str,
    twice: Wrong,
    parse: impl Fn(&str) -> Result<(K, V), Wrong>,
) -> Result<BTreeMap<K, V>, Bad> {
    let mut entries = BTreeMap::new();
    for (index, line) in text_from_first_line(file, want)?.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let entry = parse(line).and_then(|(key, value)| match entries.insert(key, value) {
            None => Ok(()),
            Some(_) => Err(twice),
        });
        entry.map_err(|wrong| Bad {
            below: None,
            line: Some(index + 1),
            fault: Fault::Value { excerpt: Excerpt::of(line.as_bytes()), wrong, want },
        })?;
    }
    Ok(entries)
}

/// The text with its leading blank lines: the numbers of the lines count them.
fn text_from_first_line<'a>(file: &'a File, want: &'static str) -> Result<&'a str, Fault> {
    text(file, want)?;
    match file {
        File::Bytes(bytes) => Ok(std::str::from_utf8(bytes).unwrap_or_default()),
        File::TooLarge(_) | File::NotExecutable | File::Unreadable(_) | File::Directory(_) | File::Other => {
            Ok("")
        }
    }
}
