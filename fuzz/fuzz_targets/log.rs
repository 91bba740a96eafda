//! See `bodies::log`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::log(bytes));
