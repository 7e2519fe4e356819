//! CIFAR-10's binary form and its names.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cavga_data::fuzzing::cifar(bytes));
