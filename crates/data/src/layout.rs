//! The layouts that are told by their folders alone: MVTec AD's, and a plain folder of normal images.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::files::{name, same_stems, stem, walk};
use crate::mask::MaskSource;
use crate::sample::{GOOD, Label, TestSample};
use crate::scan::Scan;

/// The warning of a plain folder with folders in it of which one is called as normal images are.
pub(crate) const ALL_TAKEN: &str = "all-taken-for-normal";

/// What the folders of MVTec AD's layout are called in a set that took it over, from the root on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    /// The folders of normal images to learn from.
    pub(crate) train: &'static [&'static str],
    /// The folder of the folders of test images, one for each kind.
    pub(crate) test: &'static str,
    /// The kind that is normal.
    pub(crate) normal: &'static str,
    /// The folder of the folders of masks, one for each kind.
    pub(crate) masks: &'static str,
}

/// MVTec AD's own.
pub(crate) const MVTEC: Names = Names {
    train: &["train/good"],
    test: "test",
    normal: GOOD,
    masks: "ground_truth",
};

/// Reads the names under `root`.
pub(crate) fn scan(root: &Path) -> Scan {
    let mut scan = Scan::new(root);
    if scan.has_root() {
        let known = ["train", "test", "ground_truth"];
        if known.iter().any(|part| root.join(part).is_dir()) {
            scan.beside(&MVTEC, &[]);
            scan.folders(&MVTEC);
        } else {
            scan.plain();
        }
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
            self.warn(&root, ALL_TAKEN, message.into());
        }
        match walk(&root, usize::MAX) {
            Ok(found) if found.images.is_empty() => {
                self.problems.push(Error::EmptyFolder { path: root });
            }
            Ok(found) => {
                for path in found.others {
                    self.unused(path, "not an image by its name");
                }
                self.problems.extend(same_stems(&found.images));
                self.dataset.train = found
                    .images
                    .iter()
                    .map(|path| self.sample(path, Label::Normal))
                    .collect();
            }
            Err(error) => self.problems.push(error),
        }
    }

    /// MVTec AD's layout, under the names of a set.
    pub(crate) fn folders(&mut self, names: &Names) {
        let train = self.train_folders(names);
        let images = self.test_folders(names);
        let mut masks: BTreeMap<String, BTreeMap<String, PathBuf>> = BTreeMap::new();
        for folder in self.folders_in(&self.dataset.root.join(names.masks)) {
            let files = self.images(&folder);
            masks.insert(
                name(&folder),
                files.into_iter().map(|path| (stem(&path), path)).collect(),
            );
        }
        self.pair(names, images, masks);
        if self.dataset.test.is_empty() && self.problems.is_empty() && self.dataset.train.is_empty()
        {
            let path = self.dataset.root.clone();
            self.problems.push(Error::EmptyFolder { path });
        } else {
            self.require_train(train);
        }
    }

    /// What lies in the root beside the folders of the layout, and beside `known`, is not used: files, and all below other folders.
    pub(crate) fn beside(&mut self, names: &Names, known: &[&str]) {
        let root = self.dataset.root.clone();
        let layout = names.train.iter().chain([&names.test, &names.masks]);
        let tops: BTreeSet<PathBuf> = layout
            .chain(known)
            .filter_map(|part| Path::new(part).components().next())
            .map(|top| root.join(top))
            .collect();
        let listing = self.list(&root);
        for path in listing.images.into_iter().chain(listing.others) {
            if !tops.contains(&path) {
                self.unused(path, "beside the folders that images are in");
            }
        }
        for folder in listing.folders {
            if !tops.contains(&folder) {
                self.unknown_folder(&folder);
            }
        }
    }

    /// A folder that the layout doesn't know. What is in it is nobody's business, so that it is no problem if it cannot be read.
    fn unknown_folder(&mut self, folder: &Path) {
        match walk(folder, usize::MAX) {
            Ok(found) => {
                if !found.images.is_empty() {
                    let message = format!(
                        "is not used, nor the {} images in it: no folder of this layout",
                        found.images.len()
                    );
                    self.warn(folder, "not-used", message);
                }
                for path in found.images.into_iter().chain(found.others) {
                    self.unused(path, "in no folder of the layout");
                }
            }
            Err(problem) => self.warn(folder, "not-used", problem.to_string()),
        }
    }

    /// Takes the training images in; gives the folder that they are expected in.
    pub(crate) fn train_folders(&mut self, names: &Names) -> PathBuf {
        let root = self.dataset.root.clone();
        let folders: Vec<_> = names.train.iter().map(|part| root.join(part)).collect();
        for folder in &folders {
            for path in self.images(folder) {
                let sample = self.sample(&path, Label::Normal);
                self.dataset.train.push(sample);
            }
        }
        let mut above: Vec<_> = folders
            .iter()
            .filter_map(|folder| folder.parent())
            .collect();
        above.dedup();
        for folder in above {
            for beside in self.folders_in(folder) {
                if !folders.contains(&beside) {
                    let message = format!(
                        "is not used: training images are those in {}",
                        names.train.join(" and ")
                    );
                    self.warn(&beside, "not-used", message);
                    self.unused_below(&beside, "no folder of normal training images");
                }
            }
        }
        folders.into_iter().next().unwrap_or(root)
    }

    /// The test images, by kind.
    pub(crate) fn test_folders(&mut self, names: &Names) -> Vec<(String, Vec<PathBuf>)> {
        let root = self.dataset.root.clone();
        let masks = root.join(names.masks);
        let folders = self.folders_in(&root.join(names.test));
        let kinds = folders.into_iter().filter(|folder| *folder != masks);
        kinds
            .map(|folder| (name(&folder), self.images(&folder)))
            .collect()
    }

    /// Puts a problem before all others where there is nothing to learn from: it is what opening the set should say.
    pub(crate) fn require_train(&mut self, expected: PathBuf) {
        if self.dataset.train.is_empty() {
            let path = self.dataset.root.clone();
            self.problems
                .insert(0, Error::NoNormalImage { path, expected });
        }
    }

    /// Gives every anomalous test image its mask; what is left over on either side is a problem.
    fn pair(
        &mut self,
        names: &Names,
        images: Vec<(String, Vec<PathBuf>)>,
        mut masks: BTreeMap<String, BTreeMap<String, PathBuf>>,
    ) {
        let ground_truth = self.dataset.root.join(names.masks);
        let any_mask = masks.values().any(|folder| !folder.is_empty());
        for (kind, files) in images {
            let mut of_kind = masks.remove(&kind).unwrap_or_default();
            let mut used = BTreeSet::new();
            for path in files {
                let stem = stem(&path);
                let stems = [format!("{stem}_mask"), stem];
                let mask = self.one_of(stems.iter().filter_map(|name| of_kind.get(name)));
                if kind == names.normal {
                    if let Some(mask) = mask {
                        let message = "is not used: it marks a normal image";
                        self.warn(&mask, "not-used", message.into());
                        self.unused(mask, "the mask of a normal image");
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
                        let expected = ground_truth.join(&kind).join(format!("{}.png", stems[0]));
                        self.problems
                            .push(Error::ImageWithoutMask { path, expected });
                    }
                }
                used.extend(stems);
            }
            of_kind.retain(|name, _| !used.contains(name));
            masks.insert(kind, of_kind);
        }
        for (kind, left_over) in masks {
            let expected = self.dataset.root.join(names.test).join(kind);
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
