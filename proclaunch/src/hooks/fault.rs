//! What went wrong in a script, in one line that names the file and the line.
//!
//! **Invariant:** a text is bounded, whatever the script raised; the core escapes what is not to be printed.

use mlua::{Error, Value};

/// The longest text, in characters.
const LONGEST: usize = 500;

/// The text, cut where it is too long.
pub(crate) fn bounded(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// A value as one would say it: `a table`, `nil`, `` the string `x` ``.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Nil => "nil".to_owned(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => {
            let text = text.to_string_lossy();
            let short: String = text.chars().take(40).collect();
            let dots = if short.len() < text.len() { "..." } else { "" };
            format!("the string `{short}{dots}`")
        }
        other => format!("a {}", other.type_name()),
    }
}

/// What a script raised, as far as no code of its own is needed to tell: none for a table that has to be asked.
pub(crate) fn raised(value: &Value, file: &str) -> Option<String> {
    match value {
        Value::Error(error) => Some(describe(error, file)),
        Value::String(text) => Some(placed(&first_line(&text.to_string_lossy()), file)),
        Value::Table(table) => ["msg", "message"]
            .iter()
            .filter_map(|field| table.raw_get::<Value>(*field).ok())
            .find_map(|field| field.as_string().map(mlua::LuaString::to_string_lossy))
            .map(|text| placed(&first_line(&text), file)),
        other => Some(placed(&format!("raised {}", shown(other)), file)),
    }
}

/// An error of the interpreter or of the API, with the line of the script that it comes from.
pub(crate) fn describe(error: &Error, file: &str) -> String {
    let (cause, traceback) = innermost(error);
    let text = match cause {
        Error::SyntaxError { message, .. } | Error::RuntimeError(message) => first_line(message),
        Error::MemoryError(_) => OUT_OF_MEMORY.to_owned(),
        other => first_line(&other.to_string()),
    };
    match traceback.and_then(first_place) {
        Some(place) if !begins_with_place(&text) => bounded(&format!("{place}: {text}")),
        _ => placed(&text, file),
    }
}

/// What a script is told that needs more than its limit.
pub(super) const OUT_OF_MEMORY: &str = "not enough memory";

/// The cause that all others wrap, and where the innermost call came from.
fn innermost(error: &Error) -> (&Error, Option<&str>) {
    let mut error = error;
    let mut place = None;
    loop {
        match error {
            Error::CallbackError { traceback, cause } => {
                place = Some(traceback.as_str());
                error = cause;
            }
            Error::WithContext { cause, .. } => error = cause,
            _ => return (error, place),
        }
    }
}

/// The first `FILE.lua:LINE` of a traceback: functions of the API stand there as `[C]`.
fn first_place(traceback: &str) -> Option<&str> {
    traceback.lines().map(str::trim).filter(|line| begins_with_place(line)).find_map(|line| {
        let end = line.find(".lua:")? + ".lua:".len();
        let digits = line[end..].bytes().take_while(u8::is_ascii_digit).count();
        line.get(..end + digits)
    })
}

/// Whether a text begins with `FILE.lua:LINE`.
fn begins_with_place(text: &str) -> bool {
    text.split_once(".lua:").is_some_and(|(file, rest)| {
        rest.starts_with(|c: char| c.is_ascii_digit()) && !file.contains(char::is_whitespace)
    })
}

fn placed(text: &str, file: &str) -> String {
    if begins_with_place(text) { bounded(text) } else { bounded(&format!("{file}: {text}")) }
}

fn first_line(text: &str) -> String {
    let text = text.split("\nstack traceback:").next().unwrap_or(text);
    text.lines().next().unwrap_or("").to_owned()
}
