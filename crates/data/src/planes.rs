//! From a decoded image to planes of floats at the size that is wanted.
//!
//! What is grey stays one plane until the end and is resized once: the sums are those of three equal channels, so the
//! bits are too (`tests/bits.rs`).

use std::path::Path;

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::DynamicImage;

use crate::decode::{Depth, Image, depth, require_unit_range};
use crate::error::{Error, Result};

/// What 8 bit values are in [0, 1].
const BYTES: [f32; 256] = {
    let mut table = [0.0; 256];
    let mut value = 0;
    while value < 256 {
        table[value] = value as f32 / 255.0;
        value += 1;
    }
    table
};

/// Resizes and makes planar floats of what was decoded.
pub(crate) fn to_image(
    path: &Path,
    image: DynamicImage,
    size: Option<[usize; 2]>,
) -> Result<Image> {
    let grey = !image.color().has_color();
    // Alpha goes before the resizing, which would weigh colours with it.
    let image = match (depth(&image), grey) {
        (Depth::Eight, true) => DynamicImage::ImageLuma8(image.into_luma8()),
        (Depth::Eight, false) => DynamicImage::ImageRgb8(image.into_rgb8()),
        (Depth::Sixteen, true) => DynamicImage::ImageLuma16(image.into_luma16()),
        (Depth::Sixteen, false) => DynamicImage::ImageRgb16(image.into_rgb16()),
        (Depth::Float, _) => {
            let image = image.into_rgb32f();
            require_unit_range(path, image.width() as usize, image.as_raw())?;
            DynamicImage::ImageRgb32F(image)
        }
    };
    let image = resize(path, image, size)?;
    let [height, width] = [image.height() as usize, image.width() as usize];
    let byte = |value: u8| BYTES[usize::from(value)];
    let word = |value: u16| f32::from(value) / 65535.0;
    // Interpolating may round past the ends by one unit in the last place.
    let float = |value: f32| value.clamp(0.0, 1.0);
    let pixels = match image {
        DynamicImage::ImageLuma8(image) => tripled(&image, byte),
        DynamicImage::ImageRgb8(image) => planar(&image, byte),
        DynamicImage::ImageLuma16(image) => tripled(&image, word),
        DynamicImage::ImageRgb16(image) => planar(&image, word),
        image => planar(&image.into_rgb32f(), float),
    };
    Ok(Image {
        height,
        width,
        pixels,
    })
}

pub(crate) fn resize(
    path: &Path,
    image: DynamicImage,
    size: Option<[usize; 2]>,
) -> Result<DynamicImage> {
    let Some([height, width]) =
        size.filter(|&size| size != [image.height() as usize, image.width() as usize])
    else {
        return Ok(image);
    };
    let side = |side: usize| {
        u32::try_from(side)
            .ok()
            .filter(|side| (1..=1 << 16).contains(side))
    };
    let (Some(height), Some(width)) = (side(height), side(width)) else {
        let found = format!("{height} x {width}");
        return Err(Error::Setting {
            key: "size",
            expected: "a height and a width of 1 to 65536",
            found,
        });
    };
    let mut resized = DynamicImage::new(width, height, image.color());
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    Resizer::new()
        .resize(&image, &mut resized, &options)
        .map_err(|error| Error::Undecodable {
            path: path.to_path_buf(),
            found: error.to_string(),
        })?;
    Ok(resized)
}

/// The three planes of interleaved colours.
fn planar<T: Copy>(interleaved: &[T], value: impl Fn(T) -> f32) -> Vec<f32> {
    let (pixels, _) = interleaved.as_chunks::<3>();
    let mut planes = Vec::with_capacity(interleaved.len());
    planes.extend(pixels.iter().map(|&[red, _, _]| value(red)));
    planes.extend(pixels.iter().map(|&[_, green, _]| value(green)));
    planes.extend(pixels.iter().map(|&[_, _, blue]| value(blue)));
    planes
}

/// Three planes of one.
fn tripled<T: Copy>(grey: &[T], value: impl Fn(T) -> f32) -> Vec<f32> {
    let mut planes = Vec::with_capacity(grey.len().saturating_mul(3));
    planes.extend(grey.iter().map(|&one| value(one)));
    planes.extend_from_within(..);
    planes.extend_from_within(..grey.len());
    planes
}
