//! Any bytes are a record or are refused; one that is taken can be written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use proclaunch::store::Record;

fuzz_target!(|data: &[u8]| {
    if let Ok(record) = Record::decode(data) {
        let again = Record::decode(&record.written().encode());
        assert_eq!(again.ok(), Some(record));
    }
});
