//! CIFAR-10's Python form.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cavga_data::fuzzing::pickle(bytes));
