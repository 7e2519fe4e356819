//! The layouts that are told by their folders alone: MVTec AD's, and a plain folder of normal images.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::files::{list_images, name, same_stems, stem};
use crate::mask::MaskSource;
use crate::sample::{GOOD, Label, TestSample};
use crate::scan::Scan;

/// Reads the names under `root`.
pub(crate) fn scan(root: &Path) -> Scan {
    let mut scan = Scan::new(root);
    match fs::metadata(root) {
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => {
            scan.problems.push(Error::FolderMissing {
                path: root.to_path_buf(),
            });
        }
        Err(source) => scan.problems.push(Error::Read {
            path: root.to_path_buf(),
            source,
        }),
        Ok(metadata) if !metadata.is_dir() => scan.problems.push(Error::NotAFolder {
            path: root.to_path_buf(),
        }),
        Ok(_)
            if ["train", "test", "ground_truth"]
                .iter()
                .any(|part| root.join(part).is_dir()) =>
        {
            scan.mvtec()
        }
        Ok(_) => scan.plain(),
    }
    scan.sorted()
}

impl Scan {
    /// A folder of normal images.
    fn plain(&mut self) {
        let root = self.dataset.root.clone();
        let listing = self.list(&root);
        // Taking several datasets for one folder of normal images would train on their defects without a word.
        let names: Vec<String> = listing
            .folders
            .iter()
            .filter(|f| f.join("train").is_dir())
            .map(|f| name(f))
            .collect();
        if !names.is_empty() {
            self.problems.push(Error::SeveralDatasets {
                path: root,
                names: names.join(", "),
            });
            return;
        }
        if listing.images.is_empty() && listing.folders.iter().any(|folder| name(folder) == GOOD) {
            let message = "its subfolders are all taken for normal images; if `good` alone is, give that folder, or \
                           arrange the set as train/good, test/<kind>";
            self.warn(&root, "all-taken-for-normal", message.into());
        }
        match list_images(&root) {
            Ok(images) => {
                self.problems.extend(same_stems(&images));
                self.dataset.train = images
                    .iter()
                    .map(|path| self.sample(path, Label::Normal))
                    .collect();
            }
            Err(error) => self.problems.push(error),
        }
    }

    /// MVTec AD's layout.
    pub(crate) fn mvtec(&mut self) {
        let root = self.dataset.root.clone();
        let good = root.join("train").join(GOOD);
        let train = if good.is_dir() {
            self.images(&good)
        } else {
            Vec::new()
        };
        self.dataset.train = train
            .iter()
            .map(|path| self.sample(path, Label::Normal))
            .collect();
        for folder in self.list(&root.join("train")).folders {
            if name(&folder) != GOOD {
                self.warn(
                    &folder,
                    "not-used",
                    "is not used: training images are those in train/good".into(),
                );
            }
        }

        let mut images = Vec::new();
        for folder in self.list(&root.join("test")).folders {
            images.push((name(&folder), self.images(&folder)));
        }
        let mut masks: BTreeMap<String, BTreeMap<String, PathBuf>> = BTreeMap::new();
        for folder in self.list(&root.join("ground_truth")).folders {
            let files = self.images(&folder);
            masks.insert(
                name(&folder),
                files.into_iter().map(|path| (stem(&path), path)).collect(),
            );
        }
        self.pair(images, masks);

        if self.dataset.train.is_empty() {
            let empty = self.dataset.test.is_empty() && self.problems.is_empty();
            // First, as it is what `Dataset::open` should say.
            let problem = if empty {
                Error::EmptyFolder { path: root }
            } else {
                Error::NoNormalImage {
                    path: root,
                    expected: good,
                }
            };
            self.problems.insert(0, problem);
        }
    }

    /// Gives every anomalous test image its mask; what is left over on either side is a problem.
    fn pair(
        &mut self,
        images: Vec<(String, Vec<PathBuf>)>,
        mut masks: BTreeMap<String, BTreeMap<String, PathBuf>>,
    ) {
        let ground_truth = self.dataset.root.join("ground_truth");
        let any_mask = masks.values().any(|folder| !folder.is_empty());
        for (kind, files) in images {
            let mut of_kind = masks.remove(&kind).unwrap_or_default();
            let mut used = BTreeSet::new();
            for path in files {
                let stem = stem(&path);
                let names = [format!("{stem}_mask"), stem];
                let mask = self.one_of(names.iter().filter_map(|name| of_kind.get(name)));
                if kind == GOOD {
                    if let Some(mask) = &mask {
                        self.warn(
                            mask,
                            "not-used",
                            "is not used: it marks a normal image".into(),
                        );
                    }
                    let sample = self.sample(&path, Label::Normal);
                    self.dataset.test.push(TestSample { sample, mask: None });
                } else {
                    let label = Label::Anomalous { kind: kind.clone() };
                    let sample = self.sample(&path, label);
                    let has_mask = mask.is_some();
                    let mask = mask.map(MaskSource::image);
                    self.dataset.test.push(TestSample { sample, mask });
                    if !has_mask && any_mask {
                        let expected = ground_truth.join(&kind).join(format!("{}.png", names[0]));
                        self.problems
                            .push(Error::ImageWithoutMask { path, expected });
                    }
                }
                used.extend(names);
            }
            of_kind.retain(|name, _| !used.contains(name));
            masks.insert(kind, of_kind);
        }
        for (kind, left_over) in masks {
            let expected = self.dataset.root.join("test").join(kind);
            for path in left_over.into_values() {
                let expected = expected.clone();
                self.problems
                    .push(Error::MaskWithoutImage { path, expected });
            }
        }
    }

    /// The one mask of an image; a second one is a problem.
    fn one_of<'a>(&mut self, mut masks: impl Iterator<Item = &'a PathBuf>) -> Option<PathBuf> {
        let first = masks.next().cloned();
        if let (Some(path), Some(other)) = (&first, masks.next()) {
            self.problems.push(Error::SameStem {
                path: path.clone(),
                other: other.clone(),
            });
        }
        first
    }
}
