//! The per-image overlap (PIMO) curve and the area under it.
//!
//! Bertoldo et al., "AUPIMO: Redefining Visual Anomaly Detection Benchmarks with High Speed and Low Tolerance",
//! BMVC 2024. Its false-positive rate looks at normal images alone, at rates that a factory could live with, on a
//! logarithmic scale.

use super::{PixelMetrics, place};
use crate::ranking::ties;
use crate::{Result, Undefined};

/// The false-positive rates between which AUPIMO is reported, by its authors.
pub const AUPIMO_LIMITS: (f64, f64) = (1e-5, 1e-4);

impl PixelMetrics {
    /// Area under the per-image overlap curve of each anomalous image, in the order in which they were pushed, in [0, 1].
    ///
    /// At every threshold: the share of the image's anomalous pixels with `score >= threshold`, against the mean over the
    /// normal images of the share of their pixels with `score >= threshold`, on a logarithmic scale between the two limits,
    /// divided by its width there. An image is normal if no pixel of its mask is anomalous. The curve is a staircase, as
    /// nothing lies between two scores, and its area exact; the authors' program approximates it by trapezoids over
    /// 300,000 thresholds.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoRegion`]: no mask is anomalous anywhere. [`Undefined::NoNormalImage`].
    /// [`Undefined::LimitOutOfRange`] unless 0 < lower < upper <= 1.
    pub fn aupimo(&self, (lower, upper): (f64, f64)) -> Result<Vec<f64>> {
        crate::steps::check_limit(upper)?;
        // Written so that NaN fails too.
        if !(lower > 0.0 && lower < upper) {
            return Err(Undefined::LimitOutOfRange { limit: lower });
        }
        if self.regions.is_empty() {
            return Err(if self.normal.total() == 0 {
                Undefined::Empty
            } else {
                Undefined::NoRegion
            });
        }
        let images = self.normal.images().images();
        if images == 0 {
            return Err(Undefined::NoNormalImage);
        }
        let mut cursors = self.normal.images().cursors();
        let count = self
            .regions
            .last()
            .map_or(0, |region| region.image as usize + 1);
        let (mut areas, mut sizes) = (vec![0.0; count], vec![0_u64; count]);
        for region in &self.regions {
            sizes[region.image as usize] += region.size;
        }
        for (key, group) in ties(&self.anomalous) {
            let end = u64::from(key) + 1;
            // The rate at which these pixels are found.
            let shares = cursors
                .iter_mut()
                .map(|(pixels, cursor)| cursor.below(end) as f64 / *pixels as f64);
            let rate = shares.sum::<f64>() / images as f64;
            if rate >= upper {
                break;
            }
            let part = ((upper / rate.max(lower)).ln() / (upper / lower).ln()).min(1.0);
            for &item in group {
                areas[self.regions[place(item)].image as usize] += part;
            }
        }
        let pairs = areas.into_iter().zip(sizes);
        Ok(pairs
            .map(|(area, size)| (area / size as f64).min(1.0))
            .collect())
    }
}
