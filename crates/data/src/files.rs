//! Finding image files in folders: sorted, without hidden files, through symbolic links, never round in circles.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use crate::error::{Error, Result};

/// Extensions of files taken for images, in lower case. What is in them is found out by content, not by these.
const EXTENSIONS: [&str; 11] = [
    "bmp", "jpeg", "jpg", "pbm", "pgm", "png", "pnm", "ppm", "tif", "tiff", "webp",
];

/// What matches a pattern, as a shell has it: `*` and `?` within a name, `**` across folders, `[...]` and `{...}`.
pub(crate) fn pattern(text: &str) -> std::result::Result<GlobMatcher, globset::Error> {
    let glob = GlobBuilder::new(text).literal_separator(true).build()?;
    Ok(glob.compile_matcher())
}

/// What a folder holds, each part sorted by name.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) images: Vec<PathBuf>,
    pub(crate) folders: Vec<PathBuf>,
    pub(crate) others: Vec<PathBuf>,
}

/// Reads one folder. Names that begin with a dot are left out: `.DS_Store`, `._001.png`, `.thumbnails`.
pub(crate) fn list_folder(folder: &Path) -> Result<Listing> {
    let mut listing = Listing::default();
    for entry in fs::read_dir(folder).map_err(Error::read(folder))? {
        let path = entry.map_err(Error::read(folder))?.path();
        if name(&path).starts_with('.') {
            continue;
        }
        // Follows links. A link to nowhere counts as a file, so that opening it later says what is wrong.
        if path.is_dir() {
            listing.folders.push(path);
        } else if has_image_extension(&path) {
            listing.images.push(path);
        } else {
            listing.others.push(path);
        }
    }
    listing.images.sort();
    listing.folders.sort();
    listing.others.sort();
    Ok(listing)
}

/// The images that a path stands for: a file itself (whatever its name), or all images in a folder and the folders
/// below it, sorted.
///
/// # Errors
/// When the path is missing or unreadable, or is a folder without images.
pub fn list_images(path: &Path) -> Result<Vec<PathBuf>> {
    let metadata = fs::metadata(path).map_err(Error::read(path))?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let images = walk(path, usize::MAX)?.images;
    if images.is_empty() {
        return Err(Error::EmptyFolder {
            path: path.to_path_buf(),
        });
    }
    Ok(images)
}

/// The files in a folder and the folders below it, down to `depth` folders deep (1: its own files alone), sorted.
pub(crate) fn walk(folder: &Path, depth: usize) -> Result<Listing> {
    let mut found = Listing::default();
    collect(folder, depth, &mut Vec::new(), &mut found)?;
    found.images.sort();
    found.others.sort();
    Ok(found)
}

/// Adds the files in and below `folder`. `above` holds the real paths of the folders that led here: a link back to one
/// of them is a circle, and what it shows has been listed already.
fn collect(
    folder: &Path,
    depth: usize,
    above: &mut Vec<PathBuf>,
    found: &mut Listing,
) -> Result<()> {
    let real = fs::canonicalize(folder).map_err(Error::read(folder))?;
    if above.contains(&real) {
        return Ok(());
    }
    above.push(real);
    let listing = list_folder(folder)?;
    found.images.extend(listing.images);
    found.others.extend(listing.others);
    if depth > 1 {
        for folder in listing.folders {
            collect(&folder, depth - 1, above, found)?;
        }
    }
    above.pop();
    Ok(())
}

/// Every pair of files with one stem in one folder, for files of any number of folders.
pub(crate) fn same_stems(files: &[PathBuf]) -> Vec<Error> {
    // Not as text: names that are no Unicode may read alike.
    let mut seen: BTreeMap<(Option<&Path>, Option<&OsStr>), &PathBuf> = BTreeMap::new();
    let mut errors = Vec::new();
    for path in files {
        if let Some(other) = seen.insert((path.parent(), path.file_stem()), path) {
            errors.push(Error::SameStem {
                path: path.clone(),
                other: other.clone(),
            });
        }
    }
    errors
}

/// The last part of a path as text.
pub(crate) fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The last part of a path without its extension.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn has_image_extension(path: &Path) -> bool {
    path.extension().is_some_and(|found| {
        EXTENSIONS
            .iter()
            .any(|known| found.eq_ignore_ascii_case(known))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_images_in_order_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("b/.hidden")).unwrap();
        for file in [
            "z.PNG",
            "a.jpg",
            "notes.txt",
            ".a.png",
            "b/c.Tiff",
            "b/.hidden/d.png",
        ] {
            fs::write(root.path().join(file), b"x").unwrap();
        }
        let found = list_images(root.path()).unwrap();
        assert_eq!(
            found,
            ["a.jpg", "b/c.Tiff", "z.PNG"].map(|file| root.path().join(file))
        );
        assert_eq!(
            list_images(&root.path().join("notes.txt")).unwrap(),
            [root.path().join("notes.txt")]
        );
    }

    #[test]
    fn missing_and_empty_paths_are_errors() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(list_images(root.path()).unwrap_err().kind(), "empty-folder");
        assert_eq!(
            list_images(&root.path().join("no")).unwrap_err().kind(),
            "unreadable"
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_but_not_in_circles() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("a")).unwrap();
        fs::write(root.path().join("a/1.png"), b"x").unwrap();
        std::os::unix::fs::symlink(root.path(), root.path().join("a/back")).unwrap();
        std::os::unix::fs::symlink(root.path().join("a/1.png"), root.path().join("2.png")).unwrap();
        let found = list_images(root.path()).unwrap();
        assert_eq!(
            found,
            ["2.png", "a/1.png"].map(|file| root.path().join(file))
        );
    }
}
