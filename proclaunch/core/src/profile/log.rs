//! The `log` setting: `SIZE KEEP [timestamps]`, as `10M 5`.

use serde::{Deserialize, Serialize};

use super::numbers::whole;
use super::values::Wrong;

/// The smallest file that a log is cut into, in bytes: a page.
const SIZE_MIN: u64 = 4 << 10;
/// The largest, in bytes.
const SIZE_MAX: u64 = 1 << 40;
/// The most files that are kept besides the one that is written to.
const KEEP_MAX: u32 = 1000;

/// How the output of a profile is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LogSettings {
    /// How large a file grows before the next one is begun, in bytes.
    pub size: u64,
    /// How many files are kept besides the one that is written to; at least 1.
    pub keep: u32,
    /// Each line begins with the time at which it was read.
    pub timestamps: bool,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { size: 10 << 20, keep: 5, timestamps: false }
    }
}

/// `SIZE KEEP [timestamps]`.
pub(super) fn log(text: &str) -> Result<LogSettings, Wrong> {
    let mut words = text.split_whitespace();
    let (Some(size), Some(keep), last, None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err("not a size and a number of files");
    };
    let keep: u32 = whole(keep).ok_or("not a number of files to keep")?;
    if keep == 0 || keep > KEEP_MAX {
        return Err("from 1 to 1000 files can be kept");
    }
    let timestamps = match last {
        None => false,
        Some("timestamps") => true,
        Some(_) => return Err("the third word can only be `timestamps`"),
    };
    Ok(LogSettings { size: size_of(size)?, keep, timestamps })
}

/// Bytes: a whole number, or one of units of 1024, its square or its cube.
fn size_of(text: &str) -> Result<u64, Wrong> {
    const NOT_A_SIZE: Wrong = "not a size in bytes, or with K, M or G after the number";
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 20),
        Some(b'G' | b'g') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let number: u64 = whole(digits).ok_or(NOT_A_SIZE)?;
    let bytes = number.saturating_mul(1 << shift);
    if (SIZE_MIN..=SIZE_MAX).contains(&bytes) { Ok(bytes) } else { Err("a file is from 4K to 1024G large") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Result<(u64, u32, bool), Wrong>) {
        let expect = expect.map(|(size, keep, timestamps)| LogSettings { size, keep, timestamps });
        assert_eq!(log(text), expect, "{text:?}");
    }

    #[test]
    fn a_log_is_a_size_a_number_of_files_and_perhaps_timestamps() {
        check("10M 5", Ok((10 << 20, 5, false)));
        check("4096\t1", Ok((4096, 1, false)));
        check("4k 1000 timestamps", Ok((4096, 1000, true)));
        check("1024G 2", Ok((1 << 40, 2, false)));
        assert_eq!(log("10M 5"), Ok(LogSettings::default()));
    }

    #[test]
    fn what_is_wrong_with_a_log_is_said() {
        for text in ["", "10M", "10M 5 timestamps 1"] {
            check(text, Err("not a size and a number of files"));
        }
        for text in [
            "M 5",
            "ten 5",
            "1.5M 5",
            "-1 5",
            "10MB 5",
            "10T 5",
            "+4096 5",
            "99999999999999999999 5",
            "\u{b2} 5",
        ] {
            check(text, Err("not a size in bytes, or with K, M or G after the number"));
        }
        for text in ["4095 5", "3K 5", "0 5", "1025G 5", "18446744073709551615G 5", "1099511627777 5"] {
            check(text, Err("a file is from 4K to 1024G large"));
        }
        for text in ["10M 0", "10M 1001"] {
            check(text, Err("from 1 to 1000 files can be kept"));
        }
        for text in ["10M x", "10M -1", "10M 4294967296", "10M timestamps"] {
            check(text, Err("not a number of files to keep"));
        }
        check("10M 5 times", Err("the third word can only be `timestamps`"));
    }
}
