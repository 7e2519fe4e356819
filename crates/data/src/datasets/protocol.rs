//! What the protocols of several datasets have in common: where the root and the category are, which folder is missing, which
//! count differs from the official one.

use std::path::{Component, Path, PathBuf};

use super::Known;
use crate::error::Error;
use crate::files::name;
use crate::layout::Names;
use crate::scan::Scan;
use crate::spec::DatasetSpec;

/// A category and how many images the official set has of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Category {
    pub(super) name: &'static str,
    /// Normal images to learn from.
    train: usize,
    /// Normal and anomalous test images, where they are known.
    test: Option<[usize; 2]>,
}

impl Category {
    pub(super) const fn new(
        name: &'static str,
        train: usize,
        normal: usize,
        anomalous: usize,
    ) -> Self {
        Self {
            name,
            train,
            test: Some([normal, anomalous]),
        }
    }

    /// A category of which the sources agree on the training images alone.
    pub(super) const fn with_train(name: &'static str, train: usize) -> Self {
        Self {
            name,
            train,
            test: None,
        }
    }
}

/// A dataset in MVTec AD's layout: a folder for each category.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) known: Known,
    /// What its archive's own folder is called, in case that the folder above it is given.
    pub(super) archives: &'static [&'static str],
    pub(super) names: Names,
    pub(super) categories: &'static [Category],
}

impl Set {
    /// Finds the category's folder; a scan with a problem where there is none.
    pub(super) fn find(
        &self,
        spec: &DatasetSpec,
        root: &Path,
    ) -> Result<(Scan, Option<&'static Category>), Box<Scan>> {
        let mut scan = begin(self.known, spec, root, true)?;
        let train = self.names.train.first().copied().unwrap_or_default();
        let is_one = |folder: &Path| folder.join(train).is_dir();
        let names: Vec<_> = self.categories.iter().map(|one| one.name).collect();
        let holds_some = |folder: &Path| names.iter().any(|name| folder.join(name).is_dir());
        let root = below(root, self.archives, |folder| {
            is_one(folder) || holds_some(folder)
        });
        match category(self.known, spec, &root, &names, is_one) {
            Ok((folder, name)) => {
                let category = self.categories.iter().find(|one| Some(one.name) == name);
                scan.dataset.root = folder;
                Ok((scan, category))
            }
            Err(problem) => {
                scan.problems.push(problem);
                Err(Box::new(scan))
            }
        }
    }

    /// All of a set that is in MVTec AD's layout.
    pub(super) fn scan(&self, spec: &DatasetSpec, root: &Path) -> Scan {
        match self.find(spec, root) {
            Ok((mut scan, category)) => {
                need(&mut scan, &[self.names.test, self.names.masks]);
                scan.beside(&self.names, &[]);
                scan.folders(&self.names);
                if let Some(category) = category {
                    compare(&mut scan, category);
                }
                scan.sorted()
            }
            Err(scan) => *scan,
        }
    }
}

/// `root` if it is what is looked for, else the folder of that archive's name below it that is.
pub(super) fn below(root: &Path, archives: &[&str], is_it: impl Fn(&Path) -> bool) -> PathBuf {
    if is_it(root) {
        return root.to_path_buf();
    }
    let folders = archives.iter().map(|archive| root.join(archive));
    let mut fitting = folders.filter(|folder| is_it(folder));
    fitting.next().unwrap_or_else(|| root.to_path_buf())
}

/// The folder of the category that is asked for, or `root` where it is one itself; with the name if it is one of `all`.
pub(super) fn category<'a>(
    known: Known,
    spec: &DatasetSpec,
    root: &Path,
    all: &[&'a str],
    is_one: impl Fn(&Path) -> bool,
) -> Result<(PathBuf, Option<&'a str>), Error> {
    let there: Vec<_> = all.iter().filter(|one| root.join(one).is_dir()).collect();
    let there = if there.is_empty() {
        "none of them here".to_string()
    } else {
        let there: Vec<_> = there.into_iter().copied().collect();
        format!("here {}", there.join(", "))
    };
    let list = all.join(", ");
    let own = name(root);
    let own = all.iter().find(|one| **one == own).copied();
    let Some(wanted) = &spec.category else {
        if is_one(root) {
            return Ok((root.to_path_buf(), own));
        }
        return Err(Error::Protocol {
            path: root.to_path_buf(),
            kind: "category",
            expected: format!("one category of {known} ({list})"),
            found: there,
            todo: "name one with `--category`, or give its folder".into(),
        });
    };
    let Some(wanted) = all.iter().find(|one| *one == wanted).copied() else {
        return Err(Error::Protocol {
            path: root.to_path_buf(),
            kind: "category",
            expected: format!("a category of {known} ({list})"),
            found: format!("`{wanted}`"),
            todo: "change `--category`".into(),
        });
    };
    let folder = root.join(wanted);
    if folder.is_dir() {
        Ok((folder, Some(wanted)))
    } else if is_one(root) && own.is_none_or(|own| own == wanted) {
        Ok((root.to_path_buf(), Some(wanted)))
    } else {
        Err(Error::Protocol {
            path: folder,
            kind: "category-missing",
            expected: format!("this category's folder of {known}"),
            found: there,
            todo: "check the path, or unpack the archive again".into(),
        })
    }
}

/// Begins a scan of `root`; a scan with a problem if that is no folder, or if what is asked for is nothing that the dataset has.
pub(super) fn begin(
    known: Known,
    spec: &DatasetSpec,
    root: &Path,
    has_categories: bool,
) -> Result<Scan, Box<Scan>> {
    let mut scan = Scan::new(root);
    if !scan.has_root() {
        return Err(Box::new(scan));
    }
    let path = || root.to_path_buf();
    if let Some((key, class)) = spec.class() {
        scan.problems.push(Error::Protocol {
            path: path(),
            kind: "normal-class",
            expected: format!(
                "no {}, as {known} is no set of classes",
                key.replace('_', " ")
            ),
            found: format!("`{class}`"),
            todo: format!("leave `--{}` away", key.replace('_', "-")),
        });
    }
    if let (false, Some(category)) = (has_categories, &spec.category) {
        scan.problems.push(Error::Protocol {
            path: path(),
            kind: "category",
            expected: format!("no category, as {known} has one only"),
            found: format!("`{category}`"),
            todo: "leave `--category` away".into(),
        });
    }
    if scan.problems.is_empty() {
        Ok(scan)
    } else {
        Err(Box::new(scan))
    }
}

/// Adds a problem for each of these folders that is missing.
pub(super) fn need(scan: &mut Scan, parts: &[&str]) {
    for part in parts {
        let path = scan.dataset.root.join(part);
        if !path.is_dir() {
            scan.problems.push(Error::FolderMissing { path });
        }
    }
}

/// A problem for a file that a list names and that isn't there.
pub(super) fn missing(path: PathBuf, what: &str) -> Error {
    Error::Protocol {
        path,
        kind: "missing-file",
        expected: what.into(),
        found: "nothing by that name".into(),
        todo: "unpack the archive again".into(),
    }
}

/// Warns of each count that differs from the official one.
pub(super) fn compare(scan: &mut Scan, category: &Category) {
    expect(
        scan,
        "training images",
        scan.dataset.train.len(),
        category.train,
    );
    if let Some([normal, anomalous]) = category.test {
        let test = &scan.dataset.test;
        let bad = test.iter().filter(|test| test.sample.label.is_anomalous());
        let bad = bad.count();
        let good = test.len() - bad;
        expect(scan, "normal test images", good, normal);
        expect(scan, "anomalous test images", bad, anomalous);
    }
}

/// Warns if a count differs from the official one.
pub(super) fn expect(scan: &mut Scan, what: &str, found: usize, official: usize) {
    if found != official {
        let message = format!("has {found} of the official set's {official} {what}");
        let root = scan.dataset.root.clone();
        scan.warn(&root, "count", message);
    }
}

/// A path that a file of the dataset names, below its root; none if it would lead out.
pub(super) fn inside(root: &Path, named: &str) -> Option<PathBuf> {
    let named = Path::new(named);
    let inside = !named.as_os_str().is_empty()
        && named
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    inside.then(|| root.join(named))
}

/// Images of all categories: to learn from, normal and anomalous to test on.
#[cfg(test)]
pub(super) fn totals(categories: &[Category]) -> [usize; 3] {
    categories.iter().fold([0; 3], |sum, one| {
        let [normal, anomalous] = one.test.unwrap_or_default();
        [sum[0] + one.train, sum[1] + normal, sum[2] + anomalous]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_paths_stay_below_the_root() {
        let root = Path::new("root");
        assert_eq!(inside(root, "a/b.png"), Some(root.join("a/b.png")));
        for bad in ["", "../a.png", "a/../../b.png", "/etc/passwd"] {
            assert_eq!(inside(root, bad), None, "{bad}");
        }
    }
}
