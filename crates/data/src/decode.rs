//! One image file into numbers: by its content, within limits, turned upright, at full precision.
//!
//! 8 and 16 bit images are resized as integers of their own depth, as PIL does, so that a network sees here what it saw
//! where its weights were made; and integer sums are the same on every processor, which float sums are not.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::fit::Fit;

/// What a file may at most be before it is refused unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Pixels (height times width) of one image. A small file can claim any size, and memory for all of it is taken
    /// before its first pixel is read. The default, 200 million, is above what today's cameras give (about 1.2 GB as
    /// 16 bit RGB); a whole-slide scan needs more.
    pub max_pixels: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_pixels: 200_000_000,
        }
    }
}

/// An image in memory: **planar** RGB, `pixels[(channel * height + row) * width + column]` in [0, 1], which is the
/// layout `[3, height, width]` of a tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// `3 * height * width` values.
    pub pixels: Vec<f32>,
}

/// Reads an image, and resizes it to `size` (height, width) where one is given.
///
/// PNG, JPEG, BMP, TIFF, PNM and WebP, told apart by content; 8 and 16 bit and (TIFF) float within [0, 1]; grey becomes
/// three equal channels, palettes their colours. The EXIF orientation is applied. Alpha is dropped: under it are the
/// colours the camera saw, while laying the image over an invented background would add edges that look like defects.
/// Resizing is antialiased bilinear and doesn't keep the aspect ratio.
///
/// # Errors
/// A file that is missing, empty, no image, cut short, over the limit, or holds NaN, infinities or values outside [0, 1].
pub fn load_image(path: &Path, size: Option<[usize; 2]>, limits: &Limits) -> Result<Image> {
    to_image(path, decode(path, limits)?, size)
}

/// Reads an image and brings it to `size` (height, width) as `fit` says; else as [`load_image`].
///
/// # Errors
/// As [`load_image`].
pub fn load_fitted(path: &Path, size: [usize; 2], fit: Fit, limits: &Limits) -> Result<Image> {
    to_image(path, fit.cut(decode(path, limits)?, size), Some(size))
}

/// The size of an image as [`load_image`] would give it, `[height, width]`, from the file's header alone.
///
/// # Errors
/// A file that is missing, empty, or has no header of an image.
pub fn image_size(path: &Path) -> Result<[usize; 2]> {
    let mut decoder = open(
        path,
        &Limits {
            max_pixels: u64::MAX,
        },
    )?
    .1;
    let (width, height) = decoder.dimensions();
    let turned = match orientation(&mut decoder) {
        Orientation::Rotate90
        | Orientation::Rotate270
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => true,
        Orientation::NoTransforms
        | Orientation::Rotate180
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical => false,
    };
    let size = [height as usize, width as usize];
    Ok(if turned { [size[1], size[0]] } else { size })
}

/// Whether an image's EXIF data say that it is to be turned or mirrored, from the file's header alone.
pub(crate) fn is_turned(path: &Path) -> Result<bool> {
    let limits = Limits {
        max_pixels: u64::MAX,
    };
    let upright = orientation(&mut open(path, &limits)?.1);
    Ok(upright != Orientation::NoTransforms)
}

/// Decodes a file and turns it upright.
pub(crate) fn decode(path: &Path, limits: &Limits) -> Result<DynamicImage> {
    // Decoders are other people's code fed with any bytes: a panic in one is a broken file, not the end of a training.
    catch_unwind(AssertUnwindSafe(|| decode_unguarded(path, limits))).unwrap_or_else(|_| {
        Err(Error::Undecodable {
            path: path.to_path_buf(),
            found: "its decoder gave up".into(),
        })
    })
}

fn decode_unguarded(path: &Path, limits: &Limits) -> Result<DynamicImage> {
    let (format, mut decoder) = open(path, limits)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        let found = format!(
            "{} ({height} rows of {width})",
            u64::from(width) * u64::from(height)
        );
        return Err(Error::TooLarge {
            path: path.to_path_buf(),
            limit: limits.max_pixels,
            found,
        });
    }
    if width == 0 || height == 0 {
        return Err(Error::Undecodable {
            path: path.to_path_buf(),
            found: "an image without pixels".into(),
        });
    }
    let upright = orientation(&mut decoder);
    let mut image =
        DynamicImage::from_decoder(decoder).map_err(|error| refuse(path, format, limits, error))?;
    if format == ImageFormat::Jpeg {
        require_jpeg_end(path)?;
    }
    image.apply_orientation(upright);
    Ok(image)
}

/// Reads a file's header. Memory that decoders take beyond the pixels is bounded in step with `limits`.
fn open(path: &Path, limits: &Limits) -> Result<(ImageFormat, impl ImageDecoder)> {
    let file = File::open(path).map_err(Error::read(path))?;
    if file.metadata().map_err(Error::read(path))?.len() == 0 {
        return Err(Error::EmptyFile {
            path: path.to_path_buf(),
        });
    }
    let mut reader = ImageReader::new(BufReader::new(file))
        .with_guessed_format()
        .map_err(Error::read(path))?;
    let format = reader.format().ok_or_else(|| Error::NotAnImage {
        path: path.to_path_buf(),
    })?;
    if !format.reading_enabled() {
        return Err(Error::NotAnImage {
            path: path.to_path_buf(),
        });
    }
    // 16 bytes hold the largest pixel (RGBA of floats); the rest is for tables, profiles and rows.
    let mut decoding = image::Limits::no_limits();
    decoding.max_alloc = Some(
        limits
            .max_pixels
            .saturating_mul(16)
            .saturating_add(64 << 20),
    );
    reader.limits(decoding);
    let decoder = reader
        .into_decoder()
        .map_err(|error| refuse(path, format, limits, error))?;
    Ok((format, decoder))
}

/// How the image is to be turned. Broken EXIF data leaves it as it is, as viewers do: the pixels are still good.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    decoder.orientation().unwrap_or(Orientation::NoTransforms)
}

/// Says what a decoder's error means for the file.
fn refuse(path: &Path, format: ImageFormat, limits: &Limits, error: ImageError) -> Error {
    let path = path.to_path_buf();
    match error {
        ImageError::Limits(_) => Error::TooLarge {
            path,
            limit: limits.max_pixels,
            found: "more memory needed than so many take".into(),
        },
        error if ends_early(&error) => Error::Truncated {
            path,
            format: format!("{format:?}").to_uppercase(),
        },
        ImageError::IoError(source) => Error::Read { path, source },
        error => Error::Undecodable {
            path,
            found: error.to_string(),
        },
    }
}

/// Whether an unexpected end of the file is anywhere in an error's chain of causes.
fn ends_early(error: &ImageError) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error
            .downcast_ref::<io::Error>()
            .is_some_and(|e| e.kind() == io::ErrorKind::UnexpectedEof)
        {
            return true;
        }
        cause = error.source();
    }
    // Some decoders wrap the cause in text only.
    let text = error.to_string().to_lowercase();
    text.contains("unexpected end")
        || text.contains("unexpected eof")
        || text.contains("failed to fill whole buffer")
}

/// A JPEG cut short decodes without an error, its missing part grey, which a detector would call a defect. Its pixels end
/// with the marker FF D9, and FF never stands before D9 or DA inside them, so one D9 must follow the last DA.
fn require_jpeg_end(path: &Path) -> Result<()> {
    let bytes = fs::read(path).map_err(Error::read(path))?;
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xFF, marker]);
    if last(0xD9) > last(0xDA) {
        return Ok(());
    }
    Err(Error::Truncated {
        path: path.to_path_buf(),
        format: "JPEG".into(),
    })
}

/// Resizes and makes planar floats of what was decoded.
pub(crate) fn to_image(
    path: &Path,
    image: DynamicImage,
    size: Option<[usize; 2]>,
) -> Result<Image> {
    match depth(&image) {
        Depth::Eight => {
            let image = resize(path, DynamicImage::ImageRgb8(image.into_rgb8()), size)?.into_rgb8();
            let [height, width] = [image.height() as usize, image.width() as usize];
            Ok(planar(height, width, image.as_raw(), |value| {
                f32::from(value) / 255.0
            }))
        }
        Depth::Sixteen => {
            let image =
                resize(path, DynamicImage::ImageRgb16(image.into_rgb16()), size)?.into_rgb16();
            let [height, width] = [image.height() as usize, image.width() as usize];
            Ok(planar(height, width, image.as_raw(), |value| {
                f32::from(value) / 65535.0
            }))
        }
        Depth::Float => {
            let image = image.into_rgb32f();
            require_unit_range(path, image.width() as usize, image.as_raw())?;
            let image = resize(path, DynamicImage::ImageRgb32F(image), size)?.into_rgb32f();
            let [height, width] = [image.height() as usize, image.width() as usize];
            // Interpolating may round past the ends by one unit in the last place.
            Ok(planar(height, width, image.as_raw(), |value: f32| {
                value.clamp(0.0, 1.0)
            }))
        }
    }
}

/// How a decoded image holds its values.
pub(crate) enum Depth {
    Eight,
    Sixteen,
    Float,
}

pub(crate) fn depth(image: &DynamicImage) -> Depth {
    match image.color() {
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => Depth::Sixteen,
        ColorType::Rgb32F | ColorType::Rgba32F => Depth::Float,
        _ => Depth::Eight,
    }
}

/// NaN would spread through a whole network, and clamping values of 0 to 255 would make a white image of any.
pub(crate) fn require_unit_range(path: &Path, width: usize, values: &[f32]) -> Result<()> {
    let Some(at) = values.iter().position(|value| !(0.0..=1.0).contains(value)) else {
        return Ok(());
    };
    let (path, value) = (
        path.to_path_buf(),
        values.get(at).copied().unwrap_or(f32::NAN),
    );
    let (row, column) = (at / 3 / width, at / 3 % width);
    Err(if value.is_finite() {
        Error::OutOfRange {
            path,
            value,
            row,
            column,
        }
    } else {
        Error::NotFinite {
            path,
            value,
            row,
            column,
        }
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

fn planar<T: Copy>(
    height: usize,
    width: usize,
    interleaved: &[T],
    value: impl Fn(T) -> f32,
) -> Image {
    let mut pixels = Vec::with_capacity(interleaved.len());
    for channel in 0..3 {
        pixels.extend(
            interleaved
                .iter()
                .skip(channel)
                .step_by(3)
                .map(|&v| value(v)),
        );
    }
    Image {
        height,
        width,
        pixels,
    }
}
