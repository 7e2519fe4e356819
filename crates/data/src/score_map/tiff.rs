//! One channel of any numbers from a TIFF file, by the decoder that `image` has too, which shows fewer of them.

use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use tiff::decoder::{Decoder, DecodingResult};
use tiff::tags::Tag;

use super::{Numbers, malformed};
use crate::decode::Limits;
use crate::error::{Error, Result};

/// The decoder of TIFF is other people's code fed with any bytes.
pub(super) fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T>) -> Result<T> {
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
pub(super) fn open(path: &Path) -> Result<(Decoder<BufReader<File>>, [u32; 2])> {
    let broken = |error| undecodable(path, error);
    let file = File::open(path).map_err(Error::read(path))?;
    let mut decoder = Decoder::new(BufReader::new(file)).map_err(broken)?;
    let (width, height) = decoder.dimensions().map_err(broken)?;
    Ok((decoder, [height, width]))
}

pub(super) fn numbers(path: &Path, limits: &Limits) -> Result<Numbers> {
    let (mut decoder, [height, width]) = open(path)?;
    let area = u64::from(width) * u64::from(height);
    if area > limits.max_pixels {
        return Err(Error::TooLarge {
            path: path.to_path_buf(),
            limit: limits.max_pixels,
            found: format!("{area} ({height} rows of {width})"),
        });
    }
    if decoder.more_images() {
        return Err(malformed(path, "one page", "several".to_owned()));
    }
    // The decoder turns such values round.
    let photometric = decoder
        .find_tag(Tag::PhotometricInterpretation)
        .map_err(|error| undecodable(path, error))?;
    let photometric = photometric.and_then(|value| value.into_u16().ok());
    if photometric == Some(0) {
        let found = "0 as white (PhotometricInterpretation 0)".to_owned();
        return Err(malformed(path, "0 as black, so that higher is more", found));
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
