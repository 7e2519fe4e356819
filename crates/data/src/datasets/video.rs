//! What the sets of videos have in common: a folder of frames for each, of which every fifth is used, as the CAVGA paper does.

use std::path::{Path, PathBuf};

use crate::files::stem;
use crate::scan::Scan;

/// One frame in so many is used.
pub(crate) const STEP: usize = 5;

/// A frame of a video.
pub(super) struct Frame {
    /// The number that it is called by.
    pub(super) number: usize,
    pub(super) path: PathBuf,
}

/// Every fifth frame of a folder, by the number that each is called, from the first on.
///
/// By number and not by place in the folder: where only every fifth frame was taken out of a video, all are used.
pub(super) fn frames(scan: &mut Scan, folder: &Path) -> Vec<Frame> {
    let all = numbered(scan, folder);
    let first = all.first().map_or(0, |frame| frame.number);
    every_fifth(scan, all, first)
}

/// All frames of a folder, by their numbers.
pub(super) fn numbered(scan: &mut Scan, folder: &Path) -> Vec<Frame> {
    let mut frames = Vec::new();
    for path in scan.images(folder) {
        match stem(&path).parse() {
            Ok(number) => frames.push(Frame { number, path }),
            Err(_) => scan.unused(path, "its name is no frame's number"),
        }
    }
    frames.sort_by(|a, b| (a.number, &a.path).cmp(&(b.number, &b.path)));
    frames
}

/// Every fifth of these frames, counted from the number `first` on, which is at most that of each.
///
/// What lies in two folders, as images and masks, is counted from one number: else a file that is missing at the beginning of one
/// of them would shift all that follow.
pub(super) fn every_fifth(scan: &mut Scan, all: Vec<Frame>, first: usize) -> Vec<Frame> {
    let mut used = Vec::new();
    for frame in all {
        if frame.number.saturating_sub(first).is_multiple_of(STEP) {
            used.push(frame);
        } else {
            scan.unused(frame.path, "not every fifth frame");
        }
    }
    used
}
