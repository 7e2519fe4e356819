//! Pictures of what a detector saw: heat maps, overlays, outlines of masks, as RGB images and PNG bytes.
//!
//! The colours are matplotlib's *inferno*: perceptually uniform, its lightness rises all the way, so that it reads the same
//! in grey and to the colour-blind. The range of values that the colours span is always the caller's: one range for a whole
//! run, because a range for each image would paint a bright spot on every normal one.
//!
//! - `colours`: from values to colours
//! - `outline`: masks drawn onto pictures

mod colours;
mod outline;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage, imageops};

pub use colours::{NO_VALUE, inferno};
pub use outline::{OUTLINE, outline};

use colours::position;
use outline::shrink;

/// Why a picture could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// Values and dimensions disagree.
    #[error("{what}: expected {expected} values for {height}x{width} pixels, found {found}")]
    Size {
        /// What the values are.
        what: &'static str,
        /// How many values the dimensions ask for.
        expected: usize,
        /// How many were given.
        found: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
    /// The PNG encoder failed.
    #[error("encoding a PNG: {0}")]
    Encode(#[from] image::ImageError),
}

/// One image of a gallery as four PNG files; what a detector or dataset doesn't have is `None`.
#[derive(Clone, Debug, Default)]
pub struct Panels {
    /// The input.
    pub input: Vec<u8>,
    /// The input with its mask outlined.
    pub truth: Option<Vec<u8>>,
    /// The heat map.
    pub map: Option<Vec<u8>>,
    /// The heat map over the input.
    pub overlay: Option<Vec<u8>>,
}

/// `values` `[height, width]` as inferno colours over `range`.
///
/// # Errors
/// [`PictureError::Size`] if the number of values is not `height * width`.
pub fn heat(
    values: &[f32],
    height: usize,
    width: usize,
    range: (f32, f32),
) -> Result<RgbImage, PictureError> {
    check("heat map", values.len(), 1, height, width)?;
    Ok(paint(height, width, |index| {
        values
            .get(index)
            .map_or(NO_VALUE, |&value| inferno(position(value, range)))
    }))
}

/// `values` in [0, 1], `[3, height, width]` or `[1, height, width]`, as an image.
///
/// # Errors
/// [`PictureError::Size`] if the number of values is neither `3 * height * width` nor `height * width`.
pub fn planar(values: &[f32], height: usize, width: usize) -> Result<RgbImage, PictureError> {
    let plane = height.saturating_mul(width);
    let grey = values.len() == plane;
    if !grey {
        check("image", values.len(), 3, height, width)?;
    }
    let byte = |index: usize| {
        values
            .get(index)
            .map_or(0, |value| (value.clamp(0.0, 1.0) * 255.0).round() as u8)
    };
    Ok(paint(height, width, |index| {
        if grey {
            Rgb([byte(index); 3])
        } else {
            Rgb([byte(index), byte(index + plane), byte(index + 2 * plane)])
        }
    }))
}

/// `values`, row by row at the size of `input`, over `input`: a pixel is covered by `opacity` times its position in
/// `range`, so that what is normal stays visible as it was photographed.
///
/// # Errors
/// [`PictureError::Size`] if the number of values is not that of the input's pixels.
pub fn overlay(
    input: &RgbImage,
    values: &[f32],
    range: (f32, f32),
    opacity: f32,
) -> Result<RgbImage, PictureError> {
    let (height, width) = size(input);
    check("heat map of an overlay", values.len(), 1, height, width)?;
    let mut out = input.clone();
    for (pixel, &value) in out.pixels_mut().zip(values) {
        let place = position(value, range);
        let share = if place.is_finite() { place } else { 0.5 };
        let cover = opacity.clamp(0.0, 1.0) * share;
        let colour = inferno(place);
        for (under, over) in pixel.0.iter_mut().zip(colour.0) {
            *under = (f32::from(*under) * (1.0 - cover) + f32::from(over) * cover).round() as u8;
        }
    }
    Ok(out)
}

/// `image` made smaller so that neither side exceeds `side` (at least 1); never larger.
pub fn thumbnail(image: &RgbImage, side: u32) -> RgbImage {
    let (width, height) = thumbnail_size(image, side);
    if (width, height) == image.dimensions() {
        return image.clone();
    }
    imageops::resize(image, width, height, imageops::FilterType::Triangle)
}

/// `image` as the bytes of a PNG file.
///
/// # Errors
/// [`PictureError::Encode`] if the image has no pixels.
pub fn png(image: &RgbImage) -> Result<Vec<u8>, PictureError> {
    let mut bytes = Vec::new();
    PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive)
        .write_image(
            image.as_raw(),
            image.width(),
            image.height(),
            ExtendedColorType::Rgb8,
        )?;
    Ok(bytes)
}

/// `image` as the bytes of a JPEG file, of a quality from 1 to 100.
///
/// # Errors
/// [`PictureError::Encode`] if the image has no pixels.
pub fn jpeg(image: &RgbImage, quality: u8) -> Result<Vec<u8>, PictureError> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(image)?;
    Ok(bytes)
}

/// Draws the outline of a mask of `(height, width)` onto a picture of its image that was made smaller.
///
/// # Errors
/// [`PictureError::Size`] if the mask's length is not `height * width`.
pub fn outline_reduced(
    small: &mut RgbImage,
    mask: &[bool],
    (height, width): (usize, usize),
) -> Result<(), PictureError> {
    check("mask", mask.len(), 1, height, width)?;
    let reduced = shrink(mask, (height, width), size(small));
    outline(small, &reduced)
}

/// The four pictures of one image for a gallery, at most `side` pixels wide and high. `mask` and `map` are row by row at
/// the size of `input`; the colours of the map span `range`.
///
/// # Errors
/// [`PictureError::Size`] if mask or map is of another size, [`PictureError::Encode`] if the input has no pixels.
pub fn panels(
    input: &RgbImage,
    mask: Option<&[bool]>,
    map: Option<&[f32]>,
    range: (f32, f32),
    side: u32,
) -> Result<Panels, PictureError> {
    let (height, width) = size(input);
    let small = thumbnail(input, side);
    let mut panels = Panels {
        input: png(&small)?,
        ..Panels::default()
    };
    if let Some(mask) = mask {
        let mut truth = small.clone();
        outline_reduced(&mut truth, mask, (height, width))?;
        panels.truth = Some(png(&truth)?);
    }
    if let Some(map) = map {
        panels.map = Some(png(&thumbnail(&heat(map, height, width, range)?, side))?);
        panels.overlay = Some(png(&thumbnail(&overlay(input, map, range, 0.85)?, side))?);
    }
    Ok(panels)
}

/// Calls `colour` with the index of every pixel, row by row.
fn paint(height: usize, width: usize, colour: impl Fn(usize) -> Rgb<u8>) -> RgbImage {
    RgbImage::from_fn(width as u32, height as u32, |x, y| {
        colour(y as usize * width + x as usize)
    })
}

fn size(image: &RgbImage) -> (usize, usize) {
    (image.height() as usize, image.width() as usize)
}

fn thumbnail_size(image: &RgbImage, side: u32) -> (u32, u32) {
    let (width, height) = image.dimensions();
    let longest = width.max(height);
    if longest <= side {
        return (width, height);
    }
    let factor = f64::from(side) / f64::from(longest);
    let scaled = |length: u32| ((f64::from(length) * factor).round() as u32).max(1);
    (scaled(width), scaled(height))
}

fn check(
    what: &'static str,
    found: usize,
    channels: usize,
    height: usize,
    width: usize,
) -> Result<(), PictureError> {
    let expected = height.saturating_mul(width).saturating_mul(channels);
    if found == expected {
        Ok(())
    } else {
        Err(PictureError::Size {
            what,
            expected,
            found,
            height,
            width,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_painted_over_the_range_given_and_not_over_its_own() {
        let map = heat(&[0.0, 0.1, 0.2, 9.0], 2, 2, (0.0, 1.0)).unwrap();
        assert_eq!(*map.get_pixel(0, 0), inferno(0.0));
        assert_eq!(*map.get_pixel(0, 1), inferno(0.2));
        assert_eq!(*map.get_pixel(1, 1), inferno(1.0));
    }

    #[test]
    fn values_that_are_not_finite_and_empty_ranges_have_a_colour() {
        let map = heat(
            &[f32::NAN, f32::INFINITY, f32::NEG_INFINITY],
            1,
            3,
            (0.0, 1.0),
        )
        .unwrap();
        assert_eq!(map.as_raw()[..3], NO_VALUE.0);
        assert_eq!(*map.get_pixel(1, 0), inferno(1.0));
        assert_eq!(*map.get_pixel(2, 0), inferno(0.0));
        assert_eq!(
            (position(2.0, (2.0, 2.0)), position(3.0, (2.0, 2.0))),
            (0.0, 1.0)
        );
        assert!(position(1.0, (f32::NAN, 2.0)).is_nan());
    }

    #[test]
    fn an_overlay_leaves_normal_pixels_as_they_were() {
        let input = RgbImage::from_pixel(2, 1, Rgb([10, 200, 30]));
        let over = overlay(&input, &[0.0, 1.0], (0.0, 1.0), 1.0).unwrap();
        assert_eq!(*over.get_pixel(0, 0), Rgb([10, 200, 30]));
        assert_eq!(*over.get_pixel(1, 0), inferno(1.0));
    }

    #[test]
    fn planar_images_are_interleaved_and_clamped() {
        let image = planar(&[0.0, 1.0, 0.5, 2.0, -1.0, f32::NAN], 1, 2).unwrap();
        assert_eq!(image.as_raw(), &[0, 128, 0, 255, 255, 0]);
        assert_eq!(
            planar(&[1.0, 0.0], 1, 2).unwrap().as_raw(),
            &[255, 255, 255, 0, 0, 0]
        );
    }

    #[test]
    fn wrong_sizes_are_errors_that_name_the_numbers() {
        let error = heat(&[0.0; 3], 2, 2, (0.0, 1.0)).unwrap_err().to_string();
        assert_eq!(error, "heat map: expected 4 values for 2x2 pixels, found 3");
        assert!(planar(&[0.0; 5], 2, 1).is_err());
        assert!(panels(&RgbImage::new(2, 2), Some(&[true]), None, (0.0, 1.0), 2).is_err());
        assert!(png(&RgbImage::new(0, 0)).is_err());
    }

    #[test]
    fn panels_are_png_files_of_the_side_asked_for() {
        let input = RgbImage::from_pixel(40, 20, Rgb([9, 9, 9]));
        let (mask, map) = (vec![true; 800], vec![0.5; 800]);
        let panels = panels(&input, Some(&mask), Some(&map), (0.0, 1.0), 16).unwrap();
        for bytes in [Some(panels.input), panels.truth, panels.map, panels.overlay] {
            let image = image::load_from_memory(&bytes.unwrap()).unwrap();
            assert_eq!((image.width(), image.height()), (16, 8));
        }
    }
}
