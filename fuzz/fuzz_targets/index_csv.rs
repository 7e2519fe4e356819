//! CSV indexes of images.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cavga_data::fuzzing::index_csv(bytes));
