//! Weight files as torch saves them: zips, and pickles in a row.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = cavga_fuzz::weights::parse(bytes);
});
