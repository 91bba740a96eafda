//! See `bodies::lock`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::lock(bytes));
