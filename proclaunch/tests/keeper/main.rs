//! The keeper on the real kernel.
//!
//! The keeper reaps every child of its process, so tests of one process take turns (`bench::Bench` holds a lock).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]
#![expect(clippy::print_stdout, reason = "what was measured, and what needs root")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test waits for one kind of report")]

mod adoption;
mod bench;
mod exits;
mod pid_files;
mod scale;
mod spawning;
mod successors;
mod trees;
