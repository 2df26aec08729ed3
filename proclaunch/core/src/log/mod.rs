//! Every line ProcLaunch can write, as data, and the one format they are written in.
//!
//! **Invariant:** a line is one line. Whatever comes from outside (a file's content, a reason, a path) is escaped
//! by [`line()`], so nothing from outside can end a line or forge one.

mod control;
mod entry;
mod format;
mod own;
mod part;
mod said;
mod words;

pub use control::Control;
pub use entry::{Entry, Level};
pub use format::{Escaped, Span, Times, line};
pub use own::Own;
pub use part::{Helper, Part};
pub use said::Said;
pub use words::Outcome;
