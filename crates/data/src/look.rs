//! What one image is like, to a person who looks a dataset over before training: brightness, contrast, sharpness, what the
//! file holds, by what to tell its copies, and a small picture of it.
//!
//! Figures are of the image's grey levels at 8 bits (Rec. 601: 0.299 red, 0.587 green, 0.114 blue), as a share of full scale.

use std::path::Path;

use image::{DynamicImage, GrayImage, RgbImage};

use crate::alike::Likeness;
use crate::decode::{Depth, Limits, depth, is_turned, require_unit_range, resize};
use crate::error::Result;
use crate::leak::pixel_digest;
use crate::source::ImageSource;

/// The longer side of the picture that sharpness is measured on: near what detectors look at, so that a large photograph
/// with noise in each pixel is not called sharper than a small one.
const SHARPNESS_SIDE: usize = 256;

/// What one image is like.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// `[height, width]`, upright.
    pub size: [usize; 2],
    /// Whether the file has colours; else grey alone.
    pub colour: bool,
    /// Whether the file has transparency, which is not looked at.
    pub alpha: bool,
    /// Bits of a value: 8, 16 or 32 (floating point).
    pub bits: u8,
    /// Whether its EXIF data say that it lies on its side or head, or is mirrored; it is turned upright wherever it is read.
    pub turned: bool,
    /// Mean grey, in [0, 1].
    pub brightness: f64,
    /// Standard deviation of grey, in [0, 0.5].
    pub contrast: f64,
    /// The share of its pixels that are as dark as can be.
    pub black: f64,
    /// The share of its pixels that are as bright as can be: nothing is to be seen in them.
    pub white: f64,
    /// Standard deviation of the Laplacian at a size of 256 pixels; low where it is out of focus.
    pub sharpness: f64,
    /// SHA-256 of the file, or of the record.
    pub bytes: [u8; 32],
    /// SHA-256 of size, depth and RGB values: the same for one image in two files.
    pub pixels: [u8; 32],
    /// By what to find images that look like it.
    pub likeness: Likeness,
    /// A small picture of it, where one was asked for.
    pub small: Option<Small>,
}

/// A small picture: 8 bit RGB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Small {
    /// Rows.
    pub height: u32,
    /// Columns.
    pub width: u32,
    /// `[height, width, 3]`.
    pub pixels: Vec<u8>,
}

impl ImageSource {
    /// Decodes the image and says what it is like; with `side`, also a picture of it whose longer side is at most so many
    /// pixels.
    ///
    /// # Errors
    /// As [`load_image`](crate::load_image).
    pub fn look(&self, side: Option<u32>, limits: &Limits) -> Result<Look> {
        let path = self.path();
        let image = self.decode(limits)?;
        let colour = image.color();
        let size = [image.height() as usize, image.width() as usize];
        let pixels = pixel_digest(&image);
        let rgb = eight_bits(path, image)?;
        let (grey, levels) = grey(&rgb);
        let moments = Moments::of(&levels);
        let reduced = reduce(path, DynamicImage::ImageLuma8(grey), SHARPNESS_SIDE)?.into_luma8();
        let sharpness = sharpness(&reduced);
        let likeness = Likeness::of(path, reduced, [moments.mean, moments.deviation])?;
        let small = side
            .map(|side| reduce(path, DynamicImage::ImageRgb8(rgb), side as usize))
            .transpose()?;
        let values = u16::from(colour.channel_count()).max(1);
        Ok(Look {
            size,
            colour: colour.has_color(),
            alpha: colour.has_alpha(),
            bits: u8::try_from(colour.bits_per_pixel() / values).unwrap_or(u8::MAX),
            turned: matches!(self, Self::File(path) if is_turned(path)?),
            brightness: moments.mean,
            contrast: moments.deviation,
            black: moments.share(0),
            white: moments.share(255),
            sharpness,
            bytes: self.digest()?,
            pixels,
            likeness,
            small: small.map(|image| small_of(image.into_rgb8())),
        })
    }

    /// A picture of the image whose longer side is at most `side` pixels; never larger than the image.
    ///
    /// # Errors
    /// As [`load_image`](crate::load_image).
    pub fn small(&self, side: u32, limits: &Limits) -> Result<Small> {
        let rgb = eight_bits(self.path(), self.decode(limits)?)?;
        let image = reduce(self.path(), DynamicImage::ImageRgb8(rgb), side as usize)?;
        Ok(small_of(image.into_rgb8()))
    }
}

fn small_of(image: RgbImage) -> Small {
    Small {
        height: image.height(),
        width: image.width(),
        pixels: image.into_raw(),
    }
}

/// The image at 8 bits.
fn eight_bits(path: &Path, image: DynamicImage) -> Result<RgbImage> {
    if let Depth::Float = depth(&image) {
        require_unit_range(path, image.width() as usize, image.to_rgb32f().as_raw())?;
    }
    Ok(image.into_rgb8())
}

/// The grey image, and how many of its pixels have which level.
fn grey(rgb: &RgbImage) -> (GrayImage, [u64; 256]) {
    let mut levels = [0; 256];
    let mut grey = GrayImage::new(rgb.width(), rgb.height());
    for (grey, rgb) in grey.pixels_mut().zip(rgb.pixels()) {
        let [red, green, blue] = rgb.0.map(u32::from);
        let level = ((299 * red + 587 * green + 114 * blue + 500) / 1000) as u8;
        grey.0 = [level];
        levels[usize::from(level)] += 1;
    }
    (grey, levels)
}

struct Moments<'a> {
    levels: &'a [u64; 256],
    pixels: f64,
    mean: f64,
    deviation: f64,
}

impl<'a> Moments<'a> {
    fn of(levels: &'a [u64; 256]) -> Self {
        let all = || {
            (0_u8..=255)
                .map(|level| f64::from(level) / 255.0)
                .zip(levels)
        };
        let pixels = levels.iter().sum::<u64>().max(1) as f64;
        let mean = all().map(|(level, &n)| level * n as f64).sum::<f64>() / pixels;
        let square = |level: f64| (level - mean) * (level - mean);
        let variance = all()
            .map(|(level, &n)| square(level) * n as f64)
            .sum::<f64>()
            / pixels;
        Self {
            levels,
            pixels,
            mean,
            deviation: variance.sqrt(),
        }
    }

    fn share(&self, level: u8) -> f64 {
        self.levels[usize::from(level)] as f64 / self.pixels
    }
}

/// The image made smaller so that its longer side is at most `side`, at least 1.
fn reduce(path: &Path, image: DynamicImage, side: usize) -> Result<DynamicImage> {
    let (height, width) = (image.height() as usize, image.width() as usize);
    let longest = height.max(width);
    if longest <= side {
        return Ok(image);
    }
    let scaled = |length: usize| {
        (length as f64 * side as f64 / longest as f64)
            .round()
            .max(1.0) as usize
    };
    resize(path, image, Some([scaled(height), scaled(width)]))
}

/// Standard deviation of the Laplacian of neighbours in four directions, as a share of full scale; 0 without an inside.
fn sharpness(grey: &GrayImage) -> f64 {
    let width = grey.width() as usize;
    let rows: Vec<&[u8]> = grey.as_raw().chunks_exact(width.max(1)).collect();
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for rows in rows.windows(3) {
        let [above, row, below] = rows else { continue };
        let inside = above.iter().zip(below.iter()).skip(1);
        for (three, (&above, &below)) in row.windows(3).zip(inside) {
            let [left, centre, right] = three else {
                continue;
            };
            let around = [above, below, *left, *right].map(f64::from);
            let value = (around.iter().sum::<f64>() - 4.0 * f64::from(*centre)) / 255.0;
            n += 1.0;
            sum += value;
            squares += value * value;
        }
    }
    let mean = sum / f64::max(n, 1.0);
    (squares / f64::max(n, 1.0) - mean * mean).max(0.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn look_at(image: &DynamicImage, name: &str, side: Option<u32>) -> Look {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        image.save(&path).unwrap();
        let source = ImageSource::from(path);
        source.look(side, &Limits::default()).unwrap()
    }

    #[test]
    fn figures_of_an_image_half_black_half_white() {
        let half = |x| if x < 30 { Rgb([0; 3]) } else { Rgb([255; 3]) };
        let image = DynamicImage::ImageRgb8(RgbImage::from_fn(60, 40, |x, _| half(x)));
        let look = look_at(&image, "a.png", Some(20));
        assert_eq!(look.size, [40, 60]);
        assert_eq!(
            (look.colour, look.alpha, look.bits, look.turned),
            (true, false, 8, false)
        );
        for figure in [look.brightness, look.contrast, look.black, look.white] {
            assert!((figure - 0.5).abs() < 1e-12, "{figure}");
        }
        let small = look.small.unwrap();
        assert_eq!(
            (small.height, small.width, small.pixels.len()),
            (13, 20, 780)
        );
        let flat = DynamicImage::ImageRgb8(RgbImage::from_pixel(60, 40, Rgb([9; 3])));
        assert!(look.sharpness > 0.05 && look_at(&flat, "b.png", None).sharpness == 0.0);
    }

    #[test]
    fn one_image_in_two_formats_has_other_bytes_and_the_same_pixels() {
        let image = GrayImage::from_fn(31, 17, |x, y| image::Luma([(x * 7 + y) as u8]));
        let image = DynamicImage::ImageLuma8(image);
        let (png, bmp) = (
            look_at(&image, "a.png", None),
            look_at(&image, "a.bmp", None),
        );
        assert!(png.bytes != bmp.bytes && png.pixels == bmp.pixels);
        assert!(!png.colour);
        let deep = look_at(&DynamicImage::ImageLuma16(image.to_luma16()), "a.png", None);
        assert_eq!(deep.bits, 16);
        assert_eq!(deep.brightness, png.brightness);
    }

    #[test]
    fn an_image_of_one_pixel_has_figures() {
        let image = DynamicImage::ImageRgb8(RgbImage::from_pixel(1, 1, Rgb([255; 3])));
        let look = look_at(&image, "a.png", Some(64));
        assert_eq!((look.white, look.contrast, look.sharpness), (1.0, 0.0, 0.0));
        assert_eq!(look.small.unwrap().pixels, [255; 3]);
    }
}
