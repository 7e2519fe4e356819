//! What the names of a dataset's files say: found problems are collected instead of stopping at the first, so that
//! `Dataset::open` and `check` can never disagree about what a good dataset is.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::dataset::{Dataset, Unused};
use crate::error::Error;
use crate::files::{Listing, list_folder, same_stems, walk};
use crate::own::tell_apart;
use crate::sample::{Label, Sample, TestSample};

/// Something odd that does not keep a dataset from being used.
#[derive(Debug)]
pub(crate) struct Warning {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
}

/// What was found under a root.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(crate) dataset: Dataset,
    pub(crate) problems: Vec<Error>,
    pub(crate) warnings: Vec<(PathBuf, Warning)>,
}

impl Scan {
    /// Nothing found yet.
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            dataset: Dataset {
                root: root.to_path_buf(),
                train: Vec::new(),
                test: Vec::new(),
                unused: Vec::new(),
            },
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Brings the images into the order of their ids, which is that of everything that is done with them.
    pub(crate) fn sorted(mut self) -> Self {
        self.unlike_ids();
        self.dataset.train.sort_by(|a, b| a.id.cmp(&b.id));
        let by_id = |a: &TestSample, b: &TestSample| a.sample.id.cmp(&b.sample.id);
        self.dataset.test.sort_by(by_id);
        self
    }

    /// Names that are no Unicode may read alike, but no two images may have one id.
    fn unlike_ids(&mut self) {
        let Dataset { train, test, .. } = &mut self.dataset;
        let test = test.iter_mut().map(|test| &mut test.sample);
        let odd = train
            .iter_mut()
            .chain(test)
            .filter(|sample| sample.id.contains('\u{FFFD}'));
        tell_apart(odd.map(|sample| {
            let path = sample.path().to_path_buf();
            (&mut sample.id, path)
        }));
    }

    /// The images directly in a folder, with a problem for each stem that comes twice and a warning for what is no image.
    pub(crate) fn images(&mut self, folder: &Path) -> Vec<PathBuf> {
        let listing = self.list(folder);
        self.problems.extend(same_stems(&listing.images));
        if let Some(first) = listing.others.first().or(listing.folders.first()) {
            let message = format!(
                "is not used, nor {} more beside it: not an image by its name",
                listing.others.len() + listing.folders.len() - 1
            );
            self.warn(first, "not-used", message);
        }
        for path in listing.others {
            self.unused(path, "not an image by its name");
        }
        for folder in listing.folders {
            self.unused_below(&folder, "in a folder below the images");
        }
        listing.images
    }

    /// What a folder holds; nothing where it is missing, nothing and a problem where it is unreadable.
    pub(crate) fn list(&mut self, folder: &Path) -> Listing {
        if !folder.exists() {
            return Listing::default();
        }
        list_folder(folder).unwrap_or_else(|problem| {
            self.problems.push(problem);
            Listing::default()
        })
    }

    /// The folders in a folder that should hold nothing else; files beside them are not used.
    pub(crate) fn folders_in(&mut self, folder: &Path) -> Vec<PathBuf> {
        let listing = self.list(folder);
        for path in listing.images.into_iter().chain(listing.others) {
            self.unused(path, "beside the folders that images are in");
        }
        listing.folders
    }

    pub(crate) fn warn(&mut self, path: &Path, kind: &'static str, message: String) {
        self.warnings
            .push((path.to_path_buf(), Warning { kind, message }));
    }

    /// A file that was seen and is not used: none may go without a word.
    pub(crate) fn unused(&mut self, path: PathBuf, why: &'static str) {
        self.dataset.unused.push(Unused { path, why });
    }

    /// As [`Scan::unused`], for all files in and below a folder.
    pub(crate) fn unused_below(&mut self, folder: &Path, why: &'static str) {
        match walk(folder, usize::MAX) {
            Ok(found) => {
                for path in found.images.into_iter().chain(found.others) {
                    self.unused(path, why);
                }
            }
            Err(problem) => self.problems.push(problem),
        }
    }

    /// Whether the root is a folder; a problem if it isn't.
    pub(crate) fn has_root(&mut self) -> bool {
        let path = self.dataset.root.clone();
        let problem = match fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => return true,
            Ok(_) => Error::NotAFolder { path },
            Err(source) if source.kind() == ErrorKind::NotFound => Error::FolderMissing { path },
            Err(source) => Error::Read { path, source },
        };
        self.problems.push(problem);
        false
    }

    /// The image at `path`, its id relative to the root.
    pub(crate) fn sample(&self, path: &Path, label: Label) -> Sample {
        Sample::found(&self.dataset.root, path, label)
    }
}
