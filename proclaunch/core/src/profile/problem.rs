//! What is wrong with a profile's files, in words for the operator.
//!
//! **Invariant:** what a [`Problem`] shows is one short line without control characters, whatever the files hold.

use std::fmt;

/// How much of a value or a name is shown, in bytes.
const EXCERPT_MAX: usize = 60;

/// How much of an operating system's reason is shown, in bytes.
const REASON_MAX: usize = 100;

/// One thing that is wrong with one file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Problem {
    /// The file, as seen from the profile or the profiles directory: `stop_signal`, `env/PATH`,
    /// `.defaults/stop_signal`.
    pub file: String,
    /// The line, from 1, if the file has one entry a line.
    pub line: Option<usize>,
    /// What is wrong.
    pub fault: Fault,
}

/// What can be wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It is needed and not there.
    Missing,
    /// It may not be executed, or is no regular file.
    NotExecutable,
    /// It could not be read, for this reason.
    Unreadable(String),
    /// It has that many bytes, more than any value needs.
    TooLarge(u64),
    /// It is a directory where a file is needed.
    Directory,
    /// It is a FIFO, a socket or a device.
    NotRegular,
    /// It holds nothing but blanks where a value is needed.
    Blank {
        /// What would be right.
        want: &'static str,
    },
    /// It holds bytes that are no text.
    NotText {
        /// What they look like.
        excerpt: Excerpt,
        /// What would be right.
        want: &'static str,
    },
    /// It says something that makes no sense.
    Value {
        /// What it says.
        excerpt: Excerpt,
        /// Why that makes no sense.
        wrong: &'static str,
        /// What would be right.
        want: &'static str,
    },
    /// It means nothing, but its name is close to this one.
    NearMiss(String),
    /// It is documented, but does nothing in this version.
    NotSupported,
    /// It does nothing where it stands.
    Useless(&'static str),
}

/// The beginning of a value, fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Excerpt {
    shown: String,
    /// How long the whole value is in bytes, if not all of it is shown.
    cut_from: Option<usize>,
}

impl Excerpt {
    /// The beginning of `bytes`, escaped.
    pub fn of(bytes: &[u8]) -> Self {
        // An escape is at most ten characters for four bytes, and never shorter than its source.
        let head = &bytes[..bytes.len().min(EXCERPT_MAX + 1)];
        let (shown, whole) = escape(&String::from_utf8_lossy(head), EXCERPT_MAX);
        let binary = std::str::from_utf8(bytes).is_err();
        let cut_from = (binary || !whole || head.len() < bytes.len()).then_some(bytes.len());
        Self { shown, cut_from }
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cut_from {
            None => write!(f, "`{}`", self.shown),
            Some(bytes) => write!(f, "`{}...` ({bytes} bytes)", self.shown),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = shorten(&self.file, EXCERPT_MAX);
        if let Fault::Missing = self.fault {
            return write!(f, "has no `{file}`");
        }
        write!(f, "`{file}`")?;
        if let Some(line) = self.line {
            write!(f, " line {line}")?;
        }
        write!(f, " {}", self.fault)
    }
}

/// What is wrong, without the name of the file: what follows it in a sentence.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(f, "is missing"),
            Self::NotExecutable => write!(f, "is not executable; chmod +x"),
            Self::Unreadable(reason) => write!(f, "cannot be read: {}", shorten(reason, REASON_MAX)),
            Self::TooLarge(bytes) => write!(f, "is too large to be a setting ({bytes} bytes)"),
            Self::Directory => write!(f, "is a directory; a file is needed"),
            Self::NotRegular => write!(f, "is no regular file"),
            Self::Blank { want } => write!(f, "is blank; write {want}"),
            Self::NotText { excerpt, want } => write!(f, "holds {excerpt}: not text; write {want}"),
            Self::Value { excerpt, wrong, want } => write!(f, "says {excerpt}: {wrong}; write {want}"),
            Self::NearMiss(meant) => write!(f, "is not a setting; did you mean `{meant}`?"),
            Self::NotSupported => write!(f, "is not supported by this version and is ignored"),
            Self::Useless(why) => f.write_str(why),
        }
    }
}

/// `text` in at most `max` bytes, with `...` where something is left out.
fn shorten(text: &str, max: usize) -> String {
    match escape(text, max) {
        (shown, true) => shown,
        (shown, false) => shown + "...",
    }
}

/// As much of `text` as fits into `max` bytes once everything but letters, digits and ASCII signs is escaped, and
/// whether that is all of it.
fn escape(text: &str, max: usize) -> (String, bool) {
    let mut shown = String::new();
    for character in text.chars() {
        let mut piece = String::new();
        // Letters and digits of any language; a direction mark or an invisible blank would lie to the reader.
        if character.is_alphanumeric() {
            piece.push(character);
        } else {
            piece.extend(character.escape_default());
        }
        // The quotes and the backslash of ordinary values are shown as they are.
        if matches!(character, '\'' | '"') {
            piece = character.into();
        }
        if shown.len() + piece.len() > max {
            return (shown, false);
        }
        shown.push_str(&piece);
    }
    (shown, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(file: &str, line: Option<usize>, fault: Fault) -> String {
        Problem { file: file.to_owned(), line, fault }.to_string()
    }

    #[test]
    fn a_problem_names_the_file_the_value_and_what_would_be_right() {
        let value = |text: &[u8]| Fault::Value {
            excerpt: Excerpt::of(text),
            wrong: "not a signal",
            want: "a name such as TERM",
        };
        assert_eq!(
            problem("stop_signal", None, value(b"SIGTERMX")),
            "`stop_signal` says `SIGTERMX`: not a signal; write a name such as TERM"
        );
        assert_eq!(
            problem("limits", Some(3), value(b"a\n\"b\"\x07")),
            "`limits` line 3 says `a\\n\"b\"\\u{7}`: not a signal; write a name such as TERM"
        );
        assert_eq!(problem("run", None, Fault::Missing), "has no `run`");
        assert_eq!(problem("run", None, Fault::NotExecutable), "`run` is not executable; chmod +x");
    }

    #[test]
    fn an_excerpt_is_short_and_says_how_much_there_is() {
        for (bytes, shown) in [
            (b"".as_slice(), "``".to_owned()),
            (b"a b", "`a b`".to_owned()),
            ("gr\u{fc}n \u{202e}".as_bytes(), "`gr\u{fc}n \\u{202e}`".to_owned()),
            (&[b'x'; 60], format!("`{}`", "x".repeat(60))),
            (&[b'x'; 61], format!("`{}...` (61 bytes)", "x".repeat(60))),
            (&[b'x'; 5000], format!("`{}...` (5000 bytes)", "x".repeat(60))),
            (b"\xff\0", "`\\u{fffd}\\u{0}...` (2 bytes)".to_owned()),
        ] {
            assert_eq!(Excerpt::of(bytes).to_string(), shown);
        }
    }
}
