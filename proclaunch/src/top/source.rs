//! What the dashboard asks of the supervisor, whoever answers.

use std::fmt;
use std::io::Read;

use crate::control::api::{History, Profiles};

/// An order that a key gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Start it.
    Start,
    /// Stop it, and keep it so.
    Stop,
    /// Stop it, and start it again.
    Restart,
}

impl Order {
    /// The word of the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The supervisor is not there, or went away; it may come back.
    Away(String),
    /// It answered, and says no.
    Refused(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(why) | Self::Refused(why) => f.write_str(why),
        }
    }
}

/// A supervisor that can be asked from several threads at once.
pub trait Source: Send + Sync {
    /// All profiles, by name.
    ///
    /// # Errors
    /// See [`Trouble`]; so below.
    fn profiles(&self) -> Result<Profiles, Trouble>;

    /// What happened to a profile.
    fn history(&self, name: &str) -> Result<History, Trouble>;

    /// Gives an order, and waits until it is done.
    fn order(&self, name: &str, order: Order) -> Result<(), Trouble>;

    /// The last so many lines of a profile's output, and what comes after them.
    fn follow(&self, name: &str, lines: usize) -> Result<Following, Trouble>;
}

/// Output as it comes. It ends when the supervisor ends, or when it is closed.
pub struct Following {
    /// What is read. Reading waits for more.
    pub output: Box<dyn Read + Send>,
    /// Has a reader in another thread see the end.
    pub close: Box<dyn Fn() + Send>,
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following").finish_non_exhaustive()
    }
}
