//! A line on a terminal that says what is waited for, and goes away again.

use std::io::{IsTerminal, Write, stderr};

/// The line; nothing where standard error is no terminal.
#[derive(Debug)]
pub(super) struct Progress {
    is_shown: bool,
    is_terminal: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { is_shown: false, is_terminal: stderr().is_terminal() }
    }

    /// Whether anybody sees it.
    pub(super) const fn is_seen(&self) -> bool {
        self.is_terminal
    }

    /// Replaces the line. It is not to be longer than the terminal is wide.
    pub(super) fn show(&mut self, text: &str) {
        if self.is_terminal {
            let width = terminal_size::terminal_size_of(stderr()).map_or(80, |(width, _)| width.0);
            let text: String = text.chars().take(usize::from(width).saturating_sub(1)).collect();
            // There is nowhere to say that it could not be shown.
            let _ = write!(stderr(), "\r\x1b[K{text}");
            self.is_shown = true;
        }
    }

    /// Takes the line away, so that others can be written.
    pub(super) fn hide(&mut self) {
        if std::mem::take(&mut self.is_shown) {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.hide();
    }
}

/// Several names in few words: `web, db and 3 more`.
pub(super) fn several(names: &[&str]) -> String {
    const SHOWN: usize = 3;
    match names {
        [one] => (*one).to_owned(),
        [first @ .., last] if names.len() <= SHOWN => format!("{} and {last}", first.join(", ")),
        _ => format!(
            "{} and {} more",
            names.iter().take(SHOWN - 1).copied().collect::<Vec<_>>().join(", "),
            names.len().saturating_sub(SHOWN - 1)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_few_words() {
        assert_eq!(several(&["a"]), "a");
        assert_eq!(several(&["a", "b"]), "a and b");
        assert_eq!(several(&["a", "b", "c"]), "a, b and c");
        assert_eq!(several(&["a", "b", "c", "d"]), "a, b and 2 more");
    }
}
