//! What has become of the services' output: every line there once, and in order.

use std::collections::BTreeMap;

use crate::ledger::Ledger;

/// What is wrong with the lines of a profile.
pub(crate) fn wrong(name: &str, bytes: &[u8], ledger: &Ledger) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut counts = BTreeMap::<u64, u64>::new();
    let mut last = 0;
    let text = String::from_utf8_lossy(bytes);
    if !text.is_empty() && !text.ends_with('\n') {
        wrong.push(format!("{name}: the last line has no end"));
    }
    for line in text.lines() {
        let Some((serial, number)) = parse(name, line) else {
            wrong.push(format!("{name}: torn line {line:?}"));
            continue;
        };
        if serial < last {
            wrong.push(format!("{name}: a line of life {serial} after one of life {last}"));
        }
        last = serial;
        let count = counts.entry(serial).or_default();
        if number != *count {
            wrong.push(format!("{name}: line {number} of life {serial}, where {count} comes next"));
            *count = number;
        }
        *count += 1;
    }
    for life in &ledger.lives {
        let kept = counts.remove(&life.serial).unwrap_or(0);
        let printed = match life.end {
            Some((_, lines)) => lines..=lines,
            // Killed between the line and the counting of it.
            None => life.counted..=life.counted + 1,
        };
        if !printed.contains(&kept) {
            wrong.push(format!("{name}: {kept} lines kept of {printed:?} of life {}", life.serial));
        }
    }
    wrong.extend(counts.keys().map(|serial| format!("{name}: lines of life {serial}, which never was")));
    wrong
}

/// `NAME SERIAL NUMBER FILLER`, whole.
fn parse(name: &str, line: &str) -> Option<(u64, u64)> {
    let words: Vec<&str> = line.split(' ').collect();
    let [first, serial, number, filler] = words[..] else { return None };
    let number: u64 = number.parse().ok()?;
    let is_whole = first == name
        && filler.bytes().all(|byte| byte == b'x')
        && (filler.len() == 1000 || u64::try_from(filler.len()).ok()? == number % 50);
    is_whole.then_some((serial.parse().ok()?, number))
}
