//! See `bodies::front_matter`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bodies::front_matter(bytes));
