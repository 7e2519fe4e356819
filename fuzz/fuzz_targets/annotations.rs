//! Outlines in COCO and LabelMe JSON.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cavga_data::fuzzing::annotations(bytes));
