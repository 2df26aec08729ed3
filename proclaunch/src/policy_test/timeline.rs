//! What happened in a test, moment by moment, for people to read.
//!
//! **Invariant:** what is kept is bounded; what is left out is counted.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::time::Duration;

/// The most entries that are kept: the last ones.
const KEPT_MAX: usize = 20_000;

/// The longest block of entries that is looked for as one that repeats.
const BLOCK_MAX: usize = 6;

/// How often a block has to stand in a row before it is folded.
const FOLD: usize = 3;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    at: Duration,
    kind: &'static str,
    text: String,
}

impl Entry {
    fn is_same(&self, other: &Self) -> bool {
        (self.kind, &self.text) == (other.kind, &other.text)
    }
}

/// What happened, oldest first.
#[derive(Debug, Default)]
pub(super) struct Timeline {
    entries: VecDeque<Entry>,
    dropped: usize,
}

impl Timeline {
    /// Notes something: `kind` is a short word such as `log` or `hook`.
    pub(super) fn push(&mut self, at: Duration, kind: &'static str, text: String) {
        if self.entries.len() == KEPT_MAX {
            self.entries.pop_front();
            self.dropped += 1;
        }
        self.entries.push_back(Entry { at, kind, text });
    }

    /// The lines, those that repeat themselves folded; of these the last `most`.
    pub(super) fn render(&self, most: usize) -> Vec<String> {
        let entries: Vec<&Entry> = self.entries.iter().collect();
        let mut lines = Vec::new();
        let mut at = 0;
        while at < entries.len() {
            let (length, times) = block(&entries[at..]);
            for entry in &entries[at..at + length] {
                lines.push(format!("{:>12}  {:<7} {}", moment(entry.at), entry.kind, entry.text));
            }
            if times > 1 {
                let last = entries[at + length * times - 1].at;
                let what = if length == 1 { "line" } else { "lines" };
                let count = if length == 1 { String::new() } else { format!("{length} ") };
                lines.push(format!(
                    "{:>12}  ... the same {count}{what} {} times more",
                    moment(last),
                    times - 1
                ));
            }
            at += length * times;
        }
        let hidden = lines.len().saturating_sub(most);
        lines.drain(..hidden);
        if hidden > 0 || self.dropped > 0 {
            let rest = if hidden > 0 { "; --verbose shows them" } else { "" };
            lines.insert(0, format!("{:>12}  {} earlier lines{rest}", "", hidden + self.dropped));
        }
        lines
    }
}

/// How long the block at the beginning is, and how often it stands there in a row: once, if it is not to be folded.
fn block(entries: &[&Entry]) -> (usize, usize) {
    for length in 1..=BLOCK_MAX.min(entries.len() / FOLD) {
        let repeats = entries
            .iter()
            .enumerate()
            .skip(length)
            .take_while(|(index, entry)| entry.is_same(entries[index - length]))
            .count();
        let times = 1 + repeats / length;
        if times >= FOLD {
            return (length, times);
        }
    }
    (1, 1)
}

/// A moment since the beginning: `+0s`, `+12.5s`, `+2m 3s`, `+1d 2h 3m`.
pub(super) fn moment(at: Duration) -> String {
    format!("+{}", span(at))
}

/// A duration, as exact as it is worth: tenths within the first minute, seconds within the first day.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let tenths = time.subsec_millis() / 100;
    let mut text = String::new();
    for (count, unit) in [(days, 'd'), (hours, 'h'), (minutes, 'm')] {
        if count > 0 {
            // Writing to a String cannot fail.
            let _ = write!(text, "{count}{unit} ");
        }
    }
    if tenths > 0 && seconds < 3600 {
        let _ = write!(text, "{}.{tenths}s", seconds % 60);
    } else if !seconds.is_multiple_of(60) || text.is_empty() {
        let _ = write!(text, "{}s", seconds % 60);
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(texts: &[&str]) -> Timeline {
        let mut timeline = Timeline::default();
        for (index, text) in texts.iter().enumerate() {
            timeline.push(Duration::from_secs(index as u64), "log", (*text).to_owned());
        }
        timeline
    }

    #[test]
    fn moments_are_as_exact_as_they_are_worth() {
        for (millis, text) in [
            (0, "+0s"),
            (1, "+0s"),
            (200, "+0.2s"),
            (12_500, "+12.5s"),
            (120_000, "+2m"),
            (123_400, "+2m 3.4s"),
            (7_380_900, "+2h 3m"),
            (93_784_000, "+1d 2h 3m 4s"),
        ] {
            assert_eq!(moment(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn what_repeats_itself_is_folded_and_nothing_else_is() {
        let lines = timeline(&["a", "b", "c", "b", "c", "b", "c", "d", "d"]).render(100);
        let texts: Vec<&str> = lines.iter().map(|line| line.trim_start()).collect();
        assert_eq!(
            texts,
            [
                "+0s  log     a",
                "+1s  log     b",
                "+2s  log     c",
                "+6s  ... the same 2 lines 2 times more",
                "+7s  log     d",
                "+8s  log     d",
            ]
        );
    }

    #[test]
    fn only_the_last_lines_are_shown_and_the_others_counted() {
        let lines = timeline(&["a", "b", "c"]).render(1);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("2 earlier lines; --verbose"), "{lines:?}");
        assert!(lines[1].ends_with("log     c"), "{lines:?}");
    }
}
