//! See `bodies::packets`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::packets(bytes));
