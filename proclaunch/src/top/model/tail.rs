//! The end of a profile's output, as lines that can be shown.
//!
//! **Invariant:** what a service prints cannot move the cursor, colour the screen or grow without bound.

use std::collections::VecDeque;
use std::mem;

/// How many lines are kept.
pub const LINES: usize = 500;
/// The longest line, in bytes; what is longer goes on in the next one.
const LINE_MAX: usize = 2000;
const TAB: usize = 8;

/// The last lines.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    lines: VecDeque<String>,
    /// A line whose end has not come.
    open: Vec<u8>,
}

impl Tail {
    /// Takes what was printed.
    pub fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte != b'\n' {
                self.open.push(byte);
            }
            if byte == b'\n' || self.open.len() >= LINE_MAX {
                let line = mem::take(&mut self.open);
                if self.lines.len() == LINES {
                    self.lines.pop_front();
                }
                self.lines.push_back(plain(&line));
            }
        }
    }

    /// The last so many lines, the open one among them.
    pub fn last(&self, count: usize) -> Vec<String> {
        let open = (!self.open.is_empty()).then(|| plain(&self.open));
        let closed = count.saturating_sub(usize::from(open.is_some()));
        let from = self.lines.len().saturating_sub(closed);
        self.lines.iter().skip(from).cloned().chain(open.filter(|_| count > 0)).collect()
    }
}

/// A line as text without escape sequences; control characters and those that change the direction are `·`.
fn plain(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut shown = String::with_capacity(text.len());
    let mut width = 0;
    let mut rest = text.trim_end_matches('\r').chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => skip_sequence(&mut rest),
            '\t' => {
                let gap = TAB - width % TAB;
                shown.extend(std::iter::repeat_n(' ', gap));
                width += gap;
            }
            c => {
                shown.push(if is_unseemly(c) { '·' } else { c });
                width += 1;
            }
        }
    }
    shown
}

/// Whether a character does something else than to be seen.
pub fn is_unseemly(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Skips what follows an ESC: `[`, parameters and a letter; or `]`, text and BEL or ESC `\`; or one character (ECMA-48).
fn skip_sequence(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match rest.next() {
        Some('[') => {
            let _ = rest.find(|c| ('\u{40}'..='\u{7e}').contains(c));
        }
        Some(']') => {
            while let Some(c) = rest.next() {
                if c == '\u{7}' {
                    break;
                }
                if c == '\u{1b}' {
                    rest.next();
                    break;
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_and_in_order() {
        let mut tail = Tail::default();
        tail.take(b"one\ntw");
        assert_eq!(tail.last(9), ["one", "tw"]);
        tail.take(b"o\r\n\nfour");
        assert_eq!(tail.last(9), ["one", "two", "", "four"]);
        assert_eq!(tail.last(2), ["", "four"]);
        assert!(tail.last(0).is_empty());
    }

    #[test]
    fn nothing_grows_without_bound() {
        let mut tail = Tail::default();
        tail.take(&vec![b'x'; LINE_MAX * (LINES + 10)]);
        assert_eq!(tail.last(usize::MAX).len(), LINES);
        tail.take(&vec![b'\n'; LINES]);
        assert!(tail.last(usize::MAX).iter().all(String::is_empty));
    }

    #[test]
    fn what_is_printed_is_only_seen() {
        for (bytes, text) in [
            (&b"\x1b[31mred\x1b[0m"[..], "red"),
            (b"\x1b]0;title\x07after", "after"),
            (b"\x1b]8;;url\x1b\\link", "link"),
            (b"a\tb\x08c", "a       b·c"),
            (b"\x1b", ""),
            (b"\x1b[12;4", ""),
            (b"\xff\xfe", "\u{fffd}\u{fffd}"),
            ("right\u{202e}left".as_bytes(), "right·left"),
        ] {
            assert_eq!(plain(bytes), text, "{bytes:?}");
        }
    }
}
