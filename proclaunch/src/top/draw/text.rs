//! Figures and words as they stand in a cell.

use std::fmt::Write as _;
use std::time::Duration;

use proclaunch_core::log::Span;

use crate::top::model::is_unseemly;

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const UNITS: [&str; 5] = ["", "K", "M", "G", "T"];

/// Seconds as people say them, without blanks: `3h2m`.
pub(super) fn span(seconds: f64) -> String {
    // Finer than a second flickers in a table.
    let whole = Duration::try_from_secs_f64(seconds).map(|time| time.as_secs()).unwrap_or_default();
    Span(Duration::from_secs(whole)).to_string().replace(' ', "")
}

/// Bytes in units of 1024: `812K`, `12.3M`.
pub(super) fn bytes(bytes: u64) -> String {
    let mut unit = 0;
    let mut tenths = u128::from(bytes) * 10;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths = tenths.div_ceil(1024);
        unit += 1;
    }
    if unit == 0 || tenths >= 1000 {
        format!("{}{}", tenths / 10, UNITS[unit])
    } else {
        format!("{}.{}{}", tenths / 10, tenths % 10, UNITS[unit])
    }
}

/// A figure per cell as a bar of eight heights, against this greatest one. Nothing is a blank.
pub(super) fn sparkline(bars: &[f64], greatest: f64) -> String {
    let bar = |value: &f64| {
        if *value <= 0.0 || greatest <= 0.0 {
            return ' ';
        }
        let eighths = (value / greatest * 8.0).ceil().clamp(1.0, 8.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is 1 to 8")]
        let height = eighths as usize;
        BARS[height - 1]
    };
    bars.iter().map(bar).collect()
}

/// RFC 3339 as it stands in a list: `11-28 21:30:05`.
pub(super) fn moment(at: &str) -> String {
    at.get(5..19).map_or_else(|| clean(at), |text| clean(text).replacen('T', " ", 1))
}

/// Text from outside, in one line.
pub(super) fn clean(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unseemly(c) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "{}", c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// A line as several that fit into a width.
pub(super) fn folded(line: &str, width: u16) -> Vec<String> {
    let width = usize::from(width.max(2));
    let chars: Vec<char> = line.chars().collect();
    // Some characters are two cells wide: with any of them, room is left for all to be.
    let is_narrow = ratatui::text::Line::raw(line).width() <= chars.len();
    let count = if is_narrow { width } else { width / 2 };
    if chars.is_empty() {
        return vec![String::new()];
    }
    chars.chunks(count).map(|part| part.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        for (seconds, text) in
            [(0.0, "0s"), (0.9, "0s"), (61.5, "1m1s"), (10_920.0, "3h2m"), (-1.0, "0s"), (f64::NAN, "0s")]
        {
            assert_eq!(span(seconds), text, "{seconds}");
        }
        for (number, text) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (10 * 1024 * 1024, "10.0M"),
            (500 << 20, "500M"),
            (1 << 30, "1.0G"),
            (u64::MAX, "16777216T"),
        ] {
            assert_eq!(bytes(number), text, "{number}");
        }
    }

    #[test]
    fn bars_have_eight_heights_and_nothing_is_blank() {
        assert_eq!(sparkline(&[0.0, 1.0, 50.0, 100.0, 900.0], 100.0), " ▁▄██");
        assert_eq!(sparkline(&[0.0, 1.0], 0.0), "  ");
    }

    #[test]
    fn moments_are_cut_and_nothing_gets_out() {
        assert_eq!(moment("2026-11-28T21:30:05.123Z"), "11-28 21:30:05");
        assert_eq!(moment("\u{1b}[2J"), "\\u{1b}[2J");
        assert_eq!(clean("a\nb\u{202e}"), "a\\nb\\u{202e}");
    }

    #[test]
    fn long_lines_are_folded() {
        assert_eq!(folded("", 10), [""]);
        assert_eq!(folded("abcdefg", 3), ["abc", "def", "g"]);
        assert_eq!(folded("日本語", 4), ["日本", "語"]);
    }
}
