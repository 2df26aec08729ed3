//! Any bytes as a profile directory and its defaults give a value or a named error.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| proclaunch_core::profile::fuzz_one(data));
