//! Colours, where they are wished for; and nothing else that a terminal would obey.

use std::env;
use std::fmt::Write as _;
use std::io::{IsTerminal, stdout};

use proclaunch_core::log::Escaped;

/// How text is laid out and painted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// With colours.
    pub colour: bool,
    /// How many columns there are; `None`: as many as it takes.
    pub width: Option<usize>,
}

impl Style {
    /// As standard output wants it: colours and a width on a terminal alone, and no colours where `NO_COLOR` is set
    /// (<https://no-color.org>) or the terminal is dumb.
    pub fn of_stdout() -> Self {
        if !stdout().is_terminal() {
            return Self::default();
        }
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        Self { colour: !is_set("NO_COLOR") && !is_dumb, width: width.filter(|width| *width > 0) }
    }

    /// The text in a tone.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        match tone.code() {
            Some(code) if self.colour && !text.is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }
}

/// What a text means to who reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Nothing special.
    #[default]
    Plain,
    /// As it is to be.
    Good,
    /// On its way, or to be looked at.
    Warn,
    /// Wrong.
    Bad,
    /// Of little interest.
    Dim,
    /// A heading.
    Strong,
    /// One of several sources.
    Source(usize),
}

impl Tone {
    /// The parameters of SGR (ECMA-48, 8.3.117).
    const fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Good => Some("32"),
            Self::Warn => Some("33"),
            Self::Bad => Some("1;31"),
            Self::Dim => Some("2"),
            Self::Strong => Some("1"),
            Self::Source(number) => {
                let codes = ["36", "33", "32", "35", "34", "96", "93", "92", "95", "94"];
                Some(codes[number % codes.len()])
            }
        }
    }
}

/// A text from outside on one line: control characters are escaped.
pub fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    // Writing to a string cannot fail.
    let _ = Escaped(&mut clean).write_str(text);
    clean
}
