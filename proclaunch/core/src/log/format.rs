//! `<Timestamp> <Level> <Tag> <Message>`: the fixed format.

use std::fmt::{self, Write as _};
use std::time::Duration;

use chrono::DateTime;

use super::entry::Entry;

/// The line for an entry written at `unix_millis`, without the line feed.
///
/// The timestamp is RFC 3339 in UTC with milliseconds, 24 characters; the level is padded to five.
pub fn line(unix_millis: i64, entry: &Entry) -> String {
    let mut line = String::with_capacity(96);
    let time = DateTime::from_timestamp_millis(unix_millis).unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = write!(line, "{} {:<5} ", time.format("%Y-%m-%dT%H:%M:%S%.3fZ"), entry.level().word());
    let _ = match entry {
        Entry::Own(own) => write!(Escaped(&mut line), "ProcLaunch {own}"),
        Entry::Profile(name, said) => write!(Escaped(&mut line), "{name} {said}"),
    };
    line
}

/// A writer that escapes control characters, and the line and paragraph separators that some readers take for a
/// line's end.
#[derive(Debug)]
pub struct Escaped<'a>(pub &'a mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
                self.0.extend(c.escape_default());
            } else {
                self.0.push(c);
            }
        }
        Ok(())
    }
}

/// A duration as people say it: `0.2s`, `8s`, `3m 20s`, `3h 2m`, `12d 3h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0..10 => {
                let tenths = self.0.as_millis() / 100;
                match tenths % 10 {
                    0 if tenths == 0 && self.0.as_millis() > 0 => write!(f, "{}ms", self.0.as_millis()),
                    0 => write!(f, "{seconds}s"),
                    rest => write!(f, "{seconds}.{rest}s"),
                }
            }
            10..60 => write!(f, "{seconds}s"),
            60..3600 => write!(f, "{}m {}s", seconds / 60, seconds % 60),
            3600..86_400 => write!(f, "{}h {}m", seconds / 3600, seconds / 60 % 60),
            _ => write!(f, "{}d {}h", seconds / 86_400, seconds / 3600 % 24),
        }
    }
}

/// How often: `once`, `3 times`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times(pub u32);

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("once"),
            times => write!(f, "{times} times"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        for (millis, text) in [
            (0, "0s"),
            (7, "7ms"),
            (200, "0.2s"),
            (1_000, "1s"),
            (1_250, "1.2s"),
            (59_999, "59s"),
            (200_000, "3m 20s"),
            (10_920_000, "3h 2m"),
            (1_047_600_000, "12d 3h"),
        ] {
            assert_eq!(Span(Duration::from_millis(millis)).to_string(), text);
        }
        assert_eq!(Span(Duration::from_micros(999)).to_string(), "0s");
    }
}
