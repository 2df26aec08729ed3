//! `GET /metrics`: figures in the text format of Prometheus.
//!
//! What is counted over time is in a [`Recorder`], which the reactor and the server feed; the rest is made from a view
//! of the fleet when it is asked for.

mod histogram;
mod page;
mod recorder;
mod series;
mod text;

#[cfg(test)]
mod tests;

pub use histogram::Histogram;
pub use page::{Figures, page};
pub use recorder::{Recorded, Recorder};
