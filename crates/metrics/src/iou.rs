//! Intersection over union of the pixels called anomalous and those of the mask.
//!
//! One name, many rules; these are kept apart: the threshold is fixed beforehand or the best one,
//! and the overlap is pooled over all images or averaged over the anomalous ones. CAVGA
//! (Venkataramanan et al., ECCV 2020) fixes the threshold at 0.5 on 1 − A and does not say which of
//! the two averages it reports.

use crate::steps::ratio;
use crate::{PixelMap, Result, Undefined};

/// The largest pooled IoU over all thresholds, and where it is reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestIou {
    /// Intersection over union, in (0, 1].
    pub iou: f64,
    /// What scores at or above it (`>=`) is called anomalous. It is one of the scores given.
    pub threshold: f32,
}

/// Counts the overlap at one threshold, fixed before looking at the truth, over maps pushed one at
/// a time.
///
/// A pixel is called anomalous when its `score > threshold`, as the paper has it ("> 0.5"); all
/// other figures of this crate use `>=`, since their thresholds are scores. Memory does not grow
/// with the maps.
#[derive(Clone, Copy, Debug)]
pub struct FixedThresholdIou {
    threshold: f32,
    intersection: u64,
    union: u64,
    anomalous_images: u64,
    sum_over_anomalous_images: f64,
}

impl FixedThresholdIou {
    /// Counts nothing yet. The threshold is in the units of the scores.
    pub fn new(threshold: f32) -> Self {
        Self {
            threshold,
            intersection: 0,
            union: 0,
            anomalous_images: 0,
            sum_over_anomalous_images: 0.0,
        }
    }

    /// The threshold.
    pub(crate) fn threshold(&self) -> f32 {
        self.threshold
    }

    /// Counts what another one of the same threshold counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.merge_times(other, 1);
    }

    /// [`Self::merge`], so many times over.
    pub(crate) fn merge_times(&mut self, other: &Self, times: u32) {
        self.intersection += u64::from(times) * other.intersection;
        self.union += u64::from(times) * other.union;
        self.anomalous_images += u64::from(times) * other.anomalous_images;
        self.sum_over_anomalous_images += f64::from(times) * other.sum_over_anomalous_images;
    }

    /// Counts one map.
    pub fn push(&mut self, map: &PixelMap<'_>) {
        let (mut intersection, mut union, mut positives) = (0_u64, 0_u64, 0_u64);
        for (pixel, (&score, &positive)) in map.scores().iter().zip(map.mask()).enumerate() {
            if map.is_ignored(pixel) {
                continue;
            }
            let called = score > self.threshold;
            intersection += u64::from(called && positive);
            union += u64::from(called || positive);
            positives += u64::from(positive);
        }
        self.intersection += intersection;
        self.union += union;
        if positives > 0 {
            self.anomalous_images += 1;
            self.sum_over_anomalous_images += ratio(intersection, union);
        }
    }

    /// IoU of the pixels of all images taken together, in [0, 1]. False alarms in normal images
    /// lower it.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoPositive`]: no mask has an anomalous pixel.
    /// [`Undefined::ThresholdNotANumber`].
    pub fn pooled(&self) -> Result<f64> {
        self.check()?;
        Ok(ratio(self.intersection, self.union))
    }

    /// Mean IoU of the images whose mask has an anomalous pixel, each weighing the same, in [0, 1].
    ///
    /// False alarms in normal images don't show in it.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoPositive`]: there is no such image. [`Undefined::ThresholdNotANumber`].
    pub fn mean_over_anomalous_images(&self) -> Result<f64> {
        self.check()?;
        Ok(self.sum_over_anomalous_images / self.anomalous_images as f64)
    }

    fn check(&self) -> Result<()> {
        if self.threshold.is_nan() {
            Err(Undefined::ThresholdNotANumber)
        } else if self.anomalous_images == 0 {
            Err(Undefined::NoPositive)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(threshold: f32, maps: &[(&[f32], &[bool])]) -> FixedThresholdIou {
        let mut iou = FixedThresholdIou::new(threshold);
        for (scores, mask) in maps {
            iou.push(&PixelMap::new(scores, mask, 1, scores.len()).unwrap());
        }
        iou
    }

    #[test]
    fn a_score_at_the_threshold_is_normal() {
        // `>`, not `>=`; edge case 3 of the evaluation.
        let iou = pushed(0.5, &[(&[0.5, 0.6, 0.5], &[true, true, false])]);
        assert_eq!(iou.pooled(), Ok(0.5));
    }

    #[test]
    fn pooled_and_mean_differ_and_only_pooled_sees_normal_images() {
        let anomalous: (&[f32], &[bool]) = (&[1.0, 1.0, 0.0, 0.0], &[true, false, false, false]);
        let found: (&[f32], &[bool]) = (&[1.0], &[true]);
        let normal: (&[f32], &[bool]) = (&[1.0, 1.0, 0.0], &[false, false, false]);
        let iou = pushed(0.5, &[anomalous, found, normal]);
        assert_eq!(iou.pooled(), Ok(2.0 / 5.0));
        assert_eq!(iou.mean_over_anomalous_images(), Ok((0.5 + 1.0) / 2.0));
    }

    #[test]
    fn nothing_called_gives_zero_not_undefined() {
        let iou = pushed(2.0, &[(&[1.0, 0.0], &[true, false])]);
        assert_eq!(iou.pooled(), Ok(0.0));
        assert_eq!(iou.mean_over_anomalous_images(), Ok(0.0));
    }

    #[test]
    fn without_an_anomalous_pixel_it_is_undefined() {
        let iou = pushed(0.5, &[(&[1.0, 0.0], &[false, false])]);
        assert_eq!(iou.pooled(), Err(Undefined::NoPositive));
        assert_eq!(iou.mean_over_anomalous_images(), Err(Undefined::NoPositive));
    }

    #[test]
    fn a_threshold_that_is_not_a_number_is_refused() {
        let iou = pushed(f32::NAN, &[(&[1.0], &[true])]);
        assert_eq!(iou.pooled(), Err(Undefined::ThresholdNotANumber));
    }
}
