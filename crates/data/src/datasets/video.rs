//! What the sets of videos have in common: a folder of frames for each, of which every fifth is used, as the CAVGA paper does.

use std::path::{Path, PathBuf};

use crate::files::stem;
use crate::scan::Scan;

/// One frame in so many is used.
pub(crate) const STEP: usize = 5;

/// A frame that is used.
pub(super) struct Frame {
    /// Its place in its video, from 0: how far its number is from the first frame's.
    pub(super) index: usize,
    pub(super) path: PathBuf,
}

/// Every fifth frame of a folder, by the number that each is called, from the first on.
///
/// By number and not by place in the folder: where only every fifth frame was taken out of a video, all are used.
pub(super) fn frames(scan: &mut Scan, folder: &Path) -> Vec<Frame> {
    let mut numbered: Vec<(usize, PathBuf)> = Vec::new();
    for path in scan.images(folder) {
        match stem(&path).parse() {
            Ok(number) => numbered.push((number, path)),
            Err(_) => scan.unused(path, "its name is no frame's number"),
        }
    }
    numbered.sort();
    let first = numbered.first().map_or(0, |(number, _)| *number);
    let mut used = Vec::new();
    for (number, path) in numbered {
        // Sorted, so the first is the least.
        let index = number.saturating_sub(first);
        if index.is_multiple_of(STEP) {
            used.push(Frame { index, path });
        } else {
            scan.unused(path, "not every fifth frame");
        }
    }
    used
}
