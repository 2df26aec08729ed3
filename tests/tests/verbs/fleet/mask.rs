//! What differs from run to run, masked.

use serde_json::{Map, Value};

/// What is measured.
pub(super) const FIGURES: [&str; 4] = ["cpu_percent", "cpu_seconds", "memory_bytes", "processes"];
/// Lengths of time until the moment in which it is asked, or from it on.
pub(super) const AGES: [&str; 5] = ["uptime", "ready_for", "state_for", "after", "seconds"];
/// Moments.
pub(super) const TIMES: [&str; 3] = ["at", "time", "started_at"];

/// What comes of a check that is due depends on whether one is under way.
const CHECK: &str = "a check or a tick is due";
/// What comes of a change is not known of bad files under a supervisor that has seen no good ones.
const CHANGE: &str = "its files change";

/// Whether a line or the name of an event is the same whenever it is asked for, of a profile with good files or bad ones.
pub(super) fn is_lasting(text: &str, is_bad: bool) -> bool {
    !(text.contains(CHECK) || is_bad && text.contains(CHANGE))
}

/// An explanation, or anything else, without what may differ the next moment.
pub(super) fn lasting(mut value: Value) -> Value {
    let is_bad = value["profile"]["trouble"].is_string();
    if let Some(outlook) = value.get_mut("outlook").and_then(Value::as_array_mut) {
        outlook.retain(|one| is_lasting(one["event"].as_str().unwrap_or_default(), is_bad));
    }
    value
}

/// A value of a field with this name, without what no two runs have in common.
pub(super) fn masked(name: &str, value: &Value) -> Value {
    match value {
        // Whether it was measured before it was asked for is chance.
        Value::Null | Value::Number(_) if FIGURES.contains(&name) => "FIGURE".into(),
        Value::Number(_) if is_masked(name) => name.to_uppercase().into(),
        Value::String(_) if TIMES.contains(&name) || matches!(name, "id" | "version") => {
            name.to_uppercase().into()
        }
        Value::String(text) => text_masked(text).into(),
        Value::Array(items) => items.iter().map(|item| masked(name, item)).collect(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), masked(name, value)));
            fields.collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

fn is_masked(name: &str) -> bool {
    AGES.contains(&name) || matches!(name, "pid" | "descriptors" | "wakeups")
}

/// A text without numbers of processes, lengths of time and the test's own paths.
pub(super) fn text_masked(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let is_pid = words.last().is_some_and(|last| last.trim_start_matches('(') == "pid");
        let (core, end) = word.split_at(word.trim_end_matches([',', ')', ';', ':', '.', '\n']).len());
        let masked = if is_pid && core.bytes().all(|byte| byte.is_ascii_digit()) {
            "N".to_owned()
        } else if is_duration(core) {
            "T".to_owned()
        } else if core.len() == 24 && core.starts_with("20") && core.ends_with('Z') {
            "TIME".to_owned()
        } else {
            let at = core.find("/tmp/").and_then(|from| Some((from, from + 5 + core[from + 5..].find('/')?)));
            at.map_or_else(
                || core.to_owned(),
                |(from, to)| format!("{}SANDBOX{}", &core[..from], &core[to..]),
            )
        };
        // `1m 2s` is one length of time.
        if masked == "T" && words.last().is_some_and(|last| last == "T") {
            words.pop();
        }
        words.push(masked + end);
    }
    words.join(" ")
}

/// Whether it is a length of time such as `0.2s` or `12ms`.
fn is_duration(word: &str) -> bool {
    let number = word.trim_start_matches('+').trim_end_matches(['m', 's', 'h', 'd']);
    number.len() < word.len()
        && number.starts_with(|c: char| c.is_ascii_digit())
        && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}
