//! Any bytes as `/proc/PID/stat` are read or refused: the process names in it are chosen by others.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = proclaunch::keeper::parse_stat(data);
});
