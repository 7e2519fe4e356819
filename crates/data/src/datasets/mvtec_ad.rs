//! MVTec AD: P. Bergmann, M. Fauser, D. Sattlegger, C. Steger, "MVTec AD: A Comprehensive Real-World Dataset for Unsupervised
//! Anomaly Detection", CVPR 2019.
//!
//! A folder for each of 15 categories, in the layout that many sets took over from it. The split is the authors': all of
//! `train/good` is learnt from, all of `test` is tested on. The counts are those of the CVPR paper's table.

use super::Known;
use super::protocol::{Category, Set};
use crate::layout::MVTEC;

pub(super) const SET: Set = Set {
    known: Known::MvtecAd,
    archives: &["mvtec_anomaly_detection", "mvtec_ad", "MVTecAD"],
    names: MVTEC,
    categories: &[
        Category::new("bottle", 209, 20, 63),
        Category::new("cable", 224, 58, 92),
        Category::new("capsule", 219, 23, 109),
        Category::new("carpet", 280, 28, 89),
        Category::new("grid", 264, 21, 57),
        Category::new("hazelnut", 391, 40, 70),
        Category::new("leather", 245, 32, 92),
        Category::new("metal_nut", 220, 22, 93),
        Category::new("pill", 267, 26, 141),
        Category::new("screw", 320, 41, 119),
        Category::new("tile", 230, 33, 84),
        Category::new("toothbrush", 60, 12, 30),
        Category::new("transistor", 213, 60, 40),
        Category::new("wood", 247, 19, 60),
        Category::new("zipper", 240, 32, 119),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_add_up_to_the_papers() {
        assert_eq!(
            super::super::protocol::totals(SET.categories),
            [3629, 467, 1258]
        );
    }
}
