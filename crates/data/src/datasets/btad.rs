//! BTAD (beanTech): P. Mishra, R. Verk, D. Fornasier, C. Piciarelli, G. L. Foresti, "VT-ADL: A Vision Transformer Network for Image
//! Anomaly Detection and Localization", ISIE 2021.
//!
//! Three products in MVTec AD's layout, with `ok` for the normal images and `ko` for the anomalous ones; images are BMP or PNG,
//! and a mask may have another ending than its image. The split is the authors'. The counts are those that others
//! report, and add up to the paper's 2,540 images; the owner's page has the training counts of 02 and 03 the other way round.

use super::Known;
use super::protocol::{Category, Set};
use crate::layout::Names;

pub(super) const SET: Set = Set {
    known: Known::Btad,
    archives: &["BTech_Dataset_transformed", "BTAD", "btad"],
    names: Names {
        train: &["train/ok"],
        test: "test",
        normal: "ok",
        masks: "ground_truth",
    },
    categories: &[
        Category::new("01", 400, 21, 49),
        Category::new("02", 399, 30, 200),
        Category::new("03", 1000, 400, 41),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_add_up_to_the_papers() {
        let totals = super::super::protocol::totals(SET.categories);
        assert_eq!(totals.iter().sum::<usize>(), 2540);
    }
}
