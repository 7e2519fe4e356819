//! Folders, files and globs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::Own;
use super::entry::{Entry, Split};
use crate::error::{Error, Result};
use crate::files::{self, name, walk};
use crate::sample::{GOOD, Label};

/// The files that a folder, a file or a glob stands for.
pub(super) struct Found {
    /// The folder that they are below.
    pub(super) base: PathBuf,
    /// The same without links.
    pub(super) real: PathBuf,
    /// Images, by their names.
    pub(super) images: Vec<PathBuf>,
    /// Files that are no images by their names.
    pub(super) others: Vec<PathBuf>,
}

/// As what images are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Normal,
    Anomalous,
    TestNormal,
}

impl Role {
    fn key(self) -> &'static str {
        match self {
            Self::Normal => "`normal`",
            Self::Anomalous => "`anomalous`",
            Self::TestNormal => "`test_normal`",
        }
    }
}

impl Own<'_> {
    /// Reads `normal`, `anomalous` and `test_normal`.
    pub(super) fn read_folders(&mut self) {
        // By real path, so that one folder under two names is one.
        let mut seen: BTreeMap<PathBuf, Role> = BTreeMap::new();
        let spec = self.spec;
        for (role, list) in [
            (Role::Normal, &spec.normal),
            (Role::Anomalous, &spec.anomalous),
            (Role::TestNormal, &spec.test_normal),
        ] {
            for text in list {
                match find(&self.scan.dataset.root, text) {
                    Ok(found) => self.take(role, found, &mut seen),
                    Err(problem) => self.problem(problem),
                }
            }
        }
    }

    fn take(&mut self, role: Role, found: Found, seen: &mut BTreeMap<PathBuf, Role>) {
        let mut twice: Option<(PathBuf, Role)> = None;
        let mut more = 0;
        for path in found.images {
            let below = path
                .strip_prefix(&found.base)
                .unwrap_or(&path)
                .to_path_buf();
            match seen.insert(found.real.join(&below), role) {
                Some(other) if other == role => continue,
                Some(other) => {
                    match twice {
                        None => twice = Some((path, other)),
                        Some(_) => more += 1,
                    }
                    continue;
                }
                None => {}
            }
            self.entries.push(Entry {
                id: self.ids.id(&found.base, &found.real, &below),
                label: match role {
                    Role::Anomalous => Label::Anomalous {
                        kind: kind_of(&path, &found.real),
                    },
                    Role::Normal | Role::TestNormal => Label::Normal,
                },
                split: (role == Role::TestNormal).then_some(Split::Test),
                mask: None,
                group: None,
                below,
                path,
            });
        }
        if let Some((path, other)) = twice {
            self.problem(Error::TwoLabels {
                path,
                first: other.key(),
                second: role.key(),
                more,
            });
        }
        for path in found.others {
            self.scan.unused(path, "not an image by its name");
        }
    }
}

/// The kind of an anomalous image: the name of the folder that it lies in. `good` would say that it is normal.
fn kind_of(path: &Path, real_base: &Path) -> String {
    let folder = path.parent().map(name).filter(|name| !name.is_empty());
    let kind = folder.unwrap_or_else(|| name(real_base));
    match kind.as_str() {
        "" | "." | ".." | GOOD => "anomalous".into(),
        _ => kind,
    }
}

/// The files that `text` stands for: what lies there by this very name, else what matches it as a glob.
///
/// # Errors
/// When nothing lies there, nothing matches, or a folder has no image.
pub(super) fn find(root: &Path, text: &str) -> Result<Found> {
    let path = root.join(text);
    match fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => {
            let listing = walk(&path, usize::MAX)?;
            if listing.images.is_empty() {
                return Err(Error::EmptyFolder { path });
            }
            found(path, listing.images, listing.others)
        }
        Ok(_) => {
            let base = path.parent().unwrap_or(Path::new("")).to_path_buf();
            found(base, vec![path], Vec::new())
        }
        Err(_) if is_pattern(text) => glob(root, text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Error::FolderMissing { path })
        }
        Err(error) => Err(Error::read(&path)(error)),
    }
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

fn glob(root: &Path, text: &str) -> Result<Found> {
    let whole = root.join(text);
    let wrong = |error: globset::Error| Error::Entry {
        path: whole.clone(),
        place: "the pattern".into(),
        expected: "a glob".into(),
        found: error.kind().to_string(),
    };
    // The folder before the first part with a wildcard is where it starts; the rest is matched against what lies there.
    let mut base = root.to_path_buf();
    let mut rest: Vec<String> = Vec::new();
    for part in Path::new(text).components() {
        match part.as_os_str().to_str() {
            Some(part) if !rest.is_empty() || is_pattern(part) => rest.push(part.into()),
            _ if part == Component::CurDir => {}
            _ => base.push(part),
        }
    }
    let pattern = rest.join("/");
    let matcher = files::pattern(&pattern).map_err(wrong)?;
    if !base.is_dir() {
        return Err(Error::FolderMissing { path: base });
    }
    let any_depth = pattern.contains("**");
    let depth = if any_depth { usize::MAX } else { rest.len() };
    let listing = walk(&base, depth)?;
    let matches = |path: &PathBuf| {
        path.strip_prefix(&base)
            .is_ok_and(|below| matcher.is_match(below))
    };
    let [images, others] = [listing.images, listing.others]
        .map(|files| files.into_iter().filter(matches).collect::<Vec<_>>());
    if images.is_empty() {
        return Err(Error::NoMatch { path: whole });
    }
    found(base, images, others)
}

fn found(base: PathBuf, images: Vec<PathBuf>, others: Vec<PathBuf>) -> Result<Found> {
    let folder = match base.as_os_str().is_empty() {
        true => Path::new("."),
        false => &base,
    };
    let real = fs::canonicalize(folder).map_err(Error::read(folder))?;
    Ok(Found {
        real,
        base,
        images,
        others,
    })
}
