//! Sizes in bytes, and times in seconds.

use crate::hooks::reference::Item;

/// A global number.
#[derive(Debug)]
pub struct Constant {
    /// Its name and meaning.
    pub item: Item,
    /// The number.
    pub value: f64,
}

const fn constant(name: &'static str, value: f64, doc: &'static str) -> Constant {
    Constant { item: Item::value(name, "number", doc), value }
}

/// All of them.
pub static CONSTANTS: &[Constant] = &[
    constant("KB", 1024.0, "1024 bytes."),
    constant("MB", 1_048_576.0, "1024 KB."),
    constant("GB", 1_073_741_824.0, "1024 MB."),
    constant("SECOND", 1.0, "One second: the unit of every time."),
    constant("MINUTE", 60.0, "60 seconds."),
    constant("HOUR", 3600.0, "3600 seconds."),
];
