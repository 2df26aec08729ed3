//! What the hooks promise, on scripts that keep and that break the rules.

mod answers;
mod clients;
mod engine;
mod errors;
mod examples;
mod files;
mod fleet;
mod hostile;
mod metrics;
mod pages;
mod policies;
mod processes;
mod reference;
mod sandbox;
mod support;
#[cfg(feature = "tls")]
mod tls;
mod variables;
