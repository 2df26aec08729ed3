//! Any bytes as a pid file are read or refused: a service writes it, or whoever may write beside it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = proclaunch::keeper::parse_pid_file(data);
});
