//! A time in the past as it is typed: so long ago, or a moment.

use std::time::Duration;

use chrono::DateTime;

use crate::sys::clock;

const HELP: &str =
    "seconds (`30`), `10m`, `2h`, `1d` or a time such as `2026-11-23T14:31:05Z` are understood";

/// How long ago it was.
pub(super) fn since(text: &str) -> Result<Duration, String> {
    ago(text, clock::wall_clock())
}

fn ago(text: &str, now_ms: i64) -> Result<Duration, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        let ago = u64::try_from(now_ms.saturating_sub(time.timestamp_millis()));
        return ago.map(Duration::from_millis).map_err(|_| "this time is yet to come".to_owned());
    }
    let (number, unit) = match text.as_bytes().last() {
        Some(b's') => (&text[..text.len() - 1], 1.0),
        Some(b'm') => (&text[..text.len() - 1], 60.0),
        Some(b'h') => (&text[..text.len() - 1], 3_600.0),
        Some(b'd') => (&text[..text.len() - 1], 86_400.0),
        _ => (text, 1.0),
    };
    let number: f64 = number.parse().map_err(|_| HELP.to_owned())?;
    Duration::try_from_secs_f64(number * unit).map_err(|_| HELP.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_the_past_is_typed_in_several_ways() {
        for (text, seconds) in [
            ("30", 30.0),
            ("0.5", 0.5),
            ("30s", 30.0),
            ("10m", 600.0),
            ("1.5h", 5400.0),
            ("1d", 86_400.0),
            ("2026-11-23T14:31:05Z", 55.0),
            ("2026-11-23T15:31:05.500+01:00", 54.5),
        ] {
            let now = 1_795_444_320_000;
            assert_eq!(ago(text, now), Ok(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in ["", "m", "-5", "10x", "yesterday", "2026-11-23", "2026-11-23T14:33:05Z", "\u{e9}", "nan"]
        {
            assert!(ago(text, 1_795_444_320_000).is_err(), "{text}");
        }
    }
}
