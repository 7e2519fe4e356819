//! MVTec AD 2: L. Heckler-Kram, J.-H. Neudeck, U. Scheler, R. König, C. Steger, "The MVTec AD 2 Dataset: Advanced Scenarios for
//! Unsupervised Anomaly Detection", arXiv 2503.21622.
//!
//! Eight categories. `train/good` and `validation/good` are both learnt from, as our own calibration images are held out of the
//! training images by seed; `test_public` is tested on. `test_private` and `test_private_mixed` have no labels here (their figures
//! come from the owner's server alone), so they are not used. The training counts add up to the 2,528 and 302 images of the archive.

use std::path::Path;

use super::Known;
use super::protocol::{Category, Set, compare, need};
use crate::layout::Names;
use crate::sample::GOOD;
use crate::scan::Scan;
use crate::spec::DatasetSpec;

const SET: Set = Set {
    known: Known::MvtecAd2,
    archives: &["mvtec_ad_2", "MVTec_AD_2"],
    names: Names {
        train: &["train/good", "validation/good"],
        test: "test_public",
        normal: GOOD,
        masks: "test_public/ground_truth",
    },
    // What is to learn from and what is to validate on.
    categories: &[
        Category::with_train("can", 412 + 46),
        Category::with_train("fabric", 387 + 43),
        Category::with_train("fruit_jelly", 263 + 37),
        Category::with_train("rice", 313 + 35),
        Category::with_train("sheet_metal", 137 + 19),
        Category::with_train("vial", 291 + 41),
        Category::with_train("wallplugs", 293 + 33),
        Category::with_train("walnuts", 432 + 48),
    ],
};

/// Folders of images whose labels are not published.
const PRIVATE: [&str; 2] = ["test_private", "test_private_mixed"];

pub(super) fn scan(spec: &DatasetSpec, root: &Path) -> Scan {
    let (mut scan, category) = match SET.find(spec, root) {
        Ok(found) => found,
        Err(scan) => return *scan,
    };
    need(
        &mut scan,
        &["validation/good", SET.names.test, SET.names.masks],
    );
    scan.beside(&SET.names, &PRIVATE);
    scan.folders(&SET.names);
    for part in PRIVATE {
        let folder = scan.dataset.root.join(part);
        if folder.is_dir() {
            scan.unused_below(&folder, "a private test image, without a label");
        }
    }
    if let Some(category) = category {
        compare(&mut scan, category);
    }
    scan.sorted()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_add_up_to_the_archives() {
        assert_eq!(
            super::super::protocol::totals(SET.categories)[0],
            2528 + 302
        );
    }
}
