//! What scores and maps say beside the truth: figures by name, each with its interval. Used by `cavga eval`, which asks a model,
//! and by `cavga metrics`, which reads what any program wrote.
//!
//! - `figures`: names, numbers, intervals, reasons
//! - `images`: whole images; `pixels`: maps, by `names`; `truth`: a map beside its mask
//! - `resampling`: how images are drawn again

mod figures;
mod images;
mod names;
mod pixels;
mod resampling;
mod truth;

pub use figures::Figures;
pub(crate) use images::Images;
pub(crate) use pixels::{Curves, Pixels, curves, resampled, undefined};
pub(crate) use resampling::Resampling;
pub(crate) use truth::Truth;

/// The false-positive rate up to which the area under the images' ROC is given besides the whole.
const IMAGE_LIMIT: f64 = 0.10;

/// The rate of alarms on normal images, or pixels, at which recall and precision are given.
const ALARMS: f64 = 0.05;

/// Resamples that intervals are made of, if nothing else is asked for.
pub const RESAMPLES: usize = 1000;

/// How many figures are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Those that tell one map or score from another at a glance.
    Short,
    /// All there are.
    All,
}

impl Extent {
    /// How many that is, where `short` of them are the short form.
    fn of(self, short: usize) -> usize {
        match self {
            Self::Short => short,
            Self::All => usize::MAX,
        }
    }
}

/// The middle value; the mean of two where there are two. Of the finite ones.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.retain(|value| value.is_finite());
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get(values.len().checked_sub(1)? / 2)?;
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0]), Some(3.0));
        assert_eq!(median(vec![3.0, f64::NAN, 1.0]), Some(2.0));
        assert_eq!(median(vec![3.0, 1.0, 9.0]), Some(3.0));
    }
}
