//! Masks: which pixels of an image are the defect.

use std::path::{Path, PathBuf};

use image::DynamicImage;
use sha2::{Digest, Sha256};

use crate::archive::npy;
use crate::dataset::hash_file;
use crate::decode::{Depth, Limits, decode, depth, image_size};
use crate::error::{Error, Result};
use crate::polygon::Polygon;
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

    /// Marks what `other` marks too; `path` names the mask where their sizes differ.
    fn add(&mut self, other: &Self, path: &Path) -> Result<()> {
        let [own, others] = [[self.height, self.width], [other.height, other.width]];
        if own != others {
            return Err(Error::MaskSize {
                path: path.to_path_buf(),
                of: path.to_path_buf(),
                image: own,
                mask: others,
            });
        }
        for (own, other) in self.pixels.iter_mut().zip(&other.pixels) {
            *own |= other;
        }
        Ok(())
    }
}

/// Where an image's mask is, and how it is read.
#[derive(Debug, Clone, PartialEq)]
pub enum MaskSource {
    /// An image file: anomalous where any of its colours is above `above`, a share of full scale.
    Image {
        /// The file.
        path: PathBuf,
        /// 0 for a mask; more for a map of how sure annotators were.
        above: f32,
    },
    /// Several image files, a region each, read as masks and laid over each other.
    Regions {
        /// The folder that they are in.
        path: PathBuf,
        /// The regions.
        files: Vec<RegionFile>,
    },
    /// Outlines that an annotation file gives.
    Shapes {
        /// The annotation file.
        path: PathBuf,
        /// `[height, width]` of the image that was annotated.
        size: [usize; 2],
        /// What is anomalous.
        polygons: Vec<Polygon>,
    },
    /// One frame of a NumPy array `[frames, height, width]`: anomalous where it isn't 0.
    Frame {
        /// The array's file.
        path: PathBuf,
        /// The frame's number, from 0.
        index: usize,
    },
}

/// One region of a mask that comes in parts.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionFile {
    /// The file.
    pub path: PathBuf,
    /// From how many of its pixels on the region counts as found whole (MVTec LOCO's saturation threshold); without it, all.
    pub saturation: Option<Saturation>,
}

/// When a region counts as found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Saturation {
    /// At so many pixels.
    Pixels(usize),
    /// At this share of its pixels.
    Share(f64),
}

/// A region of a mask, with the pixels that are enough to have found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// The region alone.
    pub mask: Mask,
    /// How many of its pixels found are as good as all: at most its area.
    pub saturation: usize,
}

impl MaskSource {
    /// A mask in an image file.
    pub fn image(path: impl Into<PathBuf>) -> Self {
        Self::Image {
            path: path.into(),
            above: 0.0,
        }
    }

    /// The file, or the folder of the files: what messages call the mask.
    pub fn path(&self) -> &Path {
        match self {
            Self::Image { path, .. }
            | Self::Regions { path, .. }
            | Self::Shapes { path, .. }
            | Self::Frame { path, .. } => path,
        }
    }

    /// The mask at its own size.
    ///
    /// # Errors
    /// As [`load_image`](crate::load_image), or [`Error::MaskSize`] for regions of several sizes.
    pub fn load(&self, limits: &Limits) -> Result<Mask> {
        match self {
            Self::Image { path, above } => load_above(path, *above, limits),
            Self::Regions { path, .. } => {
                let mut whole: Option<Mask> = None;
                for Region { mask, .. } in self.regions(limits)? {
                    match &mut whole {
                        None => whole = Some(mask),
                        Some(whole) => whole.add(&mask, path)?,
                    }
                }
                whole.ok_or_else(|| Error::EmptyFolder { path: path.clone() })
            }
            Self::Shapes { size, polygons, .. } => {
                let [height, width] = *size;
                let area = height.saturating_mul(width);
                if area as u64 > limits.max_pixels {
                    return Err(Error::TooLarge {
                        path: self.path().to_path_buf(),
                        limit: limits.max_pixels,
                        found: format!("{height} rows of {width}"),
                    });
                }
                let mut pixels = vec![false; area];
                for polygon in polygons {
                    polygon.fill(*size, &mut pixels);
                }
                Ok(Mask {
                    height,
                    width,
                    pixels,
                })
            }
            Self::Frame { path, index } => npy::frame(path, *index, limits),
        }
    }

    /// The regions that the annotators told apart, with their saturation: one for each file of [`MaskSource::Regions`], else
    /// the whole mask as one.
    ///
    /// # Errors
    /// As [`MaskSource::load`].
    pub fn regions(&self, limits: &Limits) -> Result<Vec<Region>> {
        let Self::Regions { files, .. } = self else {
            let mask = self.load(limits)?;
            let saturation = mask.area();
            return Ok(vec![Region { mask, saturation }]);
        };
        let region = |file: &RegionFile| {
            let mask = load_mask(&file.path, limits)?;
            let area = mask.area();
            let saturation = match file.saturation {
                None => area,
                Some(Saturation::Pixels(pixels)) => pixels.min(area),
                // Cut off, not rounded, as in MVTec LOCO's own evaluation.
                Some(Saturation::Share(share)) => (share.clamp(0.0, 1.0) * area as f64) as usize,
            };
            Ok(Region { mask, saturation })
        };
        files.iter().map(region).collect()
    }

    /// The mask's own size, `[height, width]`, from headers alone.
    ///
    /// # Errors
    /// As [`image_size`].
    pub fn size(&self) -> Result<[usize; 2]> {
        match self {
            Self::Image { path, .. } => image_size(path),
            Self::Regions { path, files } => match files.first() {
                Some(file) => image_size(&file.path),
                None => Err(Error::EmptyFolder { path: path.clone() }),
            },
            Self::Shapes { size, .. } => Ok(*size),
            Self::Frame { path, .. } => npy::frame_size(path),
        }
    }

    /// SHA-256 of all that the mask is made of.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) fn digest(&self) -> Result<[u8; 32]> {
        match self {
            Self::Image { path, above: 0.0 } => hash_file(path),
            Self::Image { path, above } => {
                Ok(digest_of([&hash_file(path)?[..], &above.to_le_bytes()]))
            }
            Self::Regions { files, .. } => {
                let hashes = files.iter().map(|file| hash_file(&file.path));
                let mut parts = hashes.collect::<Result<Vec<_>>>()?.concat();
                // Without one, the digest is of the files alone.
                if files.iter().any(|file| file.saturation.is_some()) {
                    for file in files {
                        let (kind, value) = match file.saturation {
                            None => (0, [0; 8]),
                            Some(Saturation::Pixels(pixels)) => (1, (pixels as u64).to_le_bytes()),
                            Some(Saturation::Share(share)) => (2, share.to_le_bytes()),
                        };
                        parts.push(kind);
                        parts.extend(value);
                    }
                }
                Ok(digest_of([&parts[..]]))
            }
            Self::Shapes { size, polygons, .. } => {
                let corners = polygons.iter().flat_map(|polygon| {
                    // A count before each, so that two polygons are not one.
                    let count = [polygon.corners.len() as f64; 2];
                    std::iter::once(count).chain(polygon.corners.iter().copied())
                });
                let size = size.map(|side| side as f64);
                let values = std::iter::once(size).chain(corners).flatten();
                let bytes: Vec<_> = values.flat_map(f64::to_le_bytes).collect();
                Ok(digest_of([&bytes[..]]))
            }
            Self::Frame { path, index } => npy::frame_digest(path, *index),
        }
    }
}

fn digest_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
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
    load_above(path, 0.0, limits)
}

/// Reads a mask: a pixel is anomalous where any of its colours is above this share of full scale.
fn load_above(path: &Path, above: f32, limits: &Limits) -> Result<Mask> {
    marked(path, decode(path, limits)?, above)
}

/// [`load_above`], and whether the mask [`is_soft`].
pub(crate) fn load_above_soft(path: &Path, above: f32, limits: &Limits) -> Result<(Mask, bool)> {
    let image = decode(path, limits)?;
    let soft = is_soft(&image);
    Ok((marked(path, image, above)?, soft))
}

fn marked(path: &Path, image: DynamicImage, above: f32) -> Result<Mask> {
    let (height, width) = (image.height() as usize, image.width() as usize);
    let pixels = match depth(&image) {
        Depth::Eight => any_above(image.into_rgb8().as_raw(), above * 255.0),
        Depth::Sixteen => any_above(image.into_rgb16().as_raw(), above * 65535.0),
        Depth::Float => {
            let image = image.into_rgb32f();
            crate::decode::require_unit_range(path, width, image.as_raw())?;
            any_above(image.as_raw(), above)
        }
    };
    Ok(Mask {
        height,
        width,
        pixels,
    })
}

/// Whether a mask holds values between 0 and its highest, as edges drawn with antialiasing do: which of its pixels are anomalous
/// is then a matter of the rule. Several kinds of defect as several numbers look the same.
fn is_soft(image: &DynamicImage) -> bool {
    let values = image.to_luma16().into_raw();
    let highest = values.iter().copied().max().unwrap_or(0);
    values.iter().any(|&value| value > 0 && value < highest)
}

fn any_above<T: Copy + Into<f32>>(rgb: &[T], above: f32) -> Vec<bool> {
    rgb.chunks_exact(3)
        .map(|pixel| pixel.iter().any(|&value| value.into() > above))
        .collect()
}

/// Requires that a test image's mask, if it has one, is of its image's size. Reads the two headers only.
///
/// # Errors
/// [`Error::MaskSize`] with both sizes, or what keeps either header from being read.
pub fn check_mask(TestSample { sample, mask }: &TestSample) -> Result<()> {
    let Some(mask) = mask else {
        return Ok(());
    };
    require_same_size(sample, mask.path(), sample.source.size()?, mask.size()?)
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
        of: sample.path().to_path_buf(),
        image,
        mask,
    })
}
