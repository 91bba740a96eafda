//! See `bodies::plan`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::plan(bytes));
