//! Whose a run is: processes that share a folder of runs take each by locking a file in it. The system gives a lock back when its
//! process ends, however it ends.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

use crate::{Error, Result, atomic, run::RunFolder};

/// A run that is this process's as long as this lives.
pub(super) struct Claim {
    _locked: File,
}

impl Claim {
    /// Takes a run, unless another process has it.
    ///
    /// # Errors
    /// [`Error::Io`] for a folder that cannot be written to, or a file system without locks.
    pub(super) fn take(run: &RunFolder) -> Result<Option<Self>> {
        let (path, file) = open(run.path())?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _locked: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Error::io("lock", path)(error)),
        }
    }

    /// Waits for a folder of which others make as brief a use: writing a table.
    pub(super) fn wait(folder: &Path) -> Result<Self> {
        let (path, file) = open(folder)?;
        file.lock().map_err(Error::io("lock", path))?;
        Ok(Self { _locked: file })
    }
}

/// The file that is locked. It stays: whoever removed it might remove one that another process has just locked.
fn open(folder: &Path) -> Result<(PathBuf, File)> {
    atomic::create_folder(folder)?;
    let path = folder.join("lock");
    let file = File::create(&path).map_err(Error::io("write", &path))?;
    Ok((path, file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_one_claims_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path().join("runs/a"));
        let first = Claim::take(&run).unwrap();
        assert!(first.is_some() && Claim::take(&run).unwrap().is_none());
        drop(first);
        assert!(Claim::take(&run).unwrap().is_some());
    }
}
