//! What needs the kernel directly.
//!
//! **Invariant:** the only module with `unsafe`, and every block says why it is sound.

pub mod clock;
pub mod daemon;
