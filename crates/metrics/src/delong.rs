//! The spread of an AUROC, and of the difference of two on the same items, without drawing anything.
//!
//! DeLong, DeLong and Clarke-Pearson (Biometrics 44(3), 1988): the AUROC is a mean over the anomalous items of the share of normal
//! items that each outscores, and as well a mean over the normal ones; the spread of those shares gives its variance. Sun and
//! Xu (IEEE Signal Processing Letters 21(11), 2014) count them by sorting, in n · log n rather than by pairs. Shares are kept as
//! whole numbers of half pairs, so that a variance of 0 is exactly that.
//!
//! Items are taken to be independent: where images come in groups, use a [`crate::Bootstrap`] over the groups.

use crate::normal;
use crate::resample::check_level;
use crate::{ImageRanking, Result, Undefined};

/// An AUROC and its variance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeLong {
    /// See [`crate::auroc`].
    pub auroc: f64,
    /// Of the AUROC over test sets with as many items of each class; an unbiased estimate.
    pub variance: f64,
}

impl DeLong {
    /// The interval that holds the true AUROC with a probability of `level`, as far as the AUROC is normally distributed: it is, but for
    /// few items or values near 1. Cut off at 0 and 1.
    ///
    /// # Errors
    ///
    /// [`Undefined::LevelOutOfRange`] unless the level lies in (0, 1); [`Undefined::NoVariance`], as of a perfect score.
    pub fn interval(&self, level: f64) -> Result<(f64, f64)> {
        let reach = reach(self.variance, level)?;
        let (low, high) = (self.auroc - reach, self.auroc + reach);
        Ok((low.max(0.0), high.min(1.0)))
    }
}

/// The AUROC of one score minus that of another on the same items, and its variance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeLongDifference {
    /// Of the first score.
    pub first: DeLong,
    /// Of the second score.
    pub second: DeLong,
    /// The first AUROC minus the second.
    pub difference: f64,
    /// Of the difference: smaller than the sum of both variances where the scores find the same items hard.
    pub variance: f64,
}

impl DeLongDifference {
    /// The difference in units of its standard error.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoVariance`] where both scores rank the items alike, or by any other chance the variance is 0: nothing is
    /// said then of how far the difference might lie from 0.
    pub fn z(&self) -> Result<f64> {
        if self.variance > 0.0 {
            Ok(self.difference / self.variance.sqrt())
        } else {
            Err(Undefined::NoVariance)
        }
    }

    /// How probable a difference as large as this one is, of either sign, if there were none in truth.
    ///
    /// # Errors
    ///
    /// As [`Self::z`].
    pub fn p(&self) -> Result<f64> {
        self.z().map(normal::two_sided)
    }

    /// The interval that holds the true difference with a probability of `level`; cut off at -1 and 1.
    ///
    /// # Errors
    ///
    /// As [`DeLong::interval`].
    pub fn interval(&self, level: f64) -> Result<(f64, f64)> {
        let reach = reach(self.variance, level)?;
        let (low, high) = (self.difference - reach, self.difference + reach);
        Ok((low.max(-1.0), high.min(1.0)))
    }
}

/// The AUROC of a score with its variance.
///
/// # Errors
///
/// As [`crate::auroc`]; [`Undefined::TooFewToVary`] with fewer than two items of a class.
pub fn delong(scores: &[f32], positive: &[bool]) -> Result<DeLong> {
    Ok(Won::count(scores, positive)?.delong())
}

/// The difference of the AUROCs of two scores of the same items, with its variance.
///
/// # Errors
///
/// As [`delong`].
pub fn delong_difference(
    first: &[f32],
    second: &[f32],
    positive: &[bool],
) -> Result<DeLongDifference> {
    let (one, other) = (Won::count(first, positive)?, Won::count(second, positive)?);
    let differences = |one: &[i64], other: &[i64]| {
        let pairs = one.iter().zip(other);
        pairs.map(|(one, other)| one - other).collect()
    };
    let both = Won {
        anomalous: differences(&one.anomalous, &other.anomalous),
        normal: differences(&one.normal, &other.normal),
    };
    let DeLong {
        auroc: difference,
        variance,
    } = both.delong();
    Ok(DeLongDifference {
        first: one.delong(),
        second: other.delong(),
        difference,
        variance,
    })
}

/// How far an interval reaches to either side.
fn reach(variance: f64, level: f64) -> Result<f64> {
    check_level(level)?;
    if variance > 0.0 {
        Ok(normal::beyond(1.0 - level) * variance.sqrt())
    } else {
        Err(Undefined::NoVariance)
    }
}

/// Of every item, in how many pairs with one of the other class the anomalous one scores higher, twice; a tie counts once.
struct Won {
    anomalous: Vec<i64>,
    normal: Vec<i64>,
}

impl Won {
    fn count(scores: &[f32], positive: &[bool]) -> Result<Self> {
        let ranking = ImageRanking::new(scores, positive)?;
        let all = positive.iter().filter(|&&positive| positive).count();
        let (positives, negatives) = (all as i64, (positive.len() - all) as i64);
        match (positives, negatives) {
            (0, 0) => return Err(Undefined::Empty),
            (0, _) => return Err(Undefined::NoPositive),
            (_, 0) => return Err(Undefined::NoNegative),
            (1, _) | (_, 1) => {
                return Err(Undefined::TooFewToVary {
                    positives: positives.unsigned_abs(),
                    negatives: negatives.unsigned_abs(),
                });
            }
            _ => {}
        }
        let mut won = vec![0; positive.len()];
        let (mut found, mut passed) = (0, 0);
        for group in ranking.groups() {
            let here = group.iter().filter(|item| item.positive).count() as i64;
            let normal = group.len() as i64 - here;
            for item in group {
                if let Some(won) = won.get_mut(item.place as usize) {
                    *won = if item.positive {
                        2 * (negatives - passed - normal) + normal
                    } else {
                        2 * found + here
                    };
                }
            }
            found += here;
            passed += normal;
        }
        let of = |class: bool| {
            let items = won.iter().zip(positive);
            let of_class = items.filter(|&(_, &positive)| positive == class);
            of_class.map(|(&won, _)| won).collect()
        };
        Ok(Self {
            anomalous: of(true),
            normal: of(false),
        })
    }

    /// The mean share of pairs won, and its variance.
    fn delong(&self) -> DeLong {
        let (positives, negatives) = (self.anomalous.len() as f64, self.normal.len() as f64);
        let won: i128 = self.anomalous.iter().map(|&won| i128::from(won)).sum();
        let of_anomalous = variance(&self.anomalous) / (4.0 * negatives * negatives);
        let of_normal = variance(&self.normal) / (4.0 * positives * positives);
        DeLong {
            auroc: won as f64 / (2.0 * positives * negatives),
            variance: of_anomalous / positives + of_normal / negatives,
        }
    }
}

/// The variance of some numbers (n - 1): exactly 0 if they are equal.
fn variance(values: &[i64]) -> f64 {
    let first = values.first().copied().unwrap_or(0);
    let shifted = || values.iter().map(|value| (value - first) as f64);
    let count = values.len() as f64;
    let mean = shifted().sum::<f64>() / count;
    shifted().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const T: bool = true;
    const F: bool = false;

    /// The definition: all pairs, and the spread of the shares.
    fn by_pairs(first: &[f32], second: &[f32], positive: &[bool]) -> (f64, f64) {
        let of = |class: bool| (0..positive.len()).filter(move |&at| positive[at] == class);
        let won = |scores: &[f32], high: usize, low: usize| {
            let (high, low) = (scores[high], scores[low]);
            f64::from(u8::from(high > low)) + 0.5 * f64::from(u8::from(high == low))
        };
        let pair = |high, low| won(first, high, low) - won(second, high, low);
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let shares = |class: bool| -> Vec<f64> {
            of(class)
                .map(|at| {
                    let with = |other| match class {
                        true => pair(at, other),
                        false => pair(other, at),
                    };
                    mean(&of(!class).map(with).collect::<Vec<_>>())
                })
                .collect()
        };
        let spread = |values: &[f64]| {
            let middle = mean(values);
            let squares = values.iter().map(|value| (value - middle).powi(2));
            squares.sum::<f64>() / (values.len() - 1) as f64 / values.len() as f64
        };
        let (anomalous, normal) = (shares(true), shares(false));
        (mean(&anomalous), spread(&anomalous) + spread(&normal))
    }

    #[test]
    fn by_hand() {
        // Anomalous .8 and .35 win 1 and 1/2 of the pairs; normal .1 and .4 lose 1 and 1/2.
        let found = delong(&[0.1, 0.4, 0.35, 0.8], &[F, F, T, T]).unwrap();
        assert_eq!(found.auroc, 0.75);
        assert_eq!(found.variance, 0.125 / 2.0 + 0.125 / 2.0);
        let (low, high) = found.interval(0.95).unwrap();
        assert!((low - (0.75 - 1.959_963_984_540_054 * 0.125_f64.sqrt())).abs() < 1e-14);
        assert_eq!(high, 1.0, "cut off");
    }

    #[test]
    fn what_does_not_vary_has_no_interval_and_no_p() {
        let perfect = delong(&[0.1, 0.2, 0.8, 0.9], &[F, F, T, T]).unwrap();
        assert_eq!((perfect.auroc, perfect.variance), (1.0, 0.0));
        assert_eq!(perfect.interval(0.95), Err(Undefined::NoVariance));
        let scores = [0.1, 0.4, 0.35, 0.8];
        let risen = scores.map(|score| 5.0 * score - 1.0);
        let same = delong_difference(&scores, &risen, &[F, F, T, T]).unwrap();
        assert_eq!((same.difference, same.variance), (0.0, 0.0));
        assert_eq!(same.p(), Err(Undefined::NoVariance));
        // Each normal item loses all pairs with one score and none with the other, for sure.
        let opposite =
            delong_difference(&[0.0, 0.0, 1.0, 1.0], &[1.0, 1.0, 0.0, 0.0], &[F, F, T, T]);
        let opposite = opposite.unwrap();
        assert_eq!((opposite.difference, opposite.variance), (1.0, 0.0));
        assert_eq!(opposite.z(), Err(Undefined::NoVariance));
    }

    #[test]
    fn bad_input_is_named() {
        assert_eq!(delong(&[], &[]), Err(Undefined::Empty));
        assert_eq!(delong(&[1.0], &[F]), Err(Undefined::NoPositive));
        assert_eq!(delong(&[1.0, 2.0], &[T, T]), Err(Undefined::NoNegative));
        let few = Undefined::TooFewToVary {
            positives: 1,
            negatives: 2,
        };
        assert_eq!(delong(&[1.0, 2.0, 3.0], &[F, F, T]), Err(few));
        let nan = Err(Undefined::NotFinite { index: 0 });
        assert_eq!(delong(&[f32::NAN, 2.0], &[F, T]), nan);
        let found = delong(&[0.1, 0.4, 0.35, 0.8], &[F, F, T, T]).unwrap();
        for level in [0.0, 1.0, f64::NAN] {
            assert!(matches!(
                found.interval(level),
                Err(Undefined::LevelOutOfRange { .. })
            ));
        }
        assert!(delong_difference(&[0.0; 3], &[0.0; 4], &[T, F, T, F]).is_err());
    }

    proptest! {
        #[test]
        fn sorting_counts_what_pairs_do(
            items in prop::collection::vec((-6_i8..6, -6_i8..6, any::<bool>()), 4..40)
                .prop_filter("two of each", |items| {
                    let positives = items.iter().filter(|item| item.2).count();
                    positives > 1 && items.len() - positives > 1
                })
        ) {
            let first: Vec<_> = items.iter().map(|item| f32::from(item.0)).collect();
            let second: Vec<_> = items.iter().map(|item| f32::from(item.1) / 3.0).collect();
            let positive: Vec<_> = items.iter().map(|item| item.2).collect();
            let nothing = vec![0.0; items.len()];
            let (auroc, variance) = by_pairs(&first, &nothing, &positive);
            let found = delong(&first, &positive).unwrap();
            // The constant score wins half of each pair.
            prop_assert!((found.auroc - 0.5 - auroc).abs() < 1e-12);
            prop_assert_eq!(Ok(found.auroc), crate::auroc(&first, &positive));
            prop_assert!((found.variance - variance).abs() < 1e-12);
            let (difference, variance) = by_pairs(&first, &second, &positive);
            let found = delong_difference(&first, &second, &positive).unwrap();
            prop_assert!((found.difference - difference).abs() < 1e-12);
            prop_assert!((found.variance - variance).abs() < 1e-12);
        }
    }
}
