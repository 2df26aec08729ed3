//! Signals by name and number, as Linux numbers them on x86, ARM, RISC-V and POWER (`signal(7)`).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A signal number that the kernel would accept: 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Signal(u8);

const NAMES: [(u8, &str); 31] = [
    (1, "HUP"),
    (2, "INT"),
    (3, "QUIT"),
    (4, "ILL"),
    (5, "TRAP"),
    (6, "ABRT"),
    (7, "BUS"),
    (8, "FPE"),
    (9, "KILL"),
    (10, "USR1"),
    (11, "SEGV"),
    (12, "USR2"),
    (13, "PIPE"),
    (14, "ALRM"),
    (15, "TERM"),
    (16, "STKFLT"),
    (17, "CHLD"),
    (18, "CONT"),
    (19, "STOP"),
    (20, "TSTP"),
    (21, "TTIN"),
    (22, "TTOU"),
    (23, "URG"),
    (24, "XCPU"),
    (25, "XFSZ"),
    (26, "VTALRM"),
    (27, "PROF"),
    (28, "WINCH"),
    (29, "IO"),
    (30, "PWR"),
    (31, "SYS"),
];

/// The first real-time signal that a program may use: the C library keeps 32 and 33 (`signal(7)`).
const RTMIN: u8 = 34;
const MAX: u8 = 64;

impl Signal {
    /// Hang-up.
    pub const HUP: Self = Self(1);
    /// Interrupt, as typed at a terminal.
    pub const INT: Self = Self(2);
    /// For the program's own use.
    pub const USR1: Self = Self(10);
    /// For the program's own use.
    pub const USR2: Self = Self(12);
    /// The signal that nothing survives.
    pub const KILL: Self = Self(9);
    /// The polite request to end.
    pub const TERM: Self = Self(15);
    /// A child has ended, stopped or gone on.
    pub const CHLD: Self = Self(17);
    /// Wakes what was stopped.
    pub const CONT: Self = Self(18);

    /// The signal of that number, if there is one.
    pub fn from_number(number: i32) -> Option<Self> {
        u8::try_from(number).ok().filter(|n| (1..=MAX).contains(n)).map(Self)
    }

    /// Parses `TERM`, `SIGTERM`, `term`, `15`, `RTMIN+3` or `RTMAX-1`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(number) = text.parse::<i32>() {
            return Self::from_number(number);
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        if let Some(offset) = name.strip_prefix("RTMIN") {
            return real_time(offset, '+').map(|n| Self(RTMIN + n));
        }
        if let Some(offset) = name.strip_prefix("RTMAX") {
            return real_time(offset, '-').map(|n| Self(MAX - n));
        }
        NAMES.iter().find(|(_, known)| *known == name).map(|(number, _)| Self(*number))
    }

    /// The number, 1 to 64.
    pub const fn number(self) -> i32 {
        self.0 as i32
    }
}

/// The offset in `RTMIN+N` or `RTMAX-N`: absent, or a number that stays within the real-time range.
fn real_time(offset: &str, sign: char) -> Option<u8> {
    if offset.is_empty() {
        return Some(0);
    }
    offset.strip_prefix(sign)?.parse().ok().filter(|n| *n <= MAX - RTMIN)
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => f.write_str(name),
            None if self.0 >= RTMIN => write!(f, "RTMIN+{}", self.0 - RTMIN),
            None => write!(f, "{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_numbers_and_real_time_signals_are_understood() {
        for (text, number) in [
            ("TERM", 15),
            ("SIGTERM", 15),
            ("sigterm", 15),
            ("15", 15),
            ("KILL", 9),
            ("RTMIN", 34),
            ("SIGRTMIN+3", 37),
            ("RTMAX-1", 63),
            ("64", 64),
        ] {
            assert_eq!(Signal::parse(text).map(Signal::number), Some(number), "{text}");
        }
        for text in ["", "0", "65", "-1", "TERMX", "RTMIN+31", "RTMIN-1", "SIG", "15x"] {
            assert_eq!(Signal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_signal_is_shown_by_a_name_that_parses_back() {
        for number in 1..=64 {
            let signal = Signal::from_number(number).unwrap();
            assert_eq!(Signal::parse(&signal.to_string()), Some(signal), "{number}");
        }
    }
}
