//! See `bodies::ids`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::ids(bytes));
