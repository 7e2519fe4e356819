//! Maps of scores as other programs write them: NumPy arrays, TIFF and PNG.
//!
//! A score is any finite number: nothing is scaled, clamped or brought to [0, 1]. Values are kept in single precision, in which
//! nearly all programs compute them; a map in double precision, or of whole numbers above 2²⁴, is rounded to it, and says so.

mod tiff;

use std::path::{Path, PathBuf};

use image::DynamicImage;

use crate::archive::npy;
use crate::decode::{Limits, decode, image_size};
use crate::error::{Error, Result};
use crate::files::walk;
use crate::mask::{Mask, load_above_soft};

/// Endings of files that [`load_score_map`] reads.
const ENDINGS: [&str; 4] = ["npy", "png", "tif", "tiff"];

/// A score for every pixel.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreMap {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// `height * width` values, row by row: finite, but for gaps where those were asked for.
    pub values: Vec<f32>,
    /// Whether some value of the file is not one of single precision, so that it was rounded.
    pub rounded: bool,
}

/// Endings of files that hold a mask: those of images that are saved without loss, and arrays.
const MASK_ENDINGS: [&str; 8] = ["bmp", "npy", "pbm", "pgm", "png", "tif", "tiff", "webp"];

/// The files with an ending that [`load_score_map`] knows in a folder and the folders below it, sorted; without those called
/// `NAME.overlay.png`, which are pictures of a map.
///
/// # Errors
/// A folder that cannot be read, or holds none.
pub fn list_score_maps(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut maps = list(folder, &ENDINGS)?;
    maps.retain(|path| !path.to_string_lossy().ends_with(".overlay.png"));
    if maps.is_empty() {
        return Err(Error::EmptyFolder {
            path: folder.to_path_buf(),
        });
    }
    Ok(maps)
}

/// The masks in a folder and the folders below it, sorted: image files, and arrays.
///
/// # Errors
/// A folder that cannot be read, or holds none.
pub fn list_masks(folder: &Path) -> Result<Vec<PathBuf>> {
    let masks = list(folder, &MASK_ENDINGS)?;
    match masks.is_empty() {
        true => Err(Error::EmptyFolder {
            path: folder.to_path_buf(),
        }),
        false => Ok(masks),
    }
}

/// `[height, width]` of a mask, from its header alone.
///
/// # Errors
/// As [`load_soft_mask`].
pub fn mask_size(path: &Path) -> Result<[usize; 2]> {
    match &*ending(path) {
        "npy" => npy::map_size(path),
        _ => image_size(path),
    }
}

/// Reads a mask as [`load_mask`](crate::load_mask) does, or as an array `[height, width]`; anomalous where it is above `above`, a share of
/// full scale, which of an array is 1 if nothing in it is above 1, else 255. Whether some of its values lie between 0 and its highest,
/// as edges drawn with antialiasing do, comes with it: which of its pixels are anomalous is then a matter of that rule.
///
/// # Errors
/// As [`load_score_map`].
pub fn load_soft_mask(path: &Path, above: f32, limits: &Limits) -> Result<(Mask, bool)> {
    if ending(path) != "npy" {
        return load_above_soft(path, above, limits);
    }
    let ScoreMap {
        height,
        width,
        values,
        ..
    } = load_score_map(path, limits)?;
    let highest = values.iter().copied().fold(0.0, f32::max);
    let full = if highest > 1.0 { 255.0 } else { 1.0 };
    let soft = values.iter().any(|&value| value > 0.0 && value < highest);
    let pixels = values.iter().map(|&value| value > above * full).collect();
    Ok((
        Mask {
            height,
            width,
            pixels,
        },
        soft,
    ))
}

fn list(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>> {
    let found = walk(folder, usize::MAX)?;
    let files = found.images.into_iter().chain(found.others);
    let mut files: Vec<_> = files
        .filter(|path| endings.contains(&&*ending(path)))
        .collect();
    files.sort();
    Ok(files)
}

/// A file's ending in small letters.
fn ending(path: &Path) -> String {
    let ending = path.extension().map(|ending| ending.to_string_lossy());
    ending.unwrap_or_default().to_ascii_lowercase()
}

/// `[height, width]` of a map, from its header alone.
///
/// # Errors
/// As [`load_score_map`].
pub fn score_map_size(path: &Path) -> Result<[usize; 2]> {
    match &*ending(path) {
        "npy" => npy::map_size(path),
        // Not by the reader of images, which knows no scores in single precision.
        "tif" | "tiff" => tiff::guarded(path, || {
            let (_, [height, width]) = tiff::open(path)?;
            Ok([height as usize, width as usize])
        }),
        _ => image_size(path),
    }
}

/// Reads a map of scores.
///
/// By its ending: `.npy`, an array `[height, width]` of numbers, further dimensions of 1 in front allowed; `.tif` or `.tiff`, one
/// channel of any numbers, its first page; `.png`, grey of 8 or 16 bits, as whole numbers.
///
/// # Errors
/// A file that is missing, of another kind, cut short or over the limit; [`Error::NotFinite`] with the place of a NaN or an
/// infinity, among them numbers beyond single precision.
pub fn load_score_map(path: &Path, limits: &Limits) -> Result<ScoreMap> {
    read(path, limits, f32::is_finite)
}

/// Reads a map whose values all are `allowed`.
pub(crate) fn read(
    path: &Path,
    limits: &Limits,
    allowed: impl Fn(f32) -> bool,
) -> Result<ScoreMap> {
    let (size, values) = match &*ending(path) {
        "npy" => npy::numbers(path, limits)?,
        "tif" | "tiff" => tiff::guarded(path, || tiff::numbers(path, limits))?,
        "png" => png(path, limits)?,
        other => {
            let found = format!("the ending {other:?}");
            return Err(malformed(path, "a map as .npy, .tiff or .png", found));
        }
    };
    let [height, width] = size;
    let singles: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    if let Some(at) = singles.iter().position(|&value| !allowed(value)) {
        return Err(Error::NotFinite {
            path: path.to_path_buf(),
            value: singles.get(at).copied().unwrap_or(f32::NAN),
            row: at / width.max(1),
            column: at % width.max(1),
        });
    }
    let rounded = singles
        .iter()
        .zip(&values)
        .any(|(&single, &value)| !value.is_nan() && f64::from(single) != value);
    Ok(ScoreMap {
        height,
        width,
        values: singles,
        rounded,
    })
}

/// Size and numbers of a file.
type Numbers = ([usize; 2], Vec<f64>);

fn png(path: &Path, limits: &Limits) -> Result<Numbers> {
    let image = decode(path, limits)?;
    let size = [image.height() as usize, image.width() as usize];
    let values = match image {
        DynamicImage::ImageLuma8(image) => image.into_raw().into_iter().map(f64::from).collect(),
        DynamicImage::ImageLuma16(image) => image.into_raw().into_iter().map(f64::from).collect(),
        other => {
            let expected = "one grey channel of 8 or 16 bits";
            return Err(malformed(path, expected, format!("{:?}", other.color())));
        }
    };
    Ok((size, values))
}

fn malformed(path: &Path, expected: &str, found: String) -> Error {
    Error::Malformed {
        path: path.to_path_buf(),
        expected: expected.to_owned(),
        found,
        advice: "write the map anew",
    }
}

#[cfg(test)]
mod tests;
