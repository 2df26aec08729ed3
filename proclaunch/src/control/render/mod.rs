//! What the control socket says, as text for people: pure functions from the types of [`api`](super::api).
//!
//! Times are shown as they come, in UTC; durations as `3h 2m`.
//!
//! **Invariant:** no control character from outside reaches a terminal: every text passes [`clean`].

mod events;
mod explain;
mod history;
mod hook_run;
mod order;
mod own;
mod paint;
mod status;
mod table;
mod units;

#[cfg(test)]
mod tests;

pub use events::event;
pub use explain::explanation;
pub use history::history;
pub use hook_run::hook_run;
pub use order::{ordered, refused, scaled};
pub use own::own;
pub use paint::{Style, Tone, clean};
pub use status::{is_trouble, profiles, state, tone, why};
pub use units::{exit, percent, size, span};
