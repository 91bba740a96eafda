//! See `bodies::log_stream`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::log_stream(bytes));
