//! Scores sorted once, from which every exact curve is read in one pass.
//!
//! A scored item is packed in 8 bytes: the score in the upper half, turned into an integer that
//! ascends as the score descends, and a tag in the lower half, 0 for a normal item and anything
//! else for an anomalous one (for pixels, the number of the region). Integers need no comparison
//! function to sort, and a packed item needs no second array to be permuted with it.

use crate::curve::{PrecisionRecallPoint, RocPoint};
use crate::{Result, Undefined};

/// The tag of a normal item.
pub(crate) const NORMAL: u32 = 0;

/// Packs a score and its tag. The score must be finite.
pub(crate) fn pack(score: f32, tag: u32) -> u64 {
    // Adding 0.0 turns -0.0 into 0.0 and changes nothing else: the two must tie.
    let key = reverse_order((score + 0.0).to_bits());
    (u64::from(key) << 32) | u64::from(tag)
}

/// The tag of a packed item.
pub(crate) fn tag(item: u64) -> u32 {
    // The lower half is what is wanted.
    item as u32
}

/// The score of a packed item.
fn score(item: u64) -> f32 {
    f32::from_bits(reverse_order((item >> 32) as u32))
}

/// Maps the bits of a float to an integer that ascends as the float descends. It is its own
/// inverse.
///
/// The bits of negative floats ascend as the float descends already; those of the others ascend
/// with it, so all bits but the sign are flipped.
fn reverse_order(bits: u32) -> u32 {
    const SIGN: u32 = 1 << 31;
    if bits & SIGN == 0 {
        !bits & !SIGN
    } else {
        bits
    }
}

/// The largest F1 over all thresholds, and where it is reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestF1 {
    /// 2 · precision · recall / (precision + recall), in (0, 1].
    pub f1: f64,
    /// Share of what is called anomalous that is anomalous, in (0, 1].
    pub precision: f64,
    /// Share of what is anomalous that is called so, in (0, 1].
    pub recall: f64,
    /// What scores at or above it (`>=`) is called anomalous. It is one of the scores given.
    pub threshold: f32,
}

/// What is called anomalous at one threshold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Items that score at or above it are called anomalous.
    pub(crate) threshold: f32,
    /// How many of those are anomalous.
    pub(crate) true_positives: u64,
    /// How many of those are normal.
    pub(crate) false_positives: u64,
}

/// All items from the highest score to the lowest.
#[derive(Debug)]
pub(crate) struct Ranking {
    items: Vec<u64>,
    positives: u64,
    negatives: u64,
}

impl Ranking {
    /// Checks and sorts scores with their truth.
    pub(crate) fn new(scores: &[f32], positive: &[bool]) -> Result<Self> {
        if scores.len() != positive.len() {
            return Err(Undefined::LengthMismatch {
                scores: scores.len(),
                labels: positive.len(),
            });
        }
        check_finite(scores)?;
        let items = scores
            .iter()
            .zip(positive)
            .map(|(&score, &positive)| pack(score, positive.into()));
        Ok(Self::from_items(items.collect()))
    }

    /// Sorts packed items.
    pub(crate) fn from_items(mut items: Vec<u64>) -> Self {
        items.sort_unstable();
        let negatives = items.iter().filter(|&&item| tag(item) == NORMAL).count() as u64;
        let positives = items.len() as u64 - negatives;
        Self {
            items,
            positives,
            negatives,
        }
    }

    /// How many items are anomalous.
    pub(crate) fn positives(&self) -> u64 {
        self.positives
    }

    /// How many items are normal.
    pub(crate) fn negatives(&self) -> u64 {
        self.negatives
    }

    /// Items of equal score together, from the highest score to the lowest, each group with its
    /// score.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (f32, &[u64])> {
        self.items
            .chunk_by(|left, right| left >> 32 == right >> 32)
            .map(|group| (score(group[0]), group))
    }

    /// The counts at every distinct score, from the highest to the lowest.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Step> {
        let (mut true_positives, mut false_positives) = (0, 0);
        self.groups().map(move |(threshold, group)| {
            let normal = group.iter().filter(|&&item| tag(item) == NORMAL).count() as u64;
            false_positives += normal;
            true_positives += group.len() as u64 - normal;
            Step {
                threshold,
                true_positives,
                false_positives,
            }
        })
    }

    /// Fails unless something is anomalous.
    pub(crate) fn need_positives(&self) -> Result<()> {
        match (self.items.is_empty(), self.positives) {
            (true, _) => Err(Undefined::Empty),
            (false, 0) => Err(Undefined::NoPositive),
            _ => Ok(()),
        }
    }

    /// Fails unless something is anomalous and something is normal.
    pub(crate) fn need_both(&self) -> Result<()> {
        self.need_positives()?;
        if self.negatives == 0 {
            Err(Undefined::NoNegative)
        } else {
            Ok(())
        }
    }

    /// See [`crate::auroc`].
    pub(crate) fn auroc(&self) -> Result<f64> {
        self.need_both()?;
        // Twice the number of pairs won, where a tie wins half: an integer, so the result is
        // rounded only once.
        let mut won_twice = 0_u128;
        let (mut found, mut passed) = (0, 0);
        for step in self.steps() {
            let outscored =
                u128::from((self.negatives - step.false_positives) + (self.negatives - passed));
            won_twice += u128::from(step.true_positives - found) * outscored;
            (found, passed) = (step.true_positives, step.false_positives);
        }
        let pairs = u128::from(self.positives) * u128::from(self.negatives);
        Ok(won_twice as f64 / (2 * pairs) as f64)
    }

    /// See [`crate::average_precision`].
    pub(crate) fn average_precision(&self) -> Result<f64> {
        self.need_positives()?;
        let mut sum = 0.0;
        let mut found = 0;
        for step in self.steps() {
            let flagged = step.true_positives + step.false_positives;
            sum += (step.true_positives - found) as f64 * ratio(step.true_positives, flagged);
            found = step.true_positives;
        }
        Ok(sum / self.positives as f64)
    }

    /// The step of the largest F1, the highest threshold among equals.
    ///
    /// It is also the step of the largest IoU, since IoU = F1 / (2 - F1) rises with F1.
    pub(crate) fn best_step(&self) -> Result<Step> {
        self.need_positives()?;
        let mut best: Option<(f64, Step)> = None;
        for step in self.steps() {
            let f1 = self.f1(step);
            if best.is_none_or(|(highest, _)| f1 > highest) {
                best = Some((f1, step));
            }
        }
        best.map(|(_, step)| step).ok_or(Undefined::Empty)
    }

    /// See [`crate::f1_max`].
    pub(crate) fn f1_max(&self) -> Result<BestF1> {
        let step = self.best_step()?;
        Ok(BestF1 {
            f1: self.f1(step),
            precision: ratio(
                step.true_positives,
                step.true_positives + step.false_positives,
            ),
            recall: ratio(step.true_positives, self.positives),
            threshold: step.threshold,
        })
    }

    fn f1(&self, step: Step) -> f64 {
        ratio(
            2 * step.true_positives,
            step.true_positives + step.false_positives + self.positives,
        )
    }

    /// See [`crate::roc_curve`].
    pub(crate) fn roc_points(&self) -> Result<impl Iterator<Item = RocPoint>> {
        self.need_both()?;
        let nothing = RocPoint {
            false_positive_rate: 0.0,
            true_positive_rate: 0.0,
            threshold: f32::INFINITY,
        };
        let points = self.steps().map(|step| RocPoint {
            false_positive_rate: ratio(step.false_positives, self.negatives),
            true_positive_rate: ratio(step.true_positives, self.positives),
            threshold: step.threshold,
        });
        Ok(core::iter::once(nothing).chain(points))
    }

    /// See [`crate::precision_recall_curve`].
    pub(crate) fn precision_recall_points(
        &self,
    ) -> Result<impl Iterator<Item = PrecisionRecallPoint>> {
        self.need_positives()?;
        Ok(self.steps().map(|step| PrecisionRecallPoint {
            recall: ratio(step.true_positives, self.positives),
            precision: ratio(
                step.true_positives,
                step.true_positives + step.false_positives,
            ),
            threshold: step.threshold,
        }))
    }
}

/// Fails at the first score that is NaN or infinite.
pub(crate) fn check_finite(scores: &[f32]) -> Result<()> {
    match scores.iter().position(|score| !score.is_finite()) {
        Some(index) => Err(Undefined::NotFinite { index }),
        None => Ok(()),
    }
}

/// A ratio of two counts; the lower one must not be 0.
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zeros_of_both_signs_tie() {
        assert_eq!(pack(-0.0, 3), pack(0.0, 3));
        assert_eq!(
            Ranking::new(&[-0.0, 0.0], &[true, false])
                .unwrap()
                .groups()
                .count(),
            1
        );
    }

    #[test]
    fn extremes_and_subnormals_keep_their_order() {
        let descending = [
            f32::MAX,
            1.0,
            f32::MIN_POSITIVE,
            1e-45,
            0.0,
            -1e-45,
            -1.0,
            f32::MIN,
        ];
        for pair in descending.windows(2) {
            assert!(pack(pair[0], u32::MAX) < pack(pair[1], 0), "{pair:?}");
        }
    }

    #[test]
    fn counts_above_those_that_f32_can_hold_stay_exact() {
        // Above 2^24 an f32 counter stops counting; edge case 10 of the evaluation.
        let normal = 1_usize << 24;
        let mut items = vec![pack(0.0, NORMAL); normal + 3];
        items.push(pack(1.0, 1));
        let ranking = Ranking::from_items(items);
        assert_eq!(ranking.negatives(), (normal + 3) as u64);
        assert_eq!(
            ranking.steps().last().unwrap().false_positives,
            (normal + 3) as u64
        );
        assert_eq!(ranking.auroc(), Ok(1.0));
    }

    proptest! {
        #[test]
        fn packing_keeps_score_tag_and_order(left in -1e30_f32..1e30, right in -1e30_f32..1e30, number: u32) {
            let item = pack(left, number);
            prop_assert_eq!(score(item), left);
            prop_assert_eq!(tag(item), number);
            prop_assert_eq!(left > right, pack(left, u32::MAX) < pack(right, 0));
        }
    }
}
