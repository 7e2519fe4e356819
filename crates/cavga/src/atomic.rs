//! Files that appear whole or not at all.
//!
//! The bytes go to a temporary name in the same folder, reach the disk, and only then take the file's name: a kill or a
//! full disk at any moment leaves the old file or the new one. The temporary file is made here rather than by a crate
//! for scratch files because those are readable by their owner alone, and a report is made to be handed on.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
};

use crate::{Error, Result};

/// Writes a file whole or not at all.
///
/// # Errors
/// [`Error::Io`], naming `path`; an older file of that name is then still what it was.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |file| file.write_all(bytes))
}

/// Writes a file whole or not at all, its content given piece by piece.
///
/// # Errors
/// As [`write()`].
pub fn write_with(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = path.with_file_name(name);
    let done = fill_and_sync(&partial, fill).and_then(|()| fs::rename(&partial, path));
    if done.is_err() {
        // Nothing more can be done if this fails too; the error below is the one to report.
        let _ = fs::remove_file(&partial);
    }
    done.map_err(Error::io("write", path))?;
    sync_folder(path);
    Ok(())
}

/// Removes a file; nothing if nothing is there.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Makes the renaming of a file to `path` last; not every system lets a folder be opened, and then there is no such call.
pub(crate) fn sync_folder(path: &Path) {
    if let Some(folder) = path.parent().and_then(|folder| File::open(folder).ok()) {
        let _ = folder.sync_all();
    }
}

fn fill_and_sync(
    partial: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut writer = BufWriter::new(File::create(partial)?);
    fill(&mut writer)?;
    writer
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()
}

/// Makes a folder and those above it.
///
/// # Errors
/// [`Error::Io`], naming the folder.
pub fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(Error::io("make this folder", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write(&path, b"old").unwrap();
        let failed = write_with(&path, |file| {
            file.write_all(b"half of the new")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert!(
            failed
                .unwrap_err()
                .to_string()
                .contains("a.txt: cannot write")
        );
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(&folder.path().join("no/such/b.txt"), b"x").unwrap_err();
        assert!(error.to_string().contains("b.txt"));
    }
}
