//! What things are called: profiles by name, processes by pid and start time, starts by ticket.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The longest profile name, in bytes.
pub const NAME_MAX: usize = 128;

/// What a profile's name is, for whoever has written one that is none.
pub const NAME_RULE: &str = "a profile's name begins with a letter, a digit or `_`, goes on with those or `.@-`, and has at \
                             most 128 characters";

/// The name of a profile: `[A-Za-z0-9_][A-Za-z0-9_.@-]{0,127}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProfileName(Arc<str>);

impl ProfileName {
    /// The name, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let first = text.bytes().next()?;
        let legal = (first.is_ascii_alphanumeric() || first == b'_')
            && text.len() <= NAME_MAX
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.@-".contains(&b));
        legal.then(|| Self(Arc::from(text)))
    }

    /// What the instance of this number is called where a directory of this name runs several times: `web@2`. None if
    /// that is too long to be a name.
    pub fn instance(&self, number: u16) -> Option<Self> {
        Self::parse(&format!("{self}@{number}"))
    }

    /// Whose instance a profile of this name would be, and which: what [`Self::instance`] was made of.
    ///
    /// A directory of its own can have such a name too.
    pub fn instance_of(&self) -> Option<(Self, u16)> {
        let (directory, number) = self.0.rsplit_once('@')?;
        let number =
            number.parse().ok().filter(|parsed: &u16| *parsed > 0 && parsed.to_string() == number)?;
        Some((Self::parse(directory)?, number))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ProfileName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or_else(|| format!("{text:?} is not a profile name"))
    }
}

impl From<ProfileName> for String {
    fn from(name: ProfileName) -> Self {
        name.0.as_ref().to_owned()
    }
}

/// One process, for ever: the kernel reuses a pid, but not with the same start time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProcId {
    /// The process id.
    pub pid: i32,
    /// When it started, in clock ticks since boot: field 22 of `/proc/PID/stat` (`proc(5)`).
    pub start: u64,
}

/// One start of one profile. The process and all its descendants carry it as `PROCLAUNCH_TICKET`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ticket {
    /// A random number of the supervisor that gave the ticket out.
    pub instance: u64,
    /// Counts that supervisor's starts.
    pub serial: u64,
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.instance, self.serial)
    }
}

impl FromStr for Ticket {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (instance, serial) = text.split_once('-').ok_or(())?;
        if instance.len() != 16 || serial.starts_with('+') {
            return Err(());
        }
        Ok(Self {
            instance: u64::from_str_radix(instance, 16).map_err(|_| ())?,
            serial: serial.parse().map_err(|_| ())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenario_37_names_are_legal_or_rejected_by_rule() {
        for name in ["web", "web@1", "_x", "a.b-c", "0", &"x".repeat(128)] {
            assert!(ProfileName::parse(name).is_some(), "{name}");
        }
        for name in
            ["", ".x", "../x", "-x", "@x", "a/b", "a\nb", "a b", "\u{e9}t\u{e9}", "a%", &"x".repeat(129)]
        {
            assert!(ProfileName::parse(name).is_none(), "{name:?}");
        }
    }

    #[test]
    fn an_instance_is_a_name_with_a_number_and_is_taken_apart_again() {
        let name = |text: &str| ProfileName::parse(text).unwrap();
        for (directory, number, instance) in
            [("web", 1, "web@1"), ("a@b", 7, "a@b@7"), ("w@1", 65_535, "w@1@65535")]
        {
            assert_eq!(name(directory).instance(number), Some(name(instance)));
            assert_eq!(name(instance).instance_of(), Some((name(directory), number)));
        }
        for text in ["web", "web@", "web@0", "web@01", "web@x", "web@65536"] {
            assert_eq!(name(text).instance_of(), None, "{text}");
        }
        assert_eq!(name(&"x".repeat(127)).instance(1), None);
    }

    #[test]
    fn a_ticket_reads_back_as_it_was_written() {
        let ticket = Ticket { instance: 0x00ab_cdef, serial: 42 };
        assert_eq!(ticket.to_string(), "0000000000abcdef-42");
        assert_eq!(ticket.to_string().parse(), Ok(ticket));
        for text in ["", "1-2", "0000000000abcdef", "0000000000abcdef-+1", "zzzzzzzzzzzzzzzz-1"] {
            assert_eq!(text.parse::<Ticket>(), Err(()), "{text}");
        }
    }
}
