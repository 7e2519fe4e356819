//! Maps of scores as other programs write them: NumPy arrays, TIFF and PNG.
//!
//! A score is any finite number: nothing is scaled, clamped or brought to [0, 1]. Values are kept in single precision, in which
//! nearly all programs compute them; a map in double precision, or of whole numbers above 2²⁴, is rounded to it, and says so.

use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use image::DynamicImage;
use tiff::decoder::{Decoder, DecodingResult};

use crate::archive::npy;
use crate::decode::{Limits, decode, image_size};
use crate::error::{Error, Result};
use crate::files::walk;
use crate::mask::MaskSource;

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

/// The masks in a folder and the folders below it, sorted: image files, and arrays of one frame.
///
/// # Errors
/// A folder that cannot be read, or holds none.
pub fn list_masks(folder: &Path) -> Result<Vec<(PathBuf, MaskSource)>> {
    let masks = list(folder, &MASK_ENDINGS)?;
    if masks.is_empty() {
        return Err(Error::EmptyFolder {
            path: folder.to_path_buf(),
        });
    }
    let source = |path: PathBuf| {
        let is_array = ending(&path) == "npy";
        let source = match is_array {
            true => MaskSource::Frame {
                path: path.clone(),
                index: 0,
            },
            false => MaskSource::Image {
                path: path.clone(),
                above: 0.0,
            },
        };
        (path, source)
    };
    Ok(masks.into_iter().map(source).collect())
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
        "tif" | "tiff" => guarded(path, || {
            let (_, [height, width]) = open_tiff(path)?;
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
        "tif" | "tiff" => guarded(path, || tiff(path, limits))?,
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

/// The decoder of TIFF is other people's code fed with any bytes.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(undecodable(path, "its decoder gave up")))
}

fn undecodable(path: &Path, found: impl ToString) -> Error {
    Error::Undecodable {
        path: path.to_path_buf(),
        found: found.to_string(),
    }
}

/// The decoder at the first page, and `[height, width]`.
fn open_tiff(path: &Path) -> Result<(Decoder<BufReader<File>>, [u32; 2])> {
    let broken = |error| undecodable(path, error);
    let file = File::open(path).map_err(Error::read(path))?;
    let mut decoder = Decoder::new(BufReader::new(file)).map_err(broken)?;
    let (width, height) = decoder.dimensions().map_err(broken)?;
    Ok((decoder, [height, width]))
}

fn tiff(path: &Path, limits: &Limits) -> Result<Numbers> {
    let (decoder, [height, width]) = open_tiff(path)?;
    let area = u64::from(width) * u64::from(height);
    if area > limits.max_pixels {
        return Err(Error::TooLarge {
            path: path.to_path_buf(),
            limit: limits.max_pixels,
            found: format!("{area} ({height} rows of {width})"),
        });
    }
    let mut allowed = tiff::decoder::Limits::unlimited();
    // Values of at most 8 bytes; a file may claim more channels than it has.
    allowed.decoding_buffer_size = usize::try_from(area)
        .unwrap_or(usize::MAX)
        .saturating_mul(8);
    let mut decoder = decoder.with_limits(allowed);
    let values: Vec<f64> = match decoder
        .read_image()
        .map_err(|error| undecodable(path, error))?
    {
        DecodingResult::F16(values) => values.into_iter().map(f64::from).collect(),
        DecodingResult::F32(values) => values.into_iter().map(f64::from).collect(),
        DecodingResult::F64(values) => values,
        DecodingResult::U8(values) => values.into_iter().map(f64::from).collect(),
        DecodingResult::U16(values) => values.into_iter().map(f64::from).collect(),
        DecodingResult::U32(values) => values.into_iter().map(f64::from).collect(),
        DecodingResult::U64(values) => values.into_iter().map(|value| value as f64).collect(),
        DecodingResult::I8(values) => values.into_iter().map(f64::from).collect(),
        DecodingResult::I16(values) => values.into_iter().map(f64::from).collect(),
        DecodingResult::I32(values) => values.into_iter().map(f64::from).collect(),
        DecodingResult::I64(values) => values.into_iter().map(|value| value as f64).collect(),
    };
    if values.len() as u64 != area || area == 0 {
        let found = format!("{} values of {height} rows of {width} pixels", values.len());
        return Err(malformed(path, "one channel", found));
    }
    Ok(([height as usize, width as usize], values))
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
mod tests {
    use std::fs;

    use image::{ImageBuffer, Luma};
    use tiff::encoder::{TiffEncoder, colortype};

    use super::*;

    fn npy(folder: &Path, descr: &str, shape: &str, bytes: &[u8]) -> PathBuf {
        let head = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((head.len() as u16).to_le_bytes());
        file.extend(head.as_bytes());
        file.extend(bytes);
        let path = folder.join("map.npy");
        fs::write(&path, file).unwrap();
        path
    }

    fn read(path: &Path) -> Result<ScoreMap> {
        load_score_map(path, &Limits::default())
    }

    #[test]
    fn arrays_of_all_numbers_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let values = [-1.5_f32, 0.25, 3.0, 1e30];
        let singles: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        let map = read(&npy(folder, "<f4", "(2, 2)", &singles)).unwrap();
        assert_eq!(
            (map.height, map.width, &map.values[..], map.rounded),
            (2, 2, &values[..], false)
        );
        let map = read(&npy(folder, "<f4", "(1, 1, 2, 2)", &singles)).unwrap();
        assert_eq!([map.height, map.width], [2, 2]);
        let doubles: Vec<u8> = [0.1_f64, 2.0]
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        let map = read(&npy(folder, "<f8", "(1, 2)", &doubles)).unwrap();
        assert_eq!((&map.values[..], map.rounded), (&[0.1_f32, 2.0][..], true));
        let whole: Vec<u8> = [-3_i16, 700]
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        assert_eq!(
            read(&npy(folder, "<i2", "(2, 1)", &whole)).unwrap().values,
            [-3.0, 700.0]
        );
        assert_eq!(
            read(&npy(folder, "|u1", "(1, 2)", &[0, 255]))
                .unwrap()
                .values,
            [0.0, 255.0]
        );
        // 1.0, -2.0, the least subnormal, of half precision.
        let halves: Vec<u8> = [0x3c00_u16, 0xc000, 0x0001]
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        assert_eq!(
            read(&npy(folder, "<f2", "(1, 3)", &halves)).unwrap().values,
            [1.0, -2.0, 2.0_f32.powi(-24)]
        );
    }

    #[test]
    fn what_is_no_number_is_named_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        for (name, bad) in [("f4", f32::NAN), ("f4", f32::INFINITY)] {
            let bytes: Vec<u8> = [0.0, 1.0, bad]
                .iter()
                .flat_map(|value: &f32| value.to_le_bytes())
                .collect();
            let error =
                read(&npy(folder.path(), &format!("<{name}"), "(3, 1)", &bytes)).unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::NotFinite {
                        row: 2,
                        column: 0,
                        ..
                    }
                ),
                "{error}"
            );
        }
        let beyond: Vec<u8> = 1e300_f64.to_le_bytes().to_vec();
        assert!(read(&npy(folder.path(), "<f8", "(1, 1)", &beyond)).is_err());
        let half = 0x7c00_u16.to_le_bytes();
        assert!(read(&npy(folder.path(), "<f2", "(1, 1)", &half)).is_err());
    }

    #[test]
    fn several_maps_in_one_array_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = read(&npy(folder.path(), "|u1", "(2, 1, 1)", &[0, 1])).unwrap_err();
        assert!(error.to_string().contains("[2, 1, 1]"), "{error}");
    }

    #[test]
    fn tiff_and_png_are_read_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.tiff");
        let values = [-2.0_f32, 0.5, 7.25, 1e-20, 0.0, 4.0];
        let mut encoder = TiffEncoder::new(fs::File::create(&path).unwrap()).unwrap();
        encoder
            .write_image::<colortype::Gray32Float>(3, 2, &values)
            .unwrap();
        drop(encoder);
        let map = read(&path).unwrap();
        assert_eq!(
            (map.height, map.width, &map.values[..]),
            (2, 3, &values[..])
        );
        let path = folder.path().join("map.png");
        let image: ImageBuffer<Luma<u16>, _> =
            ImageBuffer::from_raw(2, 1, vec![0_u16, 65535]).unwrap();
        image.save(&path).unwrap();
        assert_eq!(read(&path).unwrap().values, [0.0, 65535.0]);
        image::RgbImage::new(2, 2).save(&path).unwrap();
        assert!(
            read(&path)
                .unwrap_err()
                .to_string()
                .contains("one grey channel")
        );
    }

    #[test]
    fn a_tiff_map_of_single_precision_has_a_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.tif");
        let mut encoder = TiffEncoder::new(fs::File::create(&path).unwrap()).unwrap();
        let written = encoder.write_image::<colortype::Gray32Float>(3, 2, &[0.5; 6]);
        written.unwrap();
        assert_eq!(score_map_size(&path).unwrap(), [2, 3]);
    }

    #[test]
    fn broken_files_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.npy", "a.tiff", "a.png", "a.exr"] {
            let path = folder.path().join(name);
            for bytes in [
                &b""[..],
                b"\x93NUMPY",
                b"II*\0\xff\xff\xff\xff",
                b"\x89PNG\r\n\x1a\n",
            ] {
                fs::write(&path, bytes).unwrap();
                assert!(read(&path).unwrap_err().to_string().contains(name));
            }
            assert!(read(&folder.path().join("missing").join(name)).is_err());
        }
        assert!(list_score_maps(&folder.path().join("missing")).is_err());
        assert_eq!(list_score_maps(folder.path()).unwrap().len(), 3);
    }
}
