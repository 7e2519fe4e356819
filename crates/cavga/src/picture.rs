//! Pictures of what a detector saw: heat maps, overlays, outlines of masks, as RGB images and PNG bytes.
//!
//! The colours are matplotlib's *inferno*: perceptually uniform, its lightness rises all the way, so that it reads the same
//! in grey and to the colour-blind. It is evaluated as a polynomial of degree 6 (a published fit, within 6 of 255 of the
//! table) instead of 256 rows of numbers. The range of values that the colours span is always the caller's: one range for a
//! whole run, because a range for each image would paint a bright spot on every normal one.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage, imageops};

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

/// The colour of what has no finite value: a grey that the colour map doesn't contain.
pub const NO_VALUE: Rgb<u8> = Rgb([128, 128, 128]);

/// The colour of a mask's outline: a cyan that stands out from photographs and from inferno alike.
pub const OUTLINE: Rgb<u8> = Rgb([0, 229, 255]);

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

/// Inferno at `position` in [0, 1] (clamped; not finite gives [`NO_VALUE`]).
pub fn inferno(position: f32) -> Rgb<u8> {
    const COEFFICIENTS: [[f32; 3]; 7] = [
        [0.000_218_94, 0.001_651_0, -0.019_480_9],
        [0.106_513_42, 0.563_956_44, 3.932_712_4],
        [11.602_493, -3.972_854, -15.942_394],
        [-41.703_996, 17.436_4, 44.354_145],
        [77.162_94, -33.402_36, -81.807_31],
        [-71.319_43, 32.626_064, 73.209_52],
        [25.131_126, -12.242_669, -23.070_325],
    ];
    if !position.is_finite() {
        return NO_VALUE;
    }
    let t = position.clamp(0.0, 1.0);
    let channel = |index: usize| {
        let value = COEFFICIENTS
            .iter()
            .rev()
            .fold(0.0, |sum, term| sum * t + term[index]);
        (value.clamp(0.0, 1.0) * 255.0).round() as u8
    };
    Rgb([channel(0), channel(1), channel(2)])
}

/// Where `value` lies in `range`, clamped to [0, 1]; NaN where value or range is NaN. An empty range is a step at its end.
fn position(value: f32, (low, high): (f32, f32)) -> f32 {
    if value.is_nan() || low.is_nan() || high.is_nan() {
        f32::NAN
    } else if value >= high {
        if value > low { 1.0 } else { 0.0 }
    } else if value <= low {
        0.0
    } else {
        ((value - low) / (high - low)).clamp(0.0, 1.0)
    }
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

/// Draws a line around `mask`, row by row at the size of `image`, onto `image`: two pixels of [`OUTLINE`] and a dark one,
/// so that it shows on light and dark alike, all outside the mask so that what it marks stays visible. Only where the
/// mask reaches the image's border does the line run on the mask itself.
///
/// # Errors
/// [`PictureError::Size`] if the mask's length is not the number of the image's pixels.
pub fn outline(image: &mut RgbImage, mask: &[bool]) -> Result<(), PictureError> {
    let (height, width) = size(image);
    check("mask", mask.len(), 1, height, width)?;
    // Chessboard distance to the mask, up to 3: what a square of that radius around each of its pixels covers.
    let mut distance = vec![u8::MAX; mask.len()];
    for (index, _) in mask.iter().enumerate().filter(|&(_, &set)| set) {
        let (y, x) = (index / width, index % width);
        for near_y in y.saturating_sub(3)..(y + 4).min(height) {
            for near_x in x.saturating_sub(3)..(x + 4).min(width) {
                let apart = y.abs_diff(near_y).max(x.abs_diff(near_x)) as u8;
                if let Some(least) = distance.get_mut(near_y * width + near_x) {
                    *least = apart.min(*least);
                }
            }
        }
    }
    for ((x, y, pixel), apart) in image.enumerate_pixels_mut().zip(distance) {
        let (x, y) = (x as usize, y as usize);
        let border = x == 0 || y == 0 || x + 1 == width || y + 1 == height;
        match apart {
            0 if border => *pixel = OUTLINE,
            1 | 2 => *pixel = OUTLINE,
            3 => *pixel = Rgb([0, 40, 48]),
            _ => {}
        }
    }
    Ok(())
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
        check("mask", mask.len(), 1, height, width)?;
        let mut truth = small.clone();
        outline(&mut truth, &shrink(mask, (height, width), size(&small)))?;
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

/// A smaller mask in which no region is lost: a pixel is set if any pixel below it was.
fn shrink(mask: &[bool], from: (usize, usize), to: (usize, usize)) -> Vec<bool> {
    let mut small = vec![false; to.0 * to.1];
    for (index, _) in mask.iter().enumerate().filter(|&(_, &set)| set) {
        let (y, x) = (index / from.1, index % from.1);
        if let Some(pixel) = small.get_mut(y * to.0 / from.0 * to.1 + x * to.1 / from.1) {
            *pixel = true;
        }
    }
    small
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
    fn inferno_agrees_with_the_published_table() {
        let table = [
            (0.0, [0, 0, 4]),
            (0.25, [87, 16, 110]),
            (0.5, [188, 55, 84]),
            (0.75, [249, 142, 9]),
            (1.0, [252, 255, 164]),
        ];
        for (position, expected) in table {
            for (found, expected) in inferno(position).0.into_iter().zip(expected) {
                assert!(
                    i32::from(found).abs_diff(expected) <= 6,
                    "{position}: {:?}",
                    inferno(position)
                );
            }
        }
    }

    #[test]
    fn lightness_rises_all_the_way() {
        let luma = |step: u32| {
            let Rgb([r, g, b]) = inferno(step as f32 / 64.0);
            0.2126 * f32::from(r) + 0.7152 * f32::from(g) + 0.0722 * f32::from(b)
        };
        assert!((1..=64).all(|step| luma(step) > luma(step - 1)));
    }

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
    fn an_outline_runs_around_the_mask_and_not_over_it() {
        let mut image = RgbImage::from_pixel(9, 9, Rgb([7, 7, 7]));
        let mut mask = vec![false; 81];
        mask[4 * 9 + 4] = true;
        outline(&mut image, &mask).unwrap();
        assert_eq!(*image.get_pixel(4, 4), Rgb([7, 7, 7]));
        assert_eq!(
            (*image.get_pixel(5, 4), *image.get_pixel(6, 6)),
            (OUTLINE, OUTLINE)
        );
        assert_eq!(*image.get_pixel(8, 8), Rgb([7, 7, 7]));
        outline(&mut image, &[true; 81]).unwrap();
        assert_eq!(
            (*image.get_pixel(0, 4), *image.get_pixel(4, 4)),
            (OUTLINE, Rgb([7, 7, 7]))
        );
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
    fn a_defect_of_one_pixel_survives_the_thumbnail() {
        let mut mask = vec![false; 100 * 50];
        mask[37 * 100 + 61] = true;
        let small = shrink(&mask, (50, 100), (5, 10));
        assert_eq!(small.iter().filter(|&&set| set).count(), 1);
        assert!(small[3 * 10 + 6]);
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
