//! Weight files in the format safetensors: its JSON header above all.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = cavga_fuzz::weights::parse(bytes);
});
