//! Durations, sizes and shares as people read them.

use std::time::Duration;

use proclaunch_core::log::Span;

use crate::control::api;

/// Seconds as `3h 2m`; what is no duration is none.
pub fn span(seconds: f64) -> String {
    let duration = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    // Whoever asks a second time gets another number of milliseconds.
    let duration = if seconds < 0.1 { Duration::ZERO } else { duration };
    Span(duration).to_string()
}

/// Bytes as `12.3M`: of 1024, one digit after the point below 100.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub fn size(bytes: u64) -> String {
    let mut size = bytes as f64;
    let mut units = ["B", "K", "M", "G", "T"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for next in units {
        // What would be rounded to 1024 is one of the next.
        if size < 1023.5 {
            break;
        }
        size /= 1024.0;
        unit = next;
    }
    if unit == "B" || size >= 99.95 { format!("{size:.0}{unit}") } else { format!("{size:.1}{unit}") }
}

/// Percent of one processor.
pub fn percent(percent: f64) -> String {
    if percent >= 99.95 { format!("{percent:.0}%") } else { format!("{percent:.1}%") }
}

/// How a process ended: `exit 1`, `signal KILL, out of memory`.
pub fn exit(exit: &api::Exit) -> String {
    let mut text = match (&exit.signal, exit.code) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("exit {code}"),
        (None, None) => "exit unknown".to_owned(),
    };
    if exit.core {
        text.push_str(", core dumped");
    }
    if exit.oom {
        text.push_str(", out of memory");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_say_them() {
        for (bytes, text) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.0K"),
            (102_348, "99.9K"),
            (102_400, "100K"),
            (1_048_570, "1.0M"),
            (12_897_485, "12.3M"),
            (5 << 30, "5.0G"),
            (u64::MAX, "16777216T"),
        ] {
            assert_eq!(size(bytes), text);
        }
        for (share, text) in [(0.0, "0.0%"), (12.34, "12.3%"), (99.99, "100%"), (812.0, "812%")] {
            assert_eq!(percent(share), text);
        }
        for (seconds, text) in
            [(0.0, "0s"), (0.05, "0s"), (8.04, "8s"), (200.0, "3m 20s"), (-1.0, "0s"), (f64::NAN, "0s")]
        {
            assert_eq!(span(seconds), text);
        }
    }
}
