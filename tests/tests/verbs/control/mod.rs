//! The verbs that ask the supervisor: what they ask, what they make of each answer, and how they end.

mod finding;
mod looking;
mod orders;
mod rolling;
mod streams;
