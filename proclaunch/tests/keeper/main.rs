//! The keeper on the real kernel.
//!
//! The keeper reaps every child of its process, so tests of one process take turns (`bench::Bench` holds a lock).

mod adoption;
mod bench;
mod exits;
mod pid_files;
mod scale;
mod spawning;
mod trees;
