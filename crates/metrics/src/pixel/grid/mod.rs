//! Pixel figures of resamples of the images.
//!
//! Sorting all pixels a thousand times over would take hours. Instead each image's pixels are counted once
//! between some thousand thresholds, chosen where the pooled curves move; a resample is then a weighted sum of
//! the images' counts. Only the resamples see this grid: figures themselves stay exact, and how far the grid is
//! from them is what [`PixelResampler::weighted`] of weights that are all 1 shows (below 10⁻³).

use super::{PixelMap, PixelMetrics, place};
use crate::iou::FixedThresholdIou;
use crate::ranking::{NORMAL, key_of, score_of, ties};
use crate::steps::{BestF1, Ranked, Step, area_to, check_limit, ratio};
use crate::{Result, Undefined, regions};

/// How far any curve may move from one threshold to the next.
const STRIDE: f64 = 1.0 / 1024.0;

/// Thresholds between which pixels are counted.
#[derive(Clone, Debug)]
pub struct PixelGrid {
    /// The lowest score of each bin, as an ascending key; the last is that of the lowest score there could be.
    ends: Vec<u32>,
    fixed_threshold: f32,
}

/// An image's pixels, counted on a grid.
#[derive(Clone, Debug)]
pub struct ImagePixels {
    normal: Vec<u32>,
    /// Empty for a normal image, as is `overlap`.
    anomalous: Vec<u32>,
    /// Sum over its regions of the share of the region that lies in each bin.
    overlap: Vec<f64>,
    regions: u64,
    fixed: FixedThresholdIou,
}

impl PixelMetrics {
    /// Thresholds that follow the curves of these pixels closely.
    pub fn grid(&self) -> PixelGrid {
        let mut ends = Vec::new();
        let [normal, anomalous, regions] = [
            self.normal_pixels(),
            self.anomalous_pixels(),
            self.regions() as u64,
        ]
        .map(|count| count.max(1) as f64);
        let mut cursor = self.normal.cursor();
        let (mut found, mut overlap) = (0_u64, 0.0);
        let mut kept = [0.0; 3];
        for (key, group) in ties(&self.anomalous) {
            found += group.len() as u64;
            overlap += group
                .iter()
                .map(|&item| 1.0 / self.regions[place(item)].size as f64)
                .sum::<f64>();
            let rate = cursor.below(u64::from(key) + 1) as f64 / normal;
            // Areas are mostly asked for at low rates.
            let rate = rate.min(0.3) / 0.3 + rate;
            let now = [rate, found as f64 / anomalous, overlap / regions];
            if now.iter().zip(kept).any(|(now, kept)| now - kept >= STRIDE) {
                // What ties with these pixels stays by itself.
                ends.extend(key.checked_sub(1));
                ends.push(key);
                kept = now;
            }
        }
        ends.push(u32::MAX);
        ends.dedup();
        PixelGrid {
            ends,
            fixed_threshold: self.fixed.threshold(),
        }
    }
}

impl PixelGrid {
    /// Counts the pixels of one of the images.
    ///
    /// # Errors
    ///
    /// [`Undefined::TooManyRegions`].
    pub fn count(&self, map: &PixelMap<'_>) -> Result<ImagePixels> {
        let mut counted = (0..map.mask().len()).filter(|&pixel| !map.is_ignored(pixel));
        let is_anomalous = counted.any(|pixel| map.mask()[pixel]);
        let bins = self.ends.len();
        let of_anomalous = if is_anomalous { bins } else { 0 };
        let mut fixed = FixedThresholdIou::new(self.fixed_threshold);
        fixed.push(map);
        let mut image = ImagePixels {
            normal: vec![0; bins],
            anomalous: vec![0; of_anomalous],
            overlap: vec![0.0; of_anomalous],
            regions: 0,
            fixed,
        };
        let found = match is_anomalous {
            true => regions::find(map.mask(), map.width())?,
            false => regions::Regions::default(),
        };
        let labels = |pixel: usize| found.labels.get(pixel).copied().unwrap_or(NORMAL);
        let counted = || (0..map.scores().len()).filter(|&pixel| !map.is_ignored(pixel));
        let mut sizes = vec![0_u64; found.sizes.len() + 1];
        counted().for_each(|pixel| sizes[labels(pixel) as usize] += 1);
        image.regions = sizes.iter().skip(1).filter(|&&size| size > 0).count() as u64;
        for pixel in counted() {
            let key = key_of(map.scores()[pixel]);
            let bin = self.ends.partition_point(|&end| end < key);
            match labels(pixel) {
                NORMAL => image.normal[bin] += 1,
                label => {
                    image.anomalous[bin] += 1;
                    image.overlap[bin] += 1.0 / sizes[label as usize] as f64;
                }
            }
        }
        Ok(image)
    }
}

/// The pixels of all images on one grid, to be weighted again and again.
#[derive(Clone, Debug)]
pub struct PixelResampler {
    grid: PixelGrid,
    images: Vec<ImagePixels>,
}

impl PixelResampler {
    /// Takes the images as they were counted on this grid, in the order of the weights to come.
    pub fn new(grid: PixelGrid, images: Vec<ImagePixels>) -> Self {
        Self { grid, images }
    }

    /// The pixels of a resample: how often each image stands in it.
    ///
    /// # Errors
    ///
    /// [`Undefined::LengthMismatch`] unless there is a weight for each image.
    pub fn weighted(&self, weights: &[u32]) -> Result<WeightedPixels> {
        if weights.len() != self.images.len() {
            return Err(Undefined::LengthMismatch {
                scores: weights.len(),
                labels: self.images.len(),
            });
        }
        let bins = self.grid.ends.len();
        let (mut normal, mut anomalous) = (vec![0_u64; bins], vec![0_u64; bins]);
        let mut overlap = vec![0.0; bins];
        let mut regions = 0;
        let mut fixed = FixedThresholdIou::new(self.grid.fixed_threshold);
        for (image, &weight) in self
            .images
            .iter()
            .zip(weights)
            .filter(|(_, weight)| **weight > 0)
        {
            let times =
                |(sum, &count): (&mut u64, &u32)| *sum += u64::from(weight) * u64::from(count);
            normal.iter_mut().zip(&image.normal).for_each(times);
            anomalous.iter_mut().zip(&image.anomalous).for_each(times);
            let pairs = overlap.iter_mut().zip(&image.overlap);
            pairs.for_each(|(sum, share)| *sum += f64::from(weight) * share);
            regions += u64::from(weight) * image.regions;
            fixed.merge_times(&image.fixed, weight);
        }
        Ok(WeightedPixels {
            positives: anomalous.iter().sum(),
            negatives: normal.iter().sum(),
            ends: self.grid.ends.clone(),
            normal,
            anomalous,
            overlap,
            regions,
            fixed,
        })
    }
}

/// The pixels of a resample; every figure is one walk along the grid.
#[derive(Clone, Debug)]
pub struct WeightedPixels {
    ends: Vec<u32>,
    normal: Vec<u64>,
    anomalous: Vec<u64>,
    overlap: Vec<f64>,
    positives: u64,
    negatives: u64,
    regions: u64,
    fixed: FixedThresholdIou,
}

impl Ranked for WeightedPixels {
    fn positives(&self) -> u64 {
        self.positives
    }

    fn negatives(&self) -> u64 {
        self.negatives
    }

    fn steps(&self) -> impl Iterator<Item = Step> {
        let (mut true_positives, mut false_positives) = (0, 0);
        let counts = self.anomalous.iter().zip(&self.normal);
        self.ends
            .iter()
            .zip(counts)
            .map(move |(&end, (anomalous, normal))| {
                true_positives += anomalous;
                false_positives += normal;
                Step {
                    threshold: score_of(end),
                    true_positives,
                    false_positives,
                }
            })
    }
}

impl WeightedPixels {
    /// As [`PixelMetrics::auroc`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn auroc(&self) -> Result<f64> {
        Ranked::auroc(self)
    }

    /// As [`PixelMetrics::average_precision`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn average_precision(&self) -> Result<f64> {
        Ranked::average_precision(self)
    }

    /// As [`PixelMetrics::f1_max`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn f1_max(&self) -> Result<BestF1> {
        Ranked::f1_max(self)
    }

    /// As [`PixelMetrics::iou_best_threshold`], without the threshold.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn iou_best(&self) -> Result<f64> {
        let f1 = Ranked::f1_max(self)?.f1;
        Ok(f1 / (2.0 - f1))
    }

    /// As [`PixelMetrics::aupro`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn aupro(&self, limit: f64) -> Result<f64> {
        check_limit(limit)?;
        if self.regions == 0 {
            return Err(if self.negatives == 0 {
                Undefined::Empty
            } else {
                Undefined::NoRegion
            });
        }
        self.need_both()?;
        let mut sum = 0.0;
        let points = self.steps().zip(&self.overlap).map(|(step, share)| {
            sum += share;
            let overlap = (sum / self.regions as f64).min(1.0);
            (ratio(step.false_positives, self.negatives), overlap)
        });
        Ok(area_to(points, limit))
    }

    /// As [`PixelMetrics::iou_pooled`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn iou_pooled(&self) -> Result<f64> {
        self.need_positives()?;
        self.fixed.pooled()
    }

    /// As [`PixelMetrics::iou_mean_over_anomalous_images`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn iou_mean_over_anomalous_images(&self) -> Result<f64> {
        self.need_positives()?;
        self.fixed.mean_over_anomalous_images()
    }
}

#[cfg(test)]
mod tests;
