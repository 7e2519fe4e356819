//! One image on disk with what is known of it.

use std::path::{Path, PathBuf};

/// The folder, and the kind, of images without a defect.
pub(crate) const GOOD: &str = "good";

/// What an image is known to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Label {
    /// Nothing is wrong with it.
    Normal,
    /// It has a defect.
    Anomalous {
        /// The kind of defect: its folder's name under `test`.
        kind: String,
    },
}

impl Label {
    /// Whether it has a defect.
    pub fn is_anomalous(&self) -> bool {
        matches!(self, Self::Anomalous { .. })
    }

    /// The kind of defect, or `"good"` for a normal image.
    pub fn kind(&self) -> &str {
        match self {
            Self::Normal => GOOD,
            Self::Anomalous { kind } => kind,
        }
    }
}

/// An image on disk with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Path relative to the dataset's root with `/` between its parts on every system: `test/scratch/003.png`.
    pub id: String,
    /// Where the image is.
    pub path: PathBuf,
    /// What it is known to be.
    pub label: Label,
    /// The file that marks its defect, for anomalous images of a set that has masks. A normal image has none.
    pub mask: Option<PathBuf>,
}

impl Sample {
    /// The image at `path` below the folder `root`, without a mask.
    pub fn found(root: &Path, path: &Path, label: Label) -> Self {
        let relative = path.strip_prefix(root).unwrap_or(path);
        let parts: Vec<_> = relative
            .components()
            .map(|part| part.as_os_str().to_string_lossy())
            .collect();
        Self {
            id: parts.join("/"),
            path: path.to_path_buf(),
            label,
            mask: None,
        }
    }
}
