//! One image file into numbers: by its content, within limits, turned upright, at full precision.
//!
//! 8 and 16 bit images are resized as integers of their own depth, as PIL does, so that a network sees here what it saw
//! where its weights were made; and integer sums are the same on every processor, which float sums are not.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::fit::Fit;
pub(crate) use crate::planes::{resize, to_image};

/// Bytes that are read at once in looking for a JPEG's end.
const TAIL: u64 = 4096;

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
/// with the marker FF D9, and FF never stands before D9 or DA inside them, so the last of these two must be D9.
///
/// It is looked for from the file's end, where it is: of a whole file only one block is read a second time.
fn require_jpeg_end(path: &Path) -> Result<()> {
    if ends_as_jpeg(File::open(path).map_err(Error::read(path))?).map_err(Error::read(path))? {
        return Ok(());
    }
    Err(Error::Truncated {
        path: path.to_path_buf(),
        format: "JPEG".into(),
    })
}

/// Whether the last of the markers FF D9 and FF DA is FF D9.
fn ends_as_jpeg(mut file: impl Read + Seek) -> io::Result<bool> {
    let mut start = file.seek(SeekFrom::End(0))?;
    let mut block = Vec::new();
    // The first byte of the block behind, with which a marker may end.
    let mut behind = None;
    while start > 0 {
        let length = start.min(TAIL);
        start -= length;
        file.seek(SeekFrom::Start(start))?;
        block.clear();
        file.by_ref().take(length).read_to_end(&mut block)?;
        let first = block.first().copied();
        block.extend(behind);
        let marker = block.windows(2).rev().find_map(|pair| match pair {
            [0xFF, marker @ (0xD9 | 0xDA)] => Some(*marker),
            _ => None,
        });
        if let Some(marker) = marker {
            return Ok(marker == 0xD9);
        }
        behind = first;
    }
    Ok(false)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn a_jpeg_ends_where_its_last_marker_says_wherever_blocks_are_cut() {
        let ends = |bytes: &[u8]| ends_as_jpeg(Cursor::new(bytes)).unwrap();
        assert!(!ends(b"") && !ends(b"\xFF") && !ends(b"\xD9"));
        // Padding behind, up to beyond the third block, so that a marker lies on every side of a block's edge.
        for behind in (0..40).chain(4080..4110).chain(8180..8200) {
            let file = |markers: &[u8]| [&[7; 5000], markers, &vec![0; behind]].concat();
            assert!(ends(&file(b"\xFF\xDA..\xFF\xD9")), "{behind}");
            assert!(!ends(&file(b"\xFF\xD9..\xFF\xDA")), "{behind}");
            assert!(!ends(&file(b"\xFF\x00\xD9")), "{behind}");
        }
    }
}
