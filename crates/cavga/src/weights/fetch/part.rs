//! A file that is being fetched, as far as it is here, with its hash.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use cavga_data::hex;
use sha2::{Digest as _, Sha256};

use super::{Wanted, beside};
use crate::{
    Error, Result, atomic,
    weights::{FetchError, digest},
};

/// Bytes that could not be written, of which so many are still missing.
pub(super) fn unwritten(path: &Path, missing: u64, error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => FetchError::DiskFull {
            path: path.to_owned(),
            missing,
            source: error,
        }
        .into(),
        _ => Error::io("write", path)(error),
    }
}

/// The file as far as it is here.
pub(super) struct Part {
    pub(super) path: PathBuf,
    file: File,
    hash: Sha256,
    pub(super) length: u64,
    /// Whether it came in several pieces, which need not be of one file.
    pub(super) pieced: bool,
}

impl Part {
    /// What an earlier try left, or nothing.
    pub(super) fn open(wanted: &Wanted<'_>) -> Result<Self> {
        let path = beside(wanted.path, "part");
        let mut hash = Sha256::new();
        let opened = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .and_then(|mut file| Ok((digest::feed(&mut hash, &mut file)?, file)));
        let (length, file) = opened.map_err(Error::io("write", &path))?;
        let mut part = Self {
            path,
            file,
            hash,
            length,
            pieced: length > 0,
        };
        if length > wanted.bytes {
            part.restart()?;
        }
        Ok(part)
    }

    /// Forgets what is here.
    pub(super) fn restart(&mut self) -> Result<()> {
        self.file
            .set_len(0)
            .and_then(|()| self.file.seek(SeekFrom::Start(0)))
            .map_err(Error::io("write", &self.path))?;
        self.hash = Sha256::new();
        self.length = 0;
        self.pieced = false;
        Ok(())
    }

    /// The SHA-256 of what is here.
    pub(super) fn sha256(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    pub(super) fn append(&mut self, bytes: &[u8], wanted: &Wanted<'_>) -> Result<()> {
        self.file
            .write_all(bytes)
            .map_err(|error| unwritten(&self.path, wanted.bytes - self.length, error))?;
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Gives the whole file its name.
    pub(super) fn finish(self, path: &Path) -> Result<()> {
        let synced = self.file.sync_all();
        drop(self.file);
        synced
            .and_then(|()| fs::rename(&self.path, path))
            .map_err(Error::io("write", path))?;
        atomic::sync_folder(path);
        Ok(())
    }
}
