//! The `proclaunch` program.

fn main() {}
