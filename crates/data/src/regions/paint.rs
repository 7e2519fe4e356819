//! Painting over what doesn't count, in a decoded image at its own size: before it is resized, which would mix it into what counts.

use image::{DynamicImage, Pixel};

use crate::decode::{Depth, depth};
use crate::valid::{PAINT, Valid};

/// The image with every pixel that doesn't count painted; as it is if `valid` is of another size.
pub(crate) fn paint(image: DynamicImage, valid: &Valid) -> DynamicImage {
    if valid.size != [image.height() as usize, image.width() as usize] {
        return image;
    }
    match depth(&image) {
        Depth::Eight => {
            let mut image = image.into_rgb8();
            over(image.pixels_mut(), valid, [128; 3].into());
            DynamicImage::ImageRgb8(image)
        }
        Depth::Sixteen => {
            let mut image = image.into_rgb16();
            // 128 of 255, exactly.
            over(image.pixels_mut(), valid, [128 * 257; 3].into());
            DynamicImage::ImageRgb16(image)
        }
        Depth::Float => {
            let mut image = image.into_rgb32f();
            over(image.pixels_mut(), valid, [PAINT; 3].into());
            DynamicImage::ImageRgb32F(image)
        }
    }
}

fn over<'p, P: Pixel + 'p>(pixels: impl Iterator<Item = &'p mut P>, valid: &Valid, paint: P) {
    for (pixel, counts) in pixels.zip(&valid.pixels) {
        if !counts {
            *pixel = paint;
        }
    }
}
