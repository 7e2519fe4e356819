//! Real data, for the tests that want some.

use std::path::PathBuf;

/// The folder of a real set; says so and gives none where it is missing.
pub(crate) fn real(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CAVGA_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!(
        "skipped: {} is missing; set CAVGA_TEST_DATA to run it",
        folder.display()
    );
    None
}
