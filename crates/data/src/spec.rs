//! Which images make up a dataset, as a user says it: by a public dataset's name, by an index or folders of their own, or by
//! nothing but the folder, whose layout then tells.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::datasets::{self, Known};
use crate::error::Result;
use crate::layout;
use crate::scan::Scan;

/// Which images make up a dataset. The default is what the folder's own layout says ([`Dataset`]).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
}

impl DatasetSpec {
    /// Finds the images below `root`. Of image files only names are looked at; see [`check`](crate::check()) for the contents.
    ///
    /// # Errors
    /// The first problem found.
    pub fn open(&self, root: impl AsRef<Path>) -> Result<Dataset> {
        let scan = self.scan(root.as_ref());
        if let Some(problem) = scan.problems.into_iter().next() {
            return Err(problem);
        }
        for (path, warning) in scan.warnings {
            tracing::warn!("{}: {}", path.display(), warning.message);
        }
        Ok(scan.dataset)
    }

    /// Everything that is found, problems too.
    pub(crate) fn scan(&self, root: &Path) -> Scan {
        match self.name {
            Some(name) => datasets::scan(name, self, root),
            None => layout::scan(root),
        }
    }
}
