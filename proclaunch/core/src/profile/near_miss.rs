//! Names that look like a mistyped setting: the one mistake that a directory of files cannot show by itself.
//!
//! **Invariant:** a known name, a hidden file and an editor's backup are never a near miss.

use super::known::{LATER, SETTINGS, is_known};
use crate::hook::Hook;

/// Extensions that people add to a setting file.
const ADDED: [&str; 6] = [".txt", ".conf", ".cfg", ".ini", ".sh", ".lua"];

/// Extensions of what editors, package managers and careful people leave beside a file.
const BACKUP: [&str; 12] = [
    ".bak",
    ".orig",
    ".old",
    ".save",
    ".swp",
    ".tmp",
    ".new",
    ".rej",
    ".off",
    ".disabled",
    ".dpkg-old",
    ".rpmsave",
];

/// A name that long is no slip of the finger.
const LONGEST: usize = 24;

/// The file name that `name` was probably meant to be.
pub fn near_miss(name: &str) -> Option<String> {
    if name.len() < 2 || name.len() > LONGEST || is_known(name) || is_left_over(name) {
        return None;
    }
    let folded = name.to_ascii_lowercase().replace('-', "_");
    if let Some(stem) = folded.strip_suffix(".lua") {
        // Other Lua files are modules of the hooks: only a hook's name can be meant.
        return closest(stem, &Hook::ALL.map(Hook::name)).map(|hook| format!("{hook}.lua"));
    }
    if Hook::parse(&folded).is_some() {
        return Some(format!("{folded}.lua"));
    }
    let settings: Vec<&str> = SETTINGS.iter().chain(&LATER).copied().collect();
    let base = ADDED.iter().find_map(|extension| folded.strip_suffix(extension));
    base.and_then(|base| settings.iter().find(|known| **known == base).copied())
        .or_else(|| closest(&folded, &settings))
        .map(str::to_owned)
}

/// Whether `name` is the setting `meant` with an extension: no mistake if the setting itself is there too.
pub(super) fn is_extended(name: &str, meant: &str) -> bool {
    name.len() > meant.len() + 1 && name.as_bytes().get(meant.len()) == Some(&b'.')
}

/// What editors and other programs leave beside a file, or hide.
pub(super) fn is_left_over(name: &str) -> bool {
    let numbered = name.rsplit_once('.').is_some_and(|(_, end)| end.bytes().all(|b| b.is_ascii_digit()));
    name.starts_with(['.', '#'])
        || name.ends_with('~')
        || numbered
        || BACKUP.iter().any(|extension| name.to_ascii_lowercase().ends_with(extension))
}

/// The known name that is at most a slip or two away; short names allow one.
pub fn closest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .filter(|known| known.len().abs_diff(name.len()) <= 2)
        .map(|known| (distance(name.as_bytes(), known.as_bytes()), *known))
        .filter(|(distance, known)| *distance <= if known.len().min(name.len()) <= 4 { 1 } else { 2 })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// The known name that is one slip away.
pub fn one_slip_away<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    known.iter().copied().find(|known| distance(name.as_bytes(), known.as_bytes()) == 1)
}

/// How many inserted, lost, wrong or swapped neighbouring letters lie between two names: Damerau-Levenshtein,
/// in the form where no part is edited twice.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let wrong = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + wrong);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_setting_is_recognised() {
        for (name, meant) in [
            ("stop_singal", "stop_signal"),
            ("stop-signal", "stop_signal"),
            ("Stop_Signal", "stop_signal"),
            ("stop_signal.txt", "stop_signal"),
            ("stopsignal", "stop_signal"),
            ("stop_sigal", "stop_signal"),
            ("pidfile", "pid_file"),
            ("pid-file", "pid_file"),
            ("RUN", "run"),
            ("runn", "run"),
            ("run.sh", "run"),
            ("enviroment", ""),
            ("one_shot", "oneshot"),
            ("giveup", "give_up"),
            ("limit", "limits"),
            ("dependes", "depends"),
            ("log-run", "log_run"),
            ("on-start.lua", "on_start.lua"),
            ("on_strat.lua", "on_start.lua"),
            ("on_start", "on_start.lua"),
            ("heath.lua", "health.lua"),
        ] {
            assert_eq!(near_miss(name).unwrap_or_default(), meant, "{name}");
        }
    }

    #[test]
    fn ordinary_files_are_left_alone() {
        for name in [
            "run",
            "on_start.lua",
            "run~",
            ".run.swp",
            "#run#",
            "run.bak",
            "run.orig",
            "run.old",
            "umask~",
            "umask.1",
            "README",
            "README.md",
            "Makefile",
            "data",
            "config",
            "check",
            "finish",
            "supervise",
            "main.py",
            "policy.lua",
            "limits.lua",
            "run.py",
            "user.json",
            ".env",
            "4913",
            "",
            "x",
            "task",
            "stop_signal_of_the_old_service",
            "r\u{fc}n",
        ] {
            assert_eq!(near_miss(name), None, "{name}");
        }
    }

    #[test]
    fn the_distance_counts_edits() {
        for (a, b, edits) in [
            ("", "", 0),
            ("a", "", 1),
            ("ab", "ba", 1),
            ("abc", "cab", 2),
            ("kill", "kil", 1),
            ("run", "log", 3),
        ] {
            assert_eq!(distance(a.as_bytes(), b.as_bytes()), edits, "{a} {b}");
            assert_eq!(distance(b.as_bytes(), a.as_bytes()), edits, "{b} {a}");
        }
    }
}
