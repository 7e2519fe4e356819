//! Which images make up a dataset, as a user says it: by a public dataset's name, by an index or folders of their own, or by
//! nothing but the folder, whose layout then tells.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::datasets::{self, Known};
use crate::error::{Error, Result};
use crate::layout::{self, ALL_TAKEN};
use crate::own;
use crate::scan::{Scan, Warning};

/// Which images make up a dataset. The default is what the folder's own layout says ([`Dataset`]).
///
/// `normal`, `anomalous`, `test_normal`, `masks`, `index` and `annotations` are relative to the root. Images that they say
/// nothing of are split by [`test_share`](Self::test_share), groups whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatasetSpec {
    /// A public dataset, by its own layout and protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Known>,
    /// One of its categories (MVTec AD's `bottle`, ShanghaiTech's scene `01`), where it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The one class that is normal, where the dataset is one of classes (MNIST's digits).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normal_class: Option<u8>,
    /// The one class that is anomalous, in place of `normal_class`: all others are normal, and learnt with their classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anomalous_class: Option<u8>,
    /// Normal images: folders (with those below them), files, or globs (`parts/*/ok/*.png`, `**` across folders).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub normal: Vec<String>,
    /// Anomalous images, likewise. Each one's kind is the name of the folder that it is in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub anomalous: Vec<String>,
    /// Normal images to test on, likewise; with them all of `normal` is learnt from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub test_normal: Vec<String>,
    /// Masks of the anomalous images: a folder or a glob. Names may be any that tell one image each (see `data check`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masks: Option<String>,
    /// An index, CSV or Parquet, with the columns `path,label,kind,mask,split,group`, of which the first two are needed;
    /// paths are relative to its own folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<PathBuf>,
    /// Outlines of the defects: a COCO JSON, or a folder of LabelMe JSONs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<PathBuf>,
    /// The share of the normal images that are tested on, in [0, 1), where there are anomalous images and nothing says which
    /// normal ones to test on; at least one image.
    #[serde(skip_serializing_if = "is_default_share")]
    pub test_share: f64,
    /// Seed of that choice.
    #[serde(skip_serializing_if = "is_zero")]
    pub split_seed: u64,
    /// Whether equal images, and images of one group, may be in train and test: told, but not refused.
    #[serde(skip_serializing_if = "is_false")]
    pub allow_leaks: bool,
    /// Whether an index may name files that are neither below its folder nor below the root. Links are not looked at: what a link
    /// below the root leads to counts as below it.
    #[serde(skip_serializing_if = "is_false")]
    pub outside: bool,
}

/// One normal image in five is tested on.
const TEST_SHARE: f64 = 0.2;

impl Default for DatasetSpec {
    fn default() -> Self {
        Self {
            name: None,
            category: None,
            normal_class: None,
            anomalous_class: None,
            normal: Vec::new(),
            anomalous: Vec::new(),
            test_normal: Vec::new(),
            masks: None,
            index: None,
            annotations: None,
            test_share: TEST_SHARE,
            split_seed: 0,
            allow_leaks: false,
            outside: false,
        }
    }
}

fn is_default_share(share: &f64) -> bool {
    *share == TEST_SHARE
}

fn is_zero(seed: &u64) -> bool {
    *seed == 0
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl DatasetSpec {
    /// Finds the images below `root`. Of image files only names are looked at; see [`check`](crate::check()) for the contents.
    ///
    /// # Errors
    /// The first problem found.
    pub fn open(&self, root: impl AsRef<Path>) -> Result<Dataset> {
        Self::found(self.scan(root.as_ref()))
    }

    fn found(scan: Scan) -> Result<Dataset> {
        if let Some(problem) = scan.problems.into_iter().next() {
            return Err(problem);
        }
        for (path, warning) in scan.warnings {
            match warning.kind {
                own::NOTE => tracing::info!("{}: {}", path.display(), warning.message),
                _ => tracing::warn!("{}: {}", path.display(), warning.message),
            }
        }
        Ok(scan.dataset)
    }

    /// [`open`](Self::open) for whoever wants normal images alone: a plain folder whose subfolders may be kinds of test images, as there
    /// is a `good` among them, is an error and no warning.
    ///
    /// # Errors
    /// The first problem found; [`Error::Malformed`] for such a folder.
    pub fn open_normal(&self, root: impl AsRef<Path>) -> Result<Dataset> {
        let scan = self.scan(root.as_ref());
        let doubtful = |(_, warning): &&(PathBuf, Warning)| warning.kind == ALL_TAKEN;
        if let Some((path, _)) = scan.warnings.iter().find(doubtful) {
            return Err(Error::Malformed {
                path: path.clone(),
                expected: "a folder of normal images".into(),
                found: "`good` beside other folders, which may be of anomalous images".into(),
                advice: "give `good` alone, or move what is not normal away",
            });
        }
        Self::found(scan)
    }

    /// Everything that is found, problems too.
    pub(crate) fn scan(&self, root: &Path) -> Scan {
        let category = self.category.as_ref();
        let category = category.map(|category| ("category", format!("`{category}`")));
        let named = category.or(self.class().map(|(key, _)| (key, "one".into())));
        match (self.name, named) {
            (None, Some((key, found))) => {
                let mut scan = Scan::new(root);
                scan.problems.push(Error::Setting {
                    key,
                    expected: "none without the `name` of a public dataset that has several",
                    found,
                });
                scan
            }
            _ if self.is_own() => own::scan(self, root),
            (Some(name), _) => datasets::scan(name, self, root),
            (None, None) => layout::scan(root),
        }
    }

    /// The class that it names, and the setting that names it.
    pub(crate) fn class(&self) -> Option<(&'static str, u8)> {
        let normal = self.normal_class.map(|class| ("normal_class", class));
        normal.or(self.anomalous_class.map(|class| ("anomalous_class", class)))
    }

    /// Whether it names the user's own files, so that the folder's layout says nothing.
    pub fn is_own(&self) -> bool {
        [&self.normal, &self.anomalous, &self.test_normal]
            .iter()
            .any(|list| !list.is_empty())
            || self.masks.is_some()
            || self.index.is_some()
            || self.annotations.is_some()
    }
}
