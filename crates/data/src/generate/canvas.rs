//! An 8 bit RGB picture in the making.

use std::path::Path;

use image::{ExtendedColorType, ImageError, ImageFormat};

use crate::decode::Image;
use crate::error::{Error, Result};

/// Red, green and blue, 1 is full; painters may leave [0, 1], which is clamped at the end.
pub(super) type Rgb = [f64; 3];

/// An interleaved 8 bit picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Canvas {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) rgb: Vec<u8>,
}

impl Canvas {
    /// Paints every pixel with the mean of 2 x 2 points in it, so that edges are smooth. The painter gets (x, y) in
    /// pixels.
    pub(super) fn paint(size: [usize; 2], painter: impl Fn(f64, f64) -> Rgb) -> Self {
        let [height, width] = size;
        let mut rgb = Vec::with_capacity(height * width * 3);
        for row in 0..height {
            for column in 0..width {
                let mut sum = [0.0; 3];
                for (dx, dy) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
                    let colour = painter(column as f64 + dx, row as f64 + dy);
                    sum = [sum[0] + colour[0], sum[1] + colour[1], sum[2] + colour[2]];
                }
                rgb.extend(sum.map(|value| level(value / 4.0)));
            }
        }
        Self { height, width, rgb }
    }

    /// The colour of a pixel.
    pub(super) fn at(&self, row: usize, column: usize) -> Rgb {
        let start = (row * self.width + column) * 3;
        [0, 1, 2].map(|channel| f64::from(self.rgb[start + channel]) / 255.0)
    }

    pub(super) fn to_image(&self) -> Image {
        let plane = |channel| {
            self.rgb
                .iter()
                .skip(channel)
                .step_by(3)
                .map(|&value| f32::from(value) / 255.0)
        };
        let pixels = (0..3).flat_map(plane).collect();
        Image {
            height: self.height,
            width: self.width,
            pixels,
        }
    }
}

/// A value of [0, 1] as one of 256 levels.
pub(super) fn level(value: f64) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0).round() as u8
}

/// Between two colours: `a` at 0, `b` at 1.
pub(super) fn blend(a: Rgb, b: Rgb, t: f64) -> Rgb {
    [0, 1, 2].map(|channel| a[channel] + (b[channel] - a[channel]) * t)
}

/// A colour made lighter or darker.
pub(super) fn shade(colour: Rgb, by: f64) -> Rgb {
    colour.map(|value| value * by)
}

pub(super) fn write_png(
    path: &Path,
    bytes: &[u8],
    size: [usize; 2],
    colour: ExtendedColorType,
) -> Result<()> {
    let [height, width] = size.map(|side| side as u32);
    image::save_buffer_with_format(path, bytes, width, height, colour, ImageFormat::Png).map_err(
        |error| {
            let source = match error {
                ImageError::IoError(source) => source,
                other => std::io::Error::other(other),
            };
            Error::Write {
                path: path.to_path_buf(),
                source,
            }
        },
    )
}
