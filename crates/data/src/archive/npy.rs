//! NumPy's array files, of which masks of videos come.

use std::path::Path;

use crate::decode::Limits;
use crate::error::{Error, Result};
use crate::mask::Mask;

/// Frame `index` of an array `[frames, height, width]`: marked where it isn't 0.
pub(crate) fn frame(path: &Path, _index: usize, _limits: &Limits) -> Result<Mask> {
    Err(Error::NotAnImage {
        path: path.to_path_buf(),
    })
}

/// `[height, width]` of an array's frames.
pub(crate) fn frame_size(path: &Path) -> Result<[usize; 2]> {
    Err(Error::NotAnImage {
        path: path.to_path_buf(),
    })
}

/// Which values of an array of one dimension aren't 0.
pub(crate) fn vector(path: &Path) -> Result<Vec<bool>> {
    Err(Error::NotAnImage {
        path: path.to_path_buf(),
    })
}

/// SHA-256 of a frame's bytes and its size.
pub(crate) fn frame_digest(path: &Path, _index: usize) -> Result<[u8; 32]> {
    Err(Error::NotAnImage {
        path: path.to_path_buf(),
    })
}
