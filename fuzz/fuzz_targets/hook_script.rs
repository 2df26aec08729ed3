//! Any script ends within its budget, and leaves an interpreter behind that works and is as it was.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| proclaunch::hooks::fuzz::fuzz_script(data));
