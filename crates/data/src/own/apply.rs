//! From what an index says to images on disk: paths are found, and kept inside.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::Own;
use super::entry::{Checked, Entry, Fault, normal_form, shown};
use super::index::{Index, Once, Row, parse_csv};
use super::masks::OF_NORMAL;
use crate::error::{Error, Result};
use crate::mask::MaskSource;

impl Own<'_> {
    /// Reads the index at `path`.
    pub(super) fn read_index(&mut self, path: &Path) {
        let index = match load(path) {
            Ok(index) => index,
            Err(problem) => return self.problem(problem),
        };
        if !index.unknown.is_empty() {
            let message = format!(
                "has columns that mean nothing here: {}",
                index.unknown.join(", ")
            );
            self.scan.warn(path, "unknown-column", message);
        }
        if index.rows.is_empty() && index.faults.is_empty() {
            let fault = Fault::new("its rows", "an image each", "none");
            self.problem(fault.at(path));
        }
        for fault in index.faults {
            self.problem(fault.at(path));
        }
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        let mut once = Once::default();
        for row in index.rows {
            let place = row.place.clone();
            let mut entry = match self.entry(&folder, row, &mut once) {
                Ok(entry) => entry,
                Err(fault) => {
                    self.problem(fault.at(path));
                    continue;
                }
            };
            if !entry.label.is_anomalous()
                && let Some(mask) = entry.mask.take()
            {
                let mask = mask.path().to_path_buf();
                let message = format!("{place}: {} marks a normal image", mask.display());
                self.scan.warn(path, "not-used", message);
                self.scan.unused(mask, OF_NORMAL);
            }
            self.entries.push(entry);
        }
    }

    fn entry(&self, folder: &Path, row: Row, once: &mut Once) -> Checked<Entry> {
        let path = self.place(folder, &row.path, &row.place)?;
        once.check(&path, &row.place)?;
        let mask = row.mask.as_ref();
        let mask = mask.map(|text| self.place(folder, text, &row.place));
        // Ids are told from the root where the image is below it, else from the index's folder, else from its own.
        let own = path.parent().unwrap_or(Path::new(""));
        let bases = [&*self.scan.dataset.root, folder, own];
        let base = bases
            .into_iter()
            .find(|base| path.starts_with(normal_form(base)));
        let base = base.unwrap_or(own);
        let below = path.strip_prefix(normal_form(base)).unwrap_or(&path);
        let real = fs::canonicalize(shown_folder(base)).unwrap_or_else(|_| base.to_path_buf());
        Ok(Entry {
            id: self.ids.id(base, &real, below),
            below: below.to_path_buf(),
            label: row.label,
            mask: mask.transpose()?.map(MaskSource::image),
            split: row.split,
            group: row.group,
            path,
        })
    }

    /// The file that a cell names, which must be there, and inside: by its names, as links are not looked at. Datasets are often
    /// links to where there is room.
    fn place(&self, folder: &Path, text: &str, place: &str) -> Checked<PathBuf> {
        let folders = [folder, &self.scan.dataset.root];
        let path = normal_form(&folder.join(text));
        let path = from_relative(&path, folders).unwrap_or(path);
        let inside = folders.map(normal_form);
        let leads_out = |path: &Path| {
            let leaves = path.starts_with("..") && !inside.iter().any(|i| i.starts_with(".."));
            leaves || !inside.iter().any(|inside| path.starts_with(inside))
        };
        if !self.spec.outside && leads_out(&path) {
            let expected = "a path that is by its names below the index's folder or the dataset's root (or `outside = true`)";
            return Err(Fault::new(place, expected, shown(text)));
        }
        // Backslashes are Windows's, and part of a name elsewhere.
        let turned = || normal_form(&folder.join(text.replace('\\', "/")));
        let candidates = [path.clone(), turned()];
        let found = candidates
            .into_iter()
            .find(|path| path.is_file() && (self.spec.outside || !leads_out(path)));
        found.ok_or_else(|| {
            let why = match fs::metadata(&path) {
                Ok(_) => "no file but a folder".to_string(),
                Err(error) => error.to_string(),
            };
            Fault::new(place, "a file there", format!("{}: {why}", shown(text)))
        })
    }
}

/// An absolute path below one of `folders` that was given relatively, as a path from there.
fn from_relative(path: &Path, folders: [&Path; 2]) -> Option<PathBuf> {
    if path.is_relative() {
        return None;
    }
    let relative = folders.into_iter().filter(|folder| folder.is_relative());
    let mut found = relative.filter_map(|folder| {
        let whole = normal_form(&std::path::absolute(shown_folder(folder)).ok()?);
        let real = fs::canonicalize(shown_folder(folder)).ok();
        let mut tops = [Some(whole), real].into_iter().flatten();
        let below = tops.find_map(|top| path.strip_prefix(top).ok())?;
        Some(normal_form(&folder.join(below)))
    });
    found.next()
}

fn shown_folder(folder: &Path) -> &Path {
    match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    }
}

/// An index, by its content: Parquet, or CSV.
fn load(path: &Path) -> Result<Index> {
    let bytes = fs::read(path).map_err(Error::read(path))?;
    if bytes.starts_with(b"PAR1") {
        drop(bytes);
        return parquet(path);
    }
    parse_csv(&bytes).map_err(|fault| fault.at(path))
}

#[cfg(feature = "parquet")]
fn parquet(path: &Path) -> Result<Index> {
    let file = File::open(path).map_err(Error::read(path))?;
    super::parquet::parse(file).map_err(|fault| fault.at(path))
}

#[cfg(not(feature = "parquet"))]
fn parquet(path: &Path) -> Result<Index> {
    File::open(path).map_err(Error::read(path))?;
    Err(Error::NoParquet {
        path: path.to_path_buf(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absolute_path_below_a_relative_root_is_below_it() {
        let here = std::env::current_dir().unwrap();
        for root in ["", ".", "./"] {
            let found = from_relative(&here.join("a/b.png"), [Path::new(root); 2]);
            assert_eq!(found, Some(PathBuf::from("a/b.png")), "{root:?}");
        }
        let data = [Path::new("data"); 2];
        let found = from_relative(&here.join("data/b.png"), data);
        assert_eq!(found, Some(Path::new("data").join("b.png")));
        assert_eq!(from_relative(&here.join("other/b.png"), data), None);
        assert_eq!(from_relative(Path::new("data/b.png"), data), None);
    }
}
