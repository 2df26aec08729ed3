//! What the hooks promise, on scripts that keep and that break the rules.

mod answers;
mod engine;
mod errors;
mod hostile;
mod sandbox;
mod support;
mod variables;
