//! The command line: what was typed ([`Arguments`]), and what it means ([`Settings`]).

mod arguments;
mod settings;

pub use arguments::{Arguments, LogLevel, OnTerm};
pub use settings::{LogTarget, Settings};
