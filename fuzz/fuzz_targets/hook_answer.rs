//! Any Lua value as the answer of a hook, or as what its file returned, is read or refused in words.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| proclaunch::hooks::fuzz::fuzz_answer(data));
