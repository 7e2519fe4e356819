//! Masks: which pixels of an image are the defect.

use std::path::Path;

use crate::decode::{Depth, Limits, decode, depth, image_size};
use crate::error::{Error, Result};
use crate::sample::{Sample, TestSample};

/// Which pixels are anomalous, `pixels[row * width + column]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// `height * width` values.
    pub pixels: Vec<bool>,
}

impl Mask {
    /// How many pixels are anomalous.
    pub fn area(&self) -> usize {
        self.pixels.iter().filter(|&&marked| marked).count()
    }
}

/// Reads a mask at its own size: a pixel is anomalous where any of its colours is above 0.
///
/// Above 0, not above the middle: MVTec AD writes 0 and 255, but other sets write 0 and 1 or a number per kind of
/// defect, which a threshold in the middle would read as "no defect" without a word. Save masks without loss (PNG):
/// a JPEG's ringing is above 0 too. Alpha does not count.
///
/// # Errors
/// As [`load_image`](crate::load_image).
pub fn load_mask(path: &Path, limits: &Limits) -> Result<Mask> {
    let image = decode(path, limits)?;
    let (height, width) = (image.height() as usize, image.width() as usize);
    let pixels = match depth(&image) {
        Depth::Eight => any_above_zero(image.into_rgb8().as_raw()),
        Depth::Sixteen => any_above_zero(image.into_rgb16().as_raw()),
        Depth::Float => {
            let image = image.into_rgb32f();
            crate::decode::require_unit_range(path, width, image.as_raw())?;
            any_above_zero(image.as_raw())
        }
    };
    Ok(Mask {
        height,
        width,
        pixels,
    })
}

fn any_above_zero<T: PartialOrd + Default>(rgb: &[T]) -> Vec<bool> {
    rgb.chunks_exact(3)
        .map(|pixel| pixel.iter().any(|value| *value > T::default()))
        .collect()
}

/// Requires that a test image's mask, if it has one, is of its image's size. Reads the two headers only.
///
/// # Errors
/// [`Error::MaskSize`] with both sizes, or what keeps either header from being read.
pub fn check_mask(TestSample { sample, mask }: &TestSample) -> Result<()> {
    let Some(path) = mask else {
        return Ok(());
    };
    require_same_size(sample, path, image_size(&sample.path)?, image_size(path)?)
}

pub(crate) fn require_same_size(
    sample: &Sample,
    path: &Path,
    image: [usize; 2],
    mask: [usize; 2],
) -> Result<()> {
    if image == mask {
        return Ok(());
    }
    Err(Error::MaskSize {
        path: path.to_path_buf(),
        of: sample.path.clone(),
        image,
        mask,
    })
}
