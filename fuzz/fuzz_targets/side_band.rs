//! See `bodies::side_band`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::side_band(bytes));
