//! Texts that tests compare with files beside them.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use serde_json::Value;

/// What is shorter than this stands on one line.
const SHORT: usize = 120;

/// Compares a text with a file below `tests`; with `UPDATE_SNAPSHOTS` set, it writes the file first.
#[track_caller]
pub fn snapshot(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(file);
    if env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::create_dir_all(path.parent().expect("a file is in a directory")).unwrap();
        fs::write(&path, text).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    let differs = text.lines().zip(stored.lines()).position(|(one, other)| one != other);
    let line = differs.unwrap_or_else(|| text.lines().count().min(stored.lines().count()));
    let lines = |text: &str| text.lines().skip(line).take(5).collect::<Vec<_>>().join("\n");
    assert!(
        text == stored,
        "{file} differs from line {} on; if the change is meant, run the test with UPDATE_SNAPSHOTS=1; it was\n{}\nand is\n{}",
        line + 1,
        lines(&stored),
        lines(text)
    );
}

/// JSON as people read it: what is short on one line, what is long on several.
pub fn pretty(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, 0);
    text + "\n"
}

fn write(text: &mut String, value: &Value, depth: usize) {
    let line = value.to_string();
    let indent = |text: &mut String, depth| text.extend(std::iter::repeat_n("  ", depth));
    match value {
        Value::Array(items) if line.len() > SHORT => {
            text.push_str("[\n");
            for (place, item) in items.iter().enumerate() {
                indent(text, depth + 1);
                write(text, item, depth + 1);
                text.push_str(if place + 1 < items.len() { ",\n" } else { "\n" });
            }
            indent(text, depth);
            text.push(']');
        }
        Value::Object(fields) if line.len() > SHORT => {
            text.push_str("{\n");
            for (place, (name, field)) in fields.iter().enumerate() {
                indent(text, depth + 1);
                // Writing to a string cannot fail.
                let _ = write!(text, "{}: ", Value::from(name.as_str()));
                write(text, field, depth + 1);
                text.push_str(if place + 1 < fields.len() { ",\n" } else { "\n" });
            }
            indent(text, depth);
            text.push('}');
        }
        _ => text.push_str(&line),
    }
}
