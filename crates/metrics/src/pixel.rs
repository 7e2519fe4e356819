//! Figures of pixels: how well maps of scores find the regions of masks.

use crate::curve::thin_points;
use crate::ranking::{NORMAL, Ranking, check_finite, pack};
use crate::steps::{Ranked, ratio};
use crate::{
    BestF1, BestIou, FixedThresholdIou, PrecisionRecallPoint, ProPoint, Result, RocPoint, Undefined,
};
use crate::{pro, regions};

/// The scores of an image's pixels with its mask, both row by row; higher scores mean more
/// anomalous.
#[derive(Clone, Copy, Debug)]
pub struct PixelMap<'a> {
    scores: &'a [f32],
    mask: &'a [bool],
    ignore: Option<&'a [bool]>,
    height: usize,
    width: usize,
}

impl<'a> PixelMap<'a> {
    /// Checks and borrows a map and its mask. Height and width are in pixels; the mask is true
    /// where truly anomalous.
    ///
    /// # Errors
    ///
    /// [`Undefined::ShapeMismatch`] unless both slices have `height * width` pixels,
    /// [`Undefined::Empty`] when that is 0, and [`Undefined::NotFinite`] at a score that is NaN or
    /// infinite.
    pub fn new(scores: &'a [f32], mask: &'a [bool], height: usize, width: usize) -> Result<Self> {
        let pixels = height.checked_mul(width);
        if pixels != Some(scores.len()) || pixels != Some(mask.len()) {
            return Err(Undefined::ShapeMismatch {
                height,
                width,
                scores: scores.len(),
                mask: mask.len(),
            });
        }
        if scores.is_empty() {
            return Err(Undefined::Empty);
        }
        check_finite(scores)?;
        Ok(Self {
            scores,
            mask,
            ignore: None,
            height,
            width,
        })
    }

    /// Leaves out the pixels where `ignore` is true: they are neither normal nor anomalous, and no score of theirs counts. A region
    /// is what is connected in the whole mask; its size is that of the part that is left, and without any it is none.
    ///
    /// # Errors
    ///
    /// [`Undefined::ShapeMismatch`] unless there are as many as pixels.
    pub fn ignoring(mut self, ignore: &'a [bool]) -> Result<Self> {
        if ignore.len() != self.scores.len() {
            return Err(Undefined::ShapeMismatch {
                height: self.height,
                width: self.width,
                scores: self.scores.len(),
                mask: ignore.len(),
            });
        }
        self.ignore = Some(ignore);
        Ok(self)
    }

    /// Whether a pixel is left out.
    pub(crate) fn is_ignored(&self, pixel: usize) -> bool {
        self.ignore
            .is_some_and(|ignore| ignore.get(pixel).copied().unwrap_or(false))
    }

    /// The scores, row by row.
    pub fn scores(&self) -> &'a [f32] {
        self.scores
    }

    /// True where truly anomalous, row by row.
    pub fn mask(&self) -> &'a [bool] {
        self.mask
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }
}

/// Takes maps one at a time, so that the caller never needs to hold all of them, and becomes
/// [`PixelMetrics`].
///
/// Maps may differ in size, but each has the size of its own mask: scores are brought to the mask's
/// size beforehand, since resizing a mask instead grows or erases small defects and so changes
/// every figure. All pixels of all images, normal and anomalous, are pooled, in 10 bytes per pixel
/// or less.
#[derive(Clone, Debug)]
pub struct PixelEvaluation {
    items: Vec<u64>,
    region_sizes: Vec<u64>,
    fixed: FixedThresholdIou,
}

impl PixelEvaluation {
    /// Holds nothing yet. `fixed_threshold`, in the units of the scores, is that of the IoU at a
    /// fixed threshold, for which `score > fixed_threshold` is called anomalous; for more than one
    /// see [`FixedThresholdIou`].
    pub fn new(fixed_threshold: f32) -> Self {
        Self {
            items: Vec::new(),
            region_sizes: Vec::new(),
            fixed: FixedThresholdIou::new(fixed_threshold),
        }
    }

    /// Takes in one map; it can be dropped afterwards. The order of maps does not matter.
    ///
    /// # Errors
    ///
    /// [`Undefined::TooManyRegions`], and the map is not taken in.
    pub fn push(&mut self, map: &PixelMap<'_>) -> Result<()> {
        if map.ignore.is_some() {
            return self.push_part(map);
        }
        self.reserve(map.scores.len());
        if map.mask.contains(&true) {
            let found = regions::find(map.mask, map.width)?;
            // Regions are numbered through all maps, so those of different maps never merge.
            let before =
                u32::try_from(self.region_sizes.len()).map_err(|_| Undefined::TooManyRegions)?;
            let here = u32::try_from(found.sizes.len()).map_err(|_| Undefined::TooManyRegions)?;
            before.checked_add(here).ok_or(Undefined::TooManyRegions)?;
            let pixels = map.scores.iter().zip(found.labels);
            self.items.extend(pixels.map(|(&score, label)| match label {
                NORMAL => pack(score, NORMAL),
                label => pack(score, before + label),
            }));
            self.region_sizes.extend(found.sizes);
        } else {
            self.items
                .extend(map.scores.iter().map(|&score| pack(score, NORMAL)));
        }
        self.fixed.push(map);
        Ok(())
    }

    /// [`PixelEvaluation::push`] of a map some of whose pixels are left out.
    fn push_part(&mut self, map: &PixelMap<'_>) -> Result<()> {
        let found = regions::find(map.mask, map.width)?;
        let left = (0..map.scores.len()).filter(|&pixel| !map.is_ignored(pixel));
        let mut sizes = vec![0_u64; found.sizes.len() + 1];
        left.clone()
            .for_each(|pixel| sizes[found.labels[pixel] as usize] += 1);
        // Regions of which something is left get the next numbers.
        let mut number =
            u32::try_from(self.region_sizes.len()).map_err(|_| Undefined::TooManyRegions)?;
        let mut numbers = vec![NORMAL; sizes.len()];
        for (number_of, &size) in numbers.iter_mut().zip(&sizes).skip(1) {
            if size > 0 {
                number = number.checked_add(1).ok_or(Undefined::TooManyRegions)?;
                *number_of = number;
            }
        }
        self.reserve(left.clone().count());
        self.items.extend(
            left.map(|pixel| pack(map.scores[pixel], numbers[found.labels[pixel] as usize])),
        );
        self.region_sizes
            .extend(sizes.into_iter().skip(1).filter(|&size| size > 0));
        self.fixed.push(map);
        Ok(())
    }

    /// Makes room for more pixels. A vector's own doubling could take 16 bytes per pixel.
    fn reserve(&mut self, more: usize) {
        if self.items.capacity() - self.items.len() < more {
            self.items.reserve_exact(more.max(self.items.len() / 4));
        }
    }

    /// Sorts all pixels; every figure is then one pass over them.
    pub fn finish(self) -> PixelMetrics {
        PixelMetrics {
            ranking: Ranking::from_items(self.items),
            region_sizes: self.region_sizes,
            fixed: self.fixed,
        }
    }
}

/// The figures of all pixels of all maps pushed. All fail with [`Undefined::Empty`] when there was
/// no map.
#[derive(Debug)]
pub struct PixelMetrics {
    ranking: Ranking,
    region_sizes: Vec<u64>,
    fixed: FixedThresholdIou,
}

impl PixelMetrics {
    /// How many anomalous regions the masks hold.
    pub fn regions(&self) -> usize {
        self.region_sizes.len()
    }

    /// How many pixels are truly anomalous.
    pub fn anomalous_pixels(&self) -> u64 {
        self.ranking.positives()
    }

    /// How many pixels are truly normal, those of anomalous images included.
    pub fn normal_pixels(&self) -> u64 {
        self.ranking.negatives()
    }

    /// Area under the pixels' receiver operating characteristic; definition, range and errors as
    /// [`crate::auroc`].
    ///
    /// # Errors
    ///
    /// [`Undefined::NoPositive`], [`Undefined::NoNegative`].
    pub fn auroc(&self) -> Result<f64> {
        self.ranking.auroc()
    }

    /// Average precision of the pixels; definition, range and errors as
    /// [`crate::average_precision`].
    ///
    /// # Errors
    ///
    /// [`Undefined::NoPositive`].
    pub fn average_precision(&self) -> Result<f64> {
        self.ranking.average_precision()
    }

    /// The largest F1 of the pixels; definition, range and errors as [`crate::f1_max`].
    ///
    /// # Errors
    ///
    /// [`Undefined::NoPositive`].
    pub fn f1_max(&self) -> Result<BestF1> {
        self.ranking.f1_max()
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
        pro::area(&self.ranking, &self.region_sizes, limit)
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
        let points = pro::points(&self.ranking, &self.region_sizes)?;
        Ok(thin_points(points, self.thresholds() + 1, max_points))
    }

    /// The pixels' receiver operating characteristic as [`crate::roc_curve`], thinned as
    /// [`crate::thin`] does.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoPositive`], [`Undefined::NoNegative`].
    pub fn roc_curve(&self, max_points: usize) -> Result<Vec<RocPoint>> {
        Ok(thin_points(
            self.ranking.roc_points()?,
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
            self.ranking.precision_recall_points()?,
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
        self.ranking.need_positives()?;
        self.fixed.pooled()
    }

    /// Mean IoU of the anomalous images at the fixed threshold; see
    /// [`FixedThresholdIou::mean_over_anomalous_images`].
    ///
    /// # Errors
    ///
    /// [`Undefined::NoPositive`], [`Undefined::ThresholdNotANumber`].
    pub fn iou_mean_over_anomalous_images(&self) -> Result<f64> {
        self.ranking.need_positives()?;
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
        let step = self.ranking.best_step()?;
        let union = self.ranking.positives() + step.false_positives;
        Ok(BestIou {
            iou: ratio(step.true_positives, union),
            threshold: step.threshold,
        })
    }

    /// How many distinct scores there are.
    fn thresholds(&self) -> usize {
        self.ranking.groups().count()
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
