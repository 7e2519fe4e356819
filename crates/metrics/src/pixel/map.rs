//! One image's scores beside its truth.

use crate::ranking::check_finite;
use crate::{Result, Undefined};

/// The scores of an image's pixels with its mask, both row by row; higher scores mean more
/// anomalous.
#[derive(Clone, Copy, Debug)]
pub struct PixelMap<'a> {
    scores: &'a [f32],
    mask: &'a [bool],
    ignore: Option<&'a [bool]>,
    defects: &'a [Defect<'a>],
    height: usize,
    width: usize,
}

/// A defect as annotators marked it, for the saturated per-region overlap (sPRO) of MVTec LOCO AD.
#[derive(Clone, Copy, Debug)]
pub struct Defect<'a> {
    /// Its pixels, row by row, at the map's size; they need not be connected, and may be another defect's too.
    pub mask: &'a [bool],
    /// From how many of its pixels on it counts as found whole, at least 1; its area, or more, for plain overlap.
    pub saturation: usize,
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
            defects: &[],
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
            return Err(self.misfit(ignore.len()));
        }
        self.ignore = Some(ignore);
        Ok(self)
    }

    /// Says of which defects the mask consists, for [`crate::PixelMetrics::auspro`]. Other figures don't look at them.
    ///
    /// # Errors
    ///
    /// [`Undefined::ShapeMismatch`] unless each has as many pixels as the map.
    pub fn with_defects(mut self, defects: &'a [Defect<'a>]) -> Result<Self> {
        let misfit = defects
            .iter()
            .find(|defect| defect.mask.len() != self.scores.len());
        if let Some(defect) = misfit {
            return Err(self.misfit(defect.mask.len()));
        }
        self.defects = defects;
        Ok(self)
    }

    fn misfit(&self, found: usize) -> Undefined {
        Undefined::ShapeMismatch {
            height: self.height,
            width: self.width,
            scores: self.scores.len(),
            mask: found,
        }
    }

    /// Whether a pixel is left out.
    pub(crate) fn is_ignored(&self, pixel: usize) -> bool {
        self.ignore
            .is_some_and(|ignore| ignore.get(pixel).copied().unwrap_or(false))
    }

    /// The defects of the mask, if they were told.
    pub(crate) fn defects(&self) -> &'a [Defect<'a>] {
        self.defects
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
