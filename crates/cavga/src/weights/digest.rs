//! SHA-256 of files.

use std::{
    fmt,
    io::{self, Read},
    path::Path,
};

use cavga_data::{hash_file, hex};
use sha2::{Digest as _, Sha256};

use crate::Result;

/// How much is read at a time.
pub(super) const PIECE: usize = 1 << 17;

/// A file's SHA-256, in 64 hexadecimal digits, lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub(super) &'static str);

impl Digest {
    /// Whether a file of this SHA-256 is the one.
    pub fn fits(self, sha256: &str) -> bool {
        self.0 == sha256
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Feeds what is left of a reader to a hash that goes on behind it; how many bytes that was.
pub(super) fn feed(hash: &mut Sha256, reader: &mut impl Read) -> io::Result<u64> {
    let mut piece = vec![0; PIECE];
    let mut total = 0;
    loop {
        match reader.read(&mut piece) {
            Ok(0) => return Ok(total),
            Ok(count) => {
                hash.update(piece.get(..count).unwrap_or_default());
                total += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// A file's SHA-256.
pub(crate) fn of_file(path: &Path) -> Result<String> {
    Ok(hex(&hash_file(path)?))
}
