//! The time before a line: `2026-11-23T14:31:05.123Z `, as in the supervisor's own log.

use crate::sys::clock::{utc_time, wall_clock};

/// How long it is, with the blank, in bytes.
pub(super) const STAMP_LENGTH: usize = 25;

/// The time at which the lines of one batch were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp(pub(super) [u8; STAMP_LENGTH]);

impl Stamp {
    pub(super) fn now() -> Self {
        Self::at(wall_clock())
    }

    /// The text for so many milliseconds since 1970 UTC, before the year 10000.
    fn at(milliseconds: i64) -> Self {
        let mut text = *b"0000-00-00T00:00:00.000Z ";
        if let Some(time) = utc_time(milliseconds.div_euclid(1000)) {
            let milliseconds = i32::try_from(milliseconds.rem_euclid(1000)).unwrap_or(0);
            for (range, value) in [
                (0..4, time.year),
                (5..7, time.month),
                (8..10, time.day),
                (11..13, time.hour),
                (14..16, time.minute),
                (17..19, time.second),
                (20..23, milliseconds),
            ] {
                let mut rest = value;
                for digit in text[range].iter_mut().rev() {
                    *digit = b'0' + u8::try_from(rest.rem_euclid(10)).unwrap_or(0);
                    rest = rest.div_euclid(10);
                }
            }
        }
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_utc_with_milliseconds() {
        for (milliseconds, text) in [
            (0, b"1970-01-01T00:00:00.000Z "),
            (1_700_000_000_007, b"2023-11-14T22:13:20.007Z "),
            (1_763_908_265_123, b"2025-11-23T14:31:05.123Z "),
        ] {
            assert_eq!(Stamp::at(milliseconds).0, *text);
        }
    }
}
