//! IDX images and labels.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cavga_data::fuzzing::idx(bytes));
