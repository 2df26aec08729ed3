//! How the program starts and ends: exit codes, messages, files, the daemon and its successors.

mod daemon;
mod refusals;
mod successors;
mod trouble;
