//! What the hooks promise, on scripts that keep and that break the rules.

mod answers;
mod clients;
mod engine;
mod errors;
mod hostile;
mod reference;
mod sandbox;
mod support;
mod variables;
