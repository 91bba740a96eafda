//! See `bodies::record`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::record(bytes));
