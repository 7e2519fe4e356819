//! Figures of each image's own pixels, to be averaged over images.

use super::{PixelEvaluation, PixelMap};
use crate::{Result, Undefined};

/// What one image's pixels say, each image on its own scale: a threshold that suits this image need not suit another, so
/// the means over images are above what one threshold for all could reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PerImage {
    /// AUROC of the image's pixels, in [0, 1].
    pub auroc: f64,
    /// Their average precision, in (0, 1].
    pub average_precision: f64,
    /// Their largest F1, in (0, 1].
    pub f1_max: f64,
    /// Their largest IoU, in (0, 1].
    pub iou_best: f64,
}

impl PerImage {
    /// The figures of an image that has anomalous pixels and normal ones.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoPositive`], [`Undefined::NoNegative`]; those of [`PixelEvaluation::push`].
    pub fn new(map: &PixelMap<'_>) -> Result<Self> {
        // Most images are normal: they need no more than a look.
        let mut counted = (0..map.mask().len()).filter(|&pixel| !map.is_ignored(pixel));
        if !counted.any(|pixel| map.mask()[pixel]) {
            return Err(Undefined::NoPositive);
        }
        let mut evaluation = PixelEvaluation::new(f32::INFINITY);
        evaluation.push(map)?;
        let pixels = evaluation.finish();
        Ok(Self {
            auroc: pixels.auroc()?,
            average_precision: pixels.average_precision()?,
            f1_max: pixels.f1_max()?.f1,
            iou_best: pixels.iou_best_threshold()?.iou,
        })
    }

    /// The mean of each figure over images.
    ///
    /// # Errors
    ///
    /// [`Undefined::NoPositive`] without any.
    pub fn mean(images: &[Self]) -> Result<Self> {
        if images.is_empty() {
            return Err(Undefined::NoPositive);
        }
        let mean =
            |figure: fn(&Self) -> f64| images.iter().map(figure).sum::<f64>() / images.len() as f64;
        Ok(Self {
            auroc: mean(|image| image.auroc),
            average_precision: mean(|image| image.average_precision),
            f1_max: mean(|image| image.f1_max),
            iou_best: mean(|image| image.iou_best),
        })
    }
}
