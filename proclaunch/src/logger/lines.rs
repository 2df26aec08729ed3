//! From bytes as they come to lines with the time before each.

use memchr::memchr;

use super::current::{LINE_MAX, MARK};
use super::stamp::{STAMP_LENGTH, Stamp};

/// How much is made at once, in bytes; a little more for the last line.
const OUT_MAX: usize = 128 * 1024;

/// Where the lines go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// How large the file is.
    pub(super) size: u64,
    /// How large it should become.
    pub(super) limit: u64,
    /// How long its last line is that has no newline yet, its time included.
    pub(super) open: u64,
}

/// Writes lines into `out` until `bytes` are used up, until it is enough for once, or until the next line belongs into
/// another file. Answers with how many bytes were used, and whether the file is full.
pub(super) fn stamped(bytes: &[u8], mut place: Place, stamp: Stamp, out: &mut Vec<u8>) -> (usize, bool) {
    let mut used = 0;
    while used < bytes.len() && out.len() < OUT_MAX {
        let rest = &bytes[used..];
        let end = memchr(b'\n', rest);
        if place.open == 0 {
            let piece = end.map_or(rest.len(), |at| at + 1);
            let length = (STAMP_LENGTH + piece) as u64;
            let before = place.size + out.len() as u64;
            if before > 0 && before + length > place.limit {
                return (used, true);
            }
            out.extend_from_slice(&stamp.0);
            place.open = STAMP_LENGTH as u64;
        }
        let room = usize::try_from(LINE_MAX.saturating_sub(place.open)).unwrap_or(usize::MAX);
        let length = end.unwrap_or(rest.len());
        if length > room {
            out.extend_from_slice(&rest[..room]);
            out.extend_from_slice(MARK);
            used += room;
            place.open = 0;
        } else if end.is_some() {
            out.extend_from_slice(&rest[..=length]);
            used += length + 1;
            place.open = 0;
        } else {
            out.extend_from_slice(rest);
            used += length;
            place.open += length as u64;
        }
    }
    (used, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp(*b"2026-11-23T14:31:05.123Z ");

    fn check(text: &str, place: (u64, u64, u64), expect: (&str, usize, bool)) {
        let mut out = Vec::new();
        let (size, limit, open) = place;
        let (used, is_full) = stamped(text.as_bytes(), Place { size, limit, open }, STAMP, &mut out);
        let out = String::from_utf8(out).unwrap().replace("2026-11-23T14:31:05.123Z ", "@");
        assert_eq!((out.as_str(), used, is_full), expect, "{text:?} {place:?}");
    }

    #[test]
    fn each_line_begins_with_the_time_once() {
        check("one\ntwo\n\nth", (0, 4096, 0), ("@one\n@two\n@\n@th", 11, false));
        check("ree\nfour\n", (50, 4096, 27), ("ree\n@four\n", 9, false));
        check("\n", (50, 4096, 27), ("\n", 1, false));
    }

    #[test]
    fn a_line_that_does_not_fit_belongs_into_the_next_file() {
        check("one\ntwo\n", (0, 58, 0), ("@one\n@two\n", 8, false));
        check("one\ntwo\n", (0, 57, 0), ("@one\n", 4, true));
        check("one\n", (5000, 4096, 0), ("", 0, true));
        check("begun here\none\n", (5000, 4096, 30), ("begun here\n", 11, true));
        check("longer than the file\n", (0, 10, 0), ("@longer than the file\n", 21, false));
    }

    #[test]
    fn a_longer_line_is_split_into_pieces_with_a_time_each() {
        let line = usize::try_from(LINE_MAX).unwrap() - STAMP_LENGTH;
        let text = "a".repeat(line);
        let place = (0, 1 << 30, 0);
        check(&format!("{text}\n"), place, (&format!("@{text}\n"), line + 1, false));
        check(&format!("{text}b\n"), place, (&format!("@{text} [split]\n@b\n"), line + 2, false));
        check("b\n", (LINE_MAX, 1 << 30, LINE_MAX), (" [split]\n@b\n", 2, false));
        check("\nb\n", (LINE_MAX, 1 << 30, LINE_MAX), ("\n@b\n", 3, false));
    }

    #[test]
    fn much_from_little_is_made_piece_by_piece() {
        let mut out = Vec::new();
        let place = Place { size: 0, limit: u64::MAX, open: 0 };
        let (used, is_full) = stamped(&vec![b'\n'; 60_000], place, STAMP, &mut out);
        assert!(used < 60_000 && !is_full && out.len() == used * 26 && out.len() < OUT_MAX + 26);
    }
}
