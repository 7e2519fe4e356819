//! What pooled pixels say.

use super::walk::{AllSteps, Corners};
use super::{Normal, PixelEvaluation, Region, Saturated};
use crate::curve::thin_points;
use crate::iou::FixedThresholdIou;
use crate::overlap::Overlap;
use crate::steps::{AtAlarmRate, Ranked, mcclish, ratio};
use crate::{BestF1, BestIou, PrecisionRecallPoint, ProPoint, Result, RocPoint, Undefined};

/// The figures of all pixels of all maps pushed. All fail with [`Undefined::Empty`] when there was
/// no map.
#[derive(Debug)]
pub struct PixelMetrics {
    /// Sorted; the tag is the place of the pixel's region in `regions`.
    pub(super) anomalous: Vec<u64>,
    /// Normal pixels of all images.
    pub(super) normal: Normal,
    pub(super) regions: Vec<Region>,
    saturated: Saturated,
    images: u32,
    pub(super) fixed: FixedThresholdIou,
}

/// A third of the regions, by their size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeClass {
    /// Not larger than the largest of the smallest third.
    Small,
    /// What lies between.
    Medium,
    /// Larger than the largest of the two smaller thirds.
    Large,
}

impl PixelMetrics {
    pub(super) fn new(evaluation: PixelEvaluation) -> Self {
        let PixelEvaluation {
            mut anomalous,
            around,
            normal,
            regions,
            mut saturated,
            images,
            fixed,
        } = evaluation;
        anomalous.sort_unstable();
        saturated.items.sort_unstable();
        Self {
            anomalous,
            normal: Normal::new(around, normal),
            regions,
            saturated,
            images,
            fixed,
        }
    }

    /// How many anomalous regions the masks hold.
    pub fn regions(&self) -> usize {
        self.regions.len()
    }

    /// How many pixels are truly anomalous.
    pub fn anomalous_pixels(&self) -> u64 {
        self.anomalous.len() as u64
    }

    /// How many pixels are truly normal, those of anomalous images included.
    pub fn normal_pixels(&self) -> u64 {
        self.normal.total()
    }

    /// Area under the pixels' receiver operating characteristic; definition, range and errors as
    /// [`crate::auroc`].
    ///
    /// # Errors
    ///
    /// [`Undefined::NoPositive`], [`Undefined::NoNegative`].
    pub fn auroc(&self) -> Result<f64> {
        Corners(self).auroc()
    }

    /// Average precision of the pixels; definition, range and errors as
    /// [`crate::average_precision`].
    ///
    /// # Errors
    ///
    /// [`Undefined::NoPositive`].
    pub fn average_precision(&self) -> Result<f64> {
        Corners(self).average_precision()
    }

    /// The largest F1 of the pixels; definition, range and errors as [`crate::f1_max`].
    ///
    /// # Errors
    ///
    /// [`Undefined::NoPositive`].
    pub fn f1_max(&self) -> Result<BestF1> {
        Corners(self).f1_max()
    }

    /// Area under the per-region overlap curve up to a false-positive rate, divided by that limit,
    /// in [0, 1].
    ///
    /// The curve is that of [`PixelMetrics::pro_curve`], straight between its points and cut where
    /// it crosses the limit, and runs over every distinct score. This is the definition of MVTec
    /// AD's evaluation program (Bergmann et al., IJCV 2021); [`crate::AUPRO_LIMIT`] is the limit
    /// that most papers use. A perfect map gives 1; a constant map gives `limit / 2`, 0.15 at the
    /// usual limit.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoRegion`]: no mask is anomalous anywhere. [`Undefined::NoNegative`]: no pixel
    /// is normal. [`Undefined::LimitOutOfRange`] unless the limit is above 0 and at most 1.
    pub fn aupro(&self, limit: f64) -> Result<f64> {
        self.overlap(&self.shares(|_| true)).area(limit)
    }

    /// [`PixelMetrics::aupro`] as MVTec 3D-AD's evaluation has it, which others took over under the same name: at 100 scores of
    /// normal pixels, equidistant in rank, above which (`>`) pixels are called anomalous, the false-positive rate read off the rank.
    ///
    /// It is another number. Ties count as if the normal pixels among them were told apart at will, and a constant map gives
    /// (nearly) 0 instead of `limit / 2`.
    ///
    /// # Errors
    ///
    /// As [`PixelMetrics::aupro`].
    pub fn aupro_100_ranks(&self, limit: f64) -> Result<f64> {
        self.overlap(&self.shares(|_| true)).area_by_ranks(limit)
    }

    /// [`PixelMetrics::aupro`] of the regions of one size alone, against the same normal pixels.
    ///
    /// # Errors
    ///
    /// As [`PixelMetrics::aupro`]; [`Undefined::NoRegion`] also where no region is of that size.
    pub fn aupro_of_size(&self, limit: f64, class: SizeClass) -> Result<f64> {
        let [small, medium] = self.size_limits();
        let shares = self.shares(|size| match class {
            SizeClass::Small => size <= small,
            SizeClass::Medium => size > small && size <= medium,
            SizeClass::Large => size > medium,
        });
        self.overlap(&shares).area(limit)
    }

    /// Pixels of the largest region of the smallest third and of the two smaller thirds: of n regions by size, of the ⌈n / 3⌉-th
    /// and the ⌈2n / 3⌉-th. Regions of one size are in one [`SizeClass`]. 0 without regions.
    pub fn size_limits(&self) -> [u64; 2] {
        let mut sizes: Vec<_> = self.regions.iter().map(|region| region.size).collect();
        sizes.sort_unstable();
        let at = |third: usize| {
            let place = (third * sizes.len()).div_ceil(3).saturating_sub(1);
            sizes.get(place).copied().unwrap_or(0)
        };
        [at(1), at(2)]
    }

    /// Area under the saturated per-region overlap curve up to a false-positive rate, divided by that limit, in [0, 1]: the
    /// measure of MVTec LOCO AD (Bergmann et al., IJCV 2022), reported up to 0.05 there.
    ///
    /// As [`PixelMetrics::aupro`], with the defects of [`PixelMap::with_defects`](crate::PixelMap::with_defects) in the regions' place, and of each
    /// the share min(found / saturation, 1).
    ///
    /// # Errors
    ///
    /// As [`PixelMetrics::aupro`]; [`Undefined::NoDefects`] unless every anomalous map came with its defects.
    pub fn auspro(&self, limit: f64) -> Result<f64> {
        crate::steps::check_limit(limit)?;
        if self.saturated.images < self.images {
            return Err(Undefined::NoDefects);
        }
        let Saturated { items, shares, .. } = &self.saturated;
        Overlap {
            items,
            shares,
            normal: &self.normal,
        }
        .area(limit)
    }

    /// Area under the pixels' receiver operating characteristic up to a false-positive rate; as [`crate::auroc_to`].
    ///
    /// # Errors
    ///
    /// As [`crate::auroc_to`].
    pub fn auroc_to(&self, limit: f64) -> Result<f64> {
        Corners(self).auroc_to(limit)
    }

    /// [`PixelMetrics::auroc_to`] on McClish's scale; as [`crate::auroc_to_mcclish`].
    ///
    /// # Errors
    ///
    /// As [`crate::auroc_to`].
    pub fn auroc_to_mcclish(&self, limit: f64) -> Result<f64> {
        Ok(mcclish(self.auroc_to(limit)?, limit))
    }

    /// Recall and precision of the pixels at a chosen alarm rate; as [`crate::at_alarm_rate`].
    ///
    /// # Errors
    ///
    /// As [`crate::at_alarm_rate`].
    pub fn at_alarm_rate(&self, limit: f64) -> Result<AtAlarmRate> {
        AllSteps(self).at_alarm_rate(limit)
    }

    /// Per-region overlap at the fixed threshold: the mean over all regions of the share of the region with
    /// `score > threshold`, in [0, 1].
    ///
    /// # Errors
    ///
    /// [`Undefined::NoRegion`], [`Undefined::NoNegative`], [`Undefined::ThresholdNotANumber`].
    pub fn pro_at_fixed(&self) -> Result<f64> {
        self.overlap(&self.shares(|_| true))
            .above(self.fixed.threshold())
    }

    /// The per-region overlap curve, thinned to `max_points` for drawing as [`crate::thin`] does.
    ///
    /// At every threshold: the mean over all regions (8-connected sets of anomalous pixels, never
    /// across maps) of the share of the region with `score >= threshold`, against the share of all
    /// normal pixels, those of anomalous images included, with `score >= threshold`. It starts at
    /// (0, 0) and ends at (1, 1).
    ///
    /// # Errors
    ///
    /// [`Undefined::NoRegion`], [`Undefined::NoNegative`].
    pub fn pro_curve(&self, max_points: usize) -> Result<Vec<ProPoint>> {
        let shares = self.shares(|_| true);
        let overlap = self.overlap(&shares);
        Ok(thin_points(
            overlap.points()?,
            self.thresholds() + 1,
            max_points,
        ))
    }

    /// The pixels' receiver operating characteristic as [`crate::roc_curve`], thinned as
    /// [`crate::thin`] does.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoPositive`], [`Undefined::NoNegative`].
    pub fn roc_curve(&self, max_points: usize) -> Result<Vec<RocPoint>> {
        Ok(thin_points(
            AllSteps(self).roc_points()?,
            self.thresholds() + 1,
            max_points,
        ))
    }

    /// The pixels' precision-recall curve as [`crate::precision_recall_curve`], thinned as
    /// [`crate::thin`] does.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoPositive`].
    pub fn precision_recall_curve(&self, max_points: usize) -> Result<Vec<PrecisionRecallPoint>> {
        Ok(thin_points(
            AllSteps(self).precision_recall_points()?,
            self.thresholds(),
            max_points,
        ))
    }

    /// IoU of all pixels of all images taken together at the fixed threshold; see
    /// [`FixedThresholdIou::pooled`].
    ///
    /// # Errors
    ///
    /// [`Undefined::NoPositive`], [`Undefined::ThresholdNotANumber`].
    pub fn iou_pooled(&self) -> Result<f64> {
        Corners(self).need_positives()?;
        self.fixed.pooled()
    }

    /// Mean IoU of the anomalous images at the fixed threshold; see
    /// [`FixedThresholdIou::mean_over_anomalous_images`].
    ///
    /// # Errors
    ///
    /// [`Undefined::NoPositive`], [`Undefined::ThresholdNotANumber`].
    pub fn iou_mean_over_anomalous_images(&self) -> Result<f64> {
        Corners(self).need_positives()?;
        self.fixed.mean_over_anomalous_images()
    }

    /// The largest pooled IoU over all distinct scores as thresholds, where `score >= threshold` is
    /// called anomalous.
    ///
    /// The threshold is chosen by looking at the masks, so the figure is optimistic. It is the
    /// threshold of [`PixelMetrics::f1_max`] too, as IoU = F1 / (2 − F1). Of equals the highest is
    /// taken.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoPositive`].
    pub fn iou_best_threshold(&self) -> Result<BestIou> {
        let step = Corners(self).best_step()?;
        let union = self.anomalous_pixels() + step.false_positives;
        Ok(BestIou {
            iou: ratio(step.true_positives, union),
            threshold: step.threshold,
        })
    }

    /// How many distinct scores there are.
    fn thresholds(&self) -> usize {
        AllSteps(self).steps().count()
    }

    /// What a pixel of each region adds to its overlap, 0 of those that are not `wanted`.
    fn shares(&self, wanted: impl Fn(u64) -> bool) -> Vec<f64> {
        let share = |size: u64| if wanted(size) { 1.0 / size as f64 } else { 0.0 };
        self.regions
            .iter()
            .map(|region| share(region.size))
            .collect()
    }

    fn overlap<'a>(&'a self, shares: &'a [f64]) -> Overlap<'a> {
        Overlap {
            items: &self.anomalous,
            shares,
            normal: &self.normal,
        }
    }
}
