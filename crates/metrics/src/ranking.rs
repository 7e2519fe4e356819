//! Scores sorted once, from which every exact curve is read in one pass.
//!
//! A scored item is packed in 8 bytes: the score in the upper half, turned into an integer that
//! ascends as the score descends, and a tag in the lower half, 0 for a normal item and anything
//! else for an anomalous one (for pixels, the number of the region). Integers need no comparison
//! function to sort, and a packed item needs no second array to be permuted with it.

use crate::steps::{Ranked, Step};
use crate::{Result, Undefined};

/// The tag of a normal item.
pub(crate) const NORMAL: u32 = 0;

/// Packs a score and its tag. The score must be finite.
pub(crate) fn pack(score: f32, tag: u32) -> u64 {
    (u64::from(key_of(score)) << 32) | u64::from(tag)
}

/// An integer that ascends as the score descends. The score must be finite.
pub(crate) fn key_of(score: f32) -> u32 {
    // Adding 0.0 turns -0.0 into 0.0 and changes nothing else: the two must tie.
    reverse_order((score + 0.0).to_bits())
}

/// Sorted items of equal score together, each group with its key.
pub(crate) fn ties(items: &[u64]) -> impl Iterator<Item = (u32, &[u64])> {
    let groups = items.chunk_by(|left, right| left >> 32 == right >> 32);
    groups.map(|group| ((group[0] >> 32) as u32, group))
}

/// The score of a key.
pub(crate) fn score_of(key: u32) -> f32 {
    f32::from_bits(reverse_order(key))
}

/// The tag of a packed item.
pub(crate) fn tag(item: u64) -> u32 {
    // The lower half is what is wanted.
    item as u32
}

/// The score of a packed item.
#[cfg(test)]
fn score(item: u64) -> f32 {
    score_of((item >> 32) as u32)
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

    /// Items of equal score together, from the highest score to the lowest, each group with its
    /// score.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (f32, &[u64])> {
        ties(&self.items).map(|(key, group)| (score_of(key), group))
    }
}

impl Ranked for Ranking {
    fn positives(&self) -> u64 {
        self.positives
    }

    fn negatives(&self) -> u64 {
        self.negatives
    }

    /// All distinct scores.
    fn steps(&self) -> impl Iterator<Item = Step> {
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
}

/// Fails at the first score that is NaN or infinite.
pub(crate) fn check_finite(scores: &[f32]) -> Result<()> {
    match scores.iter().position(|score| !score.is_finite()) {
        Some(index) => Err(Undefined::NotFinite { index }),
        None => Ok(()),
    }
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
