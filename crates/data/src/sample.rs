//! One image on disk with what is known of it: to whoever learns, and to whoever measures.

use std::path::Path;

use crate::dataset::hex;
use crate::error::Result;
use crate::mask::MaskSource;
use crate::source::ImageSource;

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

/// An image on disk with what is known of it, but for where its defect lies.
///
/// It has no mask, by type: everything that loads images to learn from takes samples, so that no training can look at the
/// masks of the test images, not even of those that a weakly supervised method learns from. Masks are [`TestSample`]'s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Path relative to the dataset's root with `/` between its parts on every system: `test/scratch/003.png`.
    pub id: String,
    /// Where its pixels are.
    pub source: ImageSource,
    /// What it is known to be.
    pub label: Label,
    /// Which of the normal classes it is of, numbered from 0 without gaps, where a set has several ([`crate::DatasetSpec::anomalous_class`]).
    pub class: Option<u8>,
    /// What it shows, where several images show one thing (a part photographed twice): they stay on one side of every split.
    pub group: Option<String>,
    /// Whether its label is the user's word: then nothing else that is hashed tells it.
    pub(crate) is_given: bool,
}

impl Sample {
    /// The image at `path` below the folder `root`, without a mask.
    pub fn found(root: &Path, path: &Path, label: Label) -> Self {
        let relative = path.strip_prefix(root).unwrap_or(path);
        let parts: Vec<_> = relative
            .components()
            .map(|part| part.as_os_str().to_string_lossy())
            .collect();
        Self::new(parts.join("/"), path.to_path_buf(), label)
    }

    /// An image of no group.
    pub fn new(id: impl Into<String>, source: impl Into<ImageSource>, label: Label) -> Self {
        Self {
            id: id.into(),
            source: source.into(),
            label,
            class: None,
            group: None,
            is_given: false,
        }
    }

    /// The image's file, or its archive and number: what messages call it.
    pub fn path(&self) -> &Path {
        self.source.path()
    }

    /// SHA-256 of the image's bytes, as 64 hexadecimal digits: what tells it again under another name or folder.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn sha256(&self) -> Result<String> {
        Ok(hex(&self.source.digest()?))
    }
}

/// A test image: alone among all images it may have a mask, as masks are there to measure with and never to learn from.
#[derive(Debug, Clone, PartialEq)]
pub struct TestSample {
    /// The image.
    pub sample: Sample,
    /// What marks its defect, for anomalous images of a set that has masks. A normal image has none.
    pub mask: Option<MaskSource>,
}
