//! NumPy's arrays.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cavga_data::fuzzing::npy(bytes));
