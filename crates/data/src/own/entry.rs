//! One image as the user gave it, and the names that images go by.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::error::Error;
use crate::mask::MaskSource;
use crate::sample::{Label, Sample};

/// Which part an image belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// It is learnt from.
    Train,
    /// It is tested on.
    Test,
}

/// One image as the user gave it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    /// The path below the folder it was found in: what masks are matched by.
    pub(super) below: PathBuf,
    pub(super) id: String,
    pub(super) label: Label,
    pub(super) mask: Option<MaskSource>,
    /// None: decided by seed.
    pub(super) split: Option<Split>,
    pub(super) group: Option<String>,
}

impl Entry {
    pub(super) fn sample(&self) -> Sample {
        let mut sample = Sample::new(self.id.clone(), self.path.clone(), self.label.clone());
        sample.group = self.group.clone();
        sample.is_given = true;
        sample
    }
}

/// What is wrong at one place of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where: "line 7", "annotation 12".
    pub place: String,
    /// What was expected there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

/// The result of reading one place of a file.
pub type Checked<T> = Result<T, Fault>;

impl Fault {
    pub(super) fn new(
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self {
            place: place.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    pub(super) fn at(self, path: &Path) -> Error {
        Error::Entry {
            path: path.to_path_buf(),
            place: self.place,
            expected: self.expected,
            found: self.found,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            place,
            expected,
            found,
        } = self;
        write!(f, "{place}: expected {expected}, found {found}")
    }
}

/// A text from a file as a message shows it: quoted, and not for pages.
pub(super) fn shown(text: &str) -> String {
    const MOST: usize = 60;
    let mut letters = text.chars();
    let start: String = letters.by_ref().take(MOST).collect();
    match letters.next() {
        None => format!("{start:?}"),
        Some(_) => format!("{start:?}... ({} bytes)", text.len()),
    }
}

/// A path without `.` and `..`, by its names alone: links are not looked at.
pub(super) fn normal_form(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => match normal.components().next_back() {
                Some(Component::Normal(_)) => {
                    normal.pop();
                }
                // `/..` is `/`; what leads out of a relative path stays.
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => normal.push(".."),
            },
            part => normal.push(part),
        }
    }
    normal
}

/// A file's path without links, by which it is the same under all its names; by its names alone where it cannot be found.
pub(super) fn real_form(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| normal_form(path))
}

/// Gives images their ids: the path below the root, with `/`; of those found elsewhere, the path below their folder with its
/// name before it, so that a copy of the folder has the same ids.
#[derive(Debug)]
pub(super) struct Ids {
    root: PathBuf,
    real_root: Option<PathBuf>,
}

impl Ids {
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: normal_form(root),
            real_root: fs::canonicalize(root).ok(),
        }
    }

    /// The id of the file `below` the folder `base`, whose real path is `real`.
    pub(super) fn id(&self, base: &Path, real: &Path, below: &Path) -> String {
        let base = normal_form(base);
        let real_root = self.real_root.as_deref();
        let inside = base.strip_prefix(&self.root).ok();
        let inside = inside.or_else(|| real.strip_prefix(real_root?).ok());
        match inside {
            Some(inside) => slashed(&inside.join(below)),
            None => slashed(&Path::new(real.file_name().unwrap_or_default()).join(below)),
        }
    }
}

/// A path as text, with `/` on every system.
pub(super) fn slashed(path: &Path) -> String {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_string_lossy()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Makes ids that come twice (folders of one name, names that are no Unicode) unlike: `a.png`, `a.png~2`, in the order of the
/// paths.
pub(crate) fn tell_apart<'a>(named: impl IntoIterator<Item = (&'a mut String, PathBuf)>) {
    let mut by_id: BTreeMap<String, Vec<(PathBuf, &mut String)>> = BTreeMap::new();
    for (id, path) in named {
        by_id.entry(id.clone()).or_default().push((path, id));
    }
    let taken: BTreeSet<String> = by_id.keys().cloned().collect();
    for (base, mut twins) in by_id {
        twins.sort();
        let mut number = 1_usize;
        for (_, id) in twins.into_iter().skip(1) {
            while number == 1 || taken.contains(&format!("{base}~{number}")) {
                number += 1;
            }
            *id = format!("{base}~{number}");
            number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_loses_its_detours() {
        for (path, expected) in [
            ("a/./b/../c.png", "a/c.png"),
            ("../a", "../a"),
            ("a/../../b", "../b"),
            ("/../a", "/a"),
        ] {
            assert_eq!(normal_form(Path::new(path)), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn ids_that_come_twice_are_numbered() {
        let mut ids = ["a", "b", "a", "a~2", "a"].map(String::from);
        let paths = ["1", "2", "3", "4", "0"].map(PathBuf::from);
        tell_apart(ids.iter_mut().zip(paths));
        assert_eq!(ids, ["a~3", "b", "a~4", "a~2", "a"]);
    }
}
