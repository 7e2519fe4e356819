//! Figures of whole images that stand in a resample more or less often, or not at all.
//!
//! Items are sorted once; each resample is then one pass over them for each figure. An item of weight 3 counts as three
//! equal items, one of weight 0 is not there: the figures are, bit for bit, those of the items written out so often.

use crate::image::balance;
use crate::ranking::check_finite;
use crate::steps::{AtAlarmRate, BestF1, Ranked, Step, mcclish};
use crate::{Result, Undefined};

/// A sorted item.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    score: f32,
    /// Its place in the slices given.
    pub(crate) place: u32,
    pub(crate) positive: bool,
}

/// Items sorted by score, to be weighted again and again.
#[derive(Clone, Debug)]
pub struct ImageRanking {
    items: Vec<Item>,
}

impl ImageRanking {
    /// Sorts items of which each has a score and a truth.
    ///
    /// # Errors
    ///
    /// Those of bad input, as at the root.
    pub fn new(scores: &[f32], positive: &[bool]) -> Result<Self> {
        if scores.len() != positive.len() {
            return Err(Undefined::LengthMismatch {
                scores: scores.len(),
                labels: positive.len(),
            });
        }
        check_finite(scores)?;
        let mut items: Vec<Item> = (0..)
            .zip(scores.iter().zip(positive))
            .map(|(place, (&score, &positive))| Item {
                // Zeros of both signs tie.
                score: score + 0.0,
                place,
                positive,
            })
            .collect();
        items.sort_unstable_by(|left, right| right.score.total_cmp(&left.score));
        Ok(Self { items })
    }

    /// Items of equal score together, from the highest score to the lowest.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &[Item]> {
        groups(&self.items)
    }

    /// The items of a resample: a weight for each, in the order in which they were given.
    ///
    /// # Errors
    ///
    /// [`Undefined::LengthMismatch`] unless there is a weight for each.
    pub fn weighted<'a>(&'a self, weights: &'a [u32]) -> Result<WeightedImages<'a>> {
        if weights.len() != self.items.len() {
            return Err(Undefined::LengthMismatch {
                scores: weights.len(),
                labels: self.items.len(),
            });
        }
        let mut resample = WeightedImages {
            items: &self.items,
            weights,
            positives: 0,
            negatives: 0,
        };
        for item in &self.items {
            let weight = resample.weight(item);
            if item.positive {
                resample.positives += weight;
            } else {
                resample.negatives += weight;
            }
        }
        Ok(resample)
    }
}

fn groups(items: &[Item]) -> impl Iterator<Item = &[Item]> {
    items.chunk_by(|left, right| left.score == right.score)
}

/// Items with weights; every figure is one pass over them.
#[derive(Clone, Copy, Debug)]
pub struct WeightedImages<'a> {
    items: &'a [Item],
    weights: &'a [u32],
    positives: u64,
    negatives: u64,
}

impl WeightedImages<'_> {
    fn weight(&self, item: &Item) -> u64 {
        let weight = self.weights.get(item.place as usize);
        weight.map_or(0, |&weight| weight.into())
    }

    /// See [`crate::auroc`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn auroc(&self) -> Result<f64> {
        Ranked::auroc(self)
    }

    /// See [`crate::auroc_to`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn auroc_to(&self, limit: f64) -> Result<f64> {
        Ranked::auroc_to(self, limit)
    }

    /// See [`crate::auroc_to_mcclish`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn auroc_to_mcclish(&self, limit: f64) -> Result<f64> {
        Ok(mcclish(self.auroc_to(limit)?, limit))
    }

    /// See [`crate::average_precision`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn average_precision(&self) -> Result<f64> {
        Ranked::average_precision(self)
    }

    /// See [`crate::f1_max`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn f1_max(&self) -> Result<BestF1> {
        Ranked::f1_max(self)
    }

    /// See [`crate::at_alarm_rate`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn at_alarm_rate(&self, limit: f64) -> Result<AtAlarmRate> {
        Ranked::at_alarm_rate(self, limit)
    }

    /// See [`crate::balanced_accuracy`]: of a decision on each item, in the order in which they were given.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn balanced_accuracy(&self, predicted: &[bool]) -> Result<f64> {
        if predicted.len() != self.items.len() {
            return Err(Undefined::LengthMismatch {
                scores: predicted.len(),
                labels: self.items.len(),
            });
        }
        self.need_both()?;
        let (mut true_positives, mut false_positives) = (0, 0);
        for item in self.items {
            if predicted.get(item.place as usize).copied().unwrap_or(false) {
                if item.positive {
                    true_positives += self.weight(item);
                } else {
                    false_positives += self.weight(item);
                }
            }
        }
        Ok(balance(
            (true_positives, self.positives),
            (false_positives, self.negatives),
        ))
    }
}

impl Ranked for WeightedImages<'_> {
    fn positives(&self) -> u64 {
        self.positives
    }

    fn negatives(&self) -> u64 {
        self.negatives
    }

    /// All distinct scores of items that are there.
    fn steps(&self) -> impl Iterator<Item = Step> {
        let (mut true_positives, mut false_positives) = (0, 0);
        groups(self.items).filter_map(move |group| {
            let (found, passed) = (true_positives, false_positives);
            for item in group {
                if item.positive {
                    true_positives += self.weight(item);
                } else {
                    false_positives += self.weight(item);
                }
            }
            let first = group.first()?;
            let is_there = (found, passed) != (true_positives, false_positives);
            is_there.then_some(Step {
                threshold: first.score,
                true_positives,
                false_positives,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn weights_are_one_for_each_item() {
        let ranking = ImageRanking::new(&[0.1, 0.2], &[true, false]).unwrap();
        let mismatch = Undefined::LengthMismatch {
            scores: 3,
            labels: 2,
        };
        assert_eq!(ranking.weighted(&[1, 1, 1]).err(), Some(mismatch));
        let resample = ranking.weighted(&[1, 1]).unwrap();
        assert!(resample.balanced_accuracy(&[true]).is_err());
    }

    #[test]
    fn bad_input_is_named() {
        assert!(ImageRanking::new(&[0.1], &[true, false]).is_err());
        let nan = ImageRanking::new(&[0.1, f32::NAN], &[true, false]);
        assert_eq!(nan.err(), Some(Undefined::NotFinite { index: 1 }));
    }

    proptest! {
        #[test]
        fn a_weight_is_as_many_equal_items(
            items in prop::collection::vec((-5_i8..5, any::<bool>(), 0_u32..4, any::<bool>()), 0..40),
            limit in 0.01_f64..1.0,
        ) {
            let scores: Vec<_> = items.iter().map(|item| f32::from(item.0) / 4.0).collect();
            let positive: Vec<_> = items.iter().map(|item| item.1).collect();
            let weights: Vec<_> = items.iter().map(|item| item.2).collect();
            let called: Vec<_> = items.iter().map(|item| item.3).collect();
            let repeated = || (0..items.len()).flat_map(|at| (0..weights[at]).map(move |_| at));
            let many: Vec<_> = repeated().map(|at| scores[at]).collect();
            let truth: Vec<_> = repeated().map(|at| positive[at]).collect();
            let said: Vec<_> = repeated().map(|at| called[at]).collect();
            let ranking = ImageRanking::new(&scores, &positive).unwrap();
            let resample = ranking.weighted(&weights).unwrap();
            prop_assert_eq!(resample.auroc(), crate::auroc(&many, &truth));
            prop_assert_eq!(resample.average_precision(), crate::average_precision(&many, &truth));
            prop_assert_eq!(resample.f1_max(), crate::f1_max(&many, &truth));
            prop_assert_eq!(resample.auroc_to(limit), crate::auroc_to(&many, &truth, limit));
            prop_assert_eq!(
                resample.auroc_to_mcclish(limit),
                crate::auroc_to_mcclish(&many, &truth, limit)
            );
            prop_assert_eq!(resample.at_alarm_rate(limit), crate::at_alarm_rate(&many, &truth, limit));
            prop_assert_eq!(resample.balanced_accuracy(&called), crate::balanced_accuracy(&said, &truth));
        }
    }
}
