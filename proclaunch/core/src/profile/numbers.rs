//! Whole numbers and seconds.

use std::time::Duration;

use super::values::Wrong;

/// The longest duration: ten years of 365.25 days.
const LONGEST_SECONDS: u64 = 315_576_000;

/// A whole number in decimal digits alone: no sign, no blanks.
pub(super) fn whole<T: std::str::FromStr>(text: &str) -> Option<T> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Seconds, with a fraction if need be: `10`, `0.2`, `.5`. What is finer than a nanosecond is cut off.
pub(super) fn seconds(text: &str) -> Result<Duration, Wrong> {
    const NOT_A_NUMBER: Wrong = "not a number of seconds (digits, with a `.` before a fraction)";
    let (before, after) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if text == "." || text.is_empty() || !digits(before) || !digits(after) {
        return Err(NOT_A_NUMBER);
    }
    let seconds = match before.trim_start_matches('0') {
        "" => 0,
        significant => whole(significant).unwrap_or(u64::MAX),
    };
    let nanos = after.bytes().chain(std::iter::repeat(b'0')).take(9);
    let nanos = nanos.fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    if seconds > LONGEST_SECONDS || (seconds == LONGEST_SECONDS && nanos > 0) {
        return Err("longer than ten years");
    }
    Ok(Duration::new(seconds, nanos))
}

/// Seconds of which there must be some.
pub(super) fn positive_seconds(text: &str) -> Result<Duration, Wrong> {
    seconds(text).and_then(|time| if time.is_zero() { Err("it must be more than 0") } else { Ok(time) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(got: Result<Duration, Wrong>, expect: Option<Duration>, input: &str) {
        assert_eq!(got.ok(), expect, "{input:?}");
    }

    #[test]
    fn seconds_may_have_a_fraction_and_nothing_else() {
        for (text, milliseconds) in [
            ("0", 0),
            ("10", 10_000),
            ("0.2", 200),
            (".5", 500),
            ("1.", 1000),
            ("007", 7000),
            ("1.5000000009", 1500),
            ("86400", 86_400_000),
        ] {
            let expect = Duration::from_millis(milliseconds);
            check(seconds(text), Some(expect), text);
        }
        check(seconds("315576000"), Some(Duration::from_hours(24) * 7305 / 2), "ten years");
        for text in [
            "",
            ".",
            "-1",
            "+1",
            "1e3",
            "inf",
            "nan",
            "10s",
            "1 2",
            "0x10",
            "1.2.3",
            "315576000.1",
            "315576001",
            "99999999999999999999999",
            "1,5",
            "\u{661}",
        ] {
            check(seconds(text), None, text);
        }
        check(positive_seconds("0.0"), None, "0.0");
        check(positive_seconds("0.001"), Some(Duration::from_millis(1)), "0.001");
    }
}
