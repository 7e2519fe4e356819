//! Maps of scores as files.

use std::path::Path;

use crate::archive::npy;
use crate::decode::Limits;
use crate::error::Result;

/// The values of a NumPy array `[height, width]` of float32, row by row, with `[height, width]`. A NaN stays one: there the map says nothing.
///
/// # Errors
/// [`Error::Malformed`](crate::Error::Malformed) for what is no such array, [`Error::TooLarge`](crate::Error::TooLarge) for more
/// pixels than allowed, or when the file cannot be read.
pub fn load_float_map(path: &Path, limits: &Limits) -> Result<(Vec<f32>, [usize; 2])> {
    npy::floats(path, limits)
}
