//! MPDD: S. Jezek, M. Jonak, R. Burget, P. Dvorak, M. Skotak, "Deep learning-based defect detection of metal parts: evaluating
//! current methods in complex conditions", ICUMT 2021.
//!
//! Six painted metal parts in MVTec AD's layout and with its protocol. The counts add up to the paper's 888, 176 and 282.

use super::Known;
use super::protocol::{Category, Set};
use crate::layout::MVTEC;

pub(super) const SET: Set = Set {
    known: Known::Mpdd,
    archives: &["MPDD", "mpdd"],
    names: MVTEC,
    categories: &[
        Category::new("bracket_black", 289, 32, 47),
        Category::new("bracket_brown", 185, 26, 51),
        Category::new("bracket_white", 110, 30, 30),
        Category::new("connector", 128, 30, 14),
        Category::new("metal_plate", 54, 26, 71),
        Category::new("tubes", 122, 32, 69),
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_add_up_to_the_papers() {
        assert_eq!(
            super::super::protocol::totals(SET.categories),
            [888, 176, 282]
        );
    }
}
