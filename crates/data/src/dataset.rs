//! A dataset: the training and test images of one category, found on disk.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::mask::MaskSource;
use crate::sample::{Sample, TestSample};
use crate::spec::DatasetSpec;
use crate::split::Test;

/// The images of one category.
///
/// Two layouts are known. MVTec AD's, used by most public sets:
///
/// ```text
/// train/good/000.png            normal images to learn from
/// test/good/000.png             normal images to test on
/// test/<kind>/000.png           anomalous images of a kind
/// ground_truth/<kind>/000_mask.png   (or 000.png) nonzero where the defect is; the whole folder may be missing
/// ```
///
/// and a plain folder of normal images (with those of the folders below it), which are all for training.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// The folder it was opened from.
    pub root: PathBuf,
    /// Normal images to learn from, sorted by id.
    pub train: Vec<Sample>,
    /// Images to test on, sorted by id; empty for a plain folder.
    pub test: Vec<TestSample>,
    /// Files that were seen and are not used.
    pub unused: Vec<Unused>,
}

/// A file of a dataset that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// The file.
    pub path: PathBuf,
    /// Why, as in "not an image by its name".
    pub why: &'static str,
}

/// How many files were seen, how many of them are used, and why the others are not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Used and refused.
    pub seen: usize,
    /// Images that are learnt from, calibrated on or tested on.
    pub used: usize,
    /// The others, by their reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refused: BTreeMap<String, usize>,
}

impl Tally {
    /// So many of those that were used are not, for this reason.
    pub fn refuse(&mut self, images: usize, why: &str) {
        if images > 0 {
            self.used = self.used.saturating_sub(images);
            *self.refused.entry(why.to_owned()).or_default() += images;
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} seen, {} used", self.seen, self.used)?;
        for (why, images) in &self.refused {
            write!(to, ", {images} not ({why})")?;
        }
        Ok(())
    }
}

impl Dataset {
    /// Finds the images of a folder. Only names are looked at; see [`check`](crate::check()) for the contents.
    ///
    /// # Errors
    /// The first problem found: a missing or empty folder, no normal image, an image without its mask where others have
    /// one, a mask without its image, two files with one stem in one folder, or a folder of several datasets.
    pub fn open(root: impl AsRef<Path>) -> Result<Self> {
        DatasetSpec::default().open(root)
    }

    /// How many files were seen, used and refused.
    pub fn tally(&self) -> Tally {
        let used = self.train.len() + self.test.len();
        let mut refused = BTreeMap::new();
        for Unused { why, .. } in &self.unused {
            *refused.entry((*why).to_string()).or_default() += 1;
        }
        Tally {
            seen: used + self.unused.len(),
            used,
            refused,
        }
    }

    /// How many test images there are of each kind; `"good"` are the normal ones.
    pub fn kinds(&self) -> BTreeMap<&str, usize> {
        let mut kinds = BTreeMap::new();
        for TestSample { sample, .. } in &self.test {
            *kinds.entry(sample.label.kind()).or_default() += 1;
        }
        kinds
    }

    /// Whether anomalous test images have masks; if one has, all have.
    pub fn has_masks(&self) -> bool {
        self.test.iter().any(|test| test.mask.is_some())
    }

    /// The test images, in a type that says so.
    pub fn test_split(&self) -> Test {
        self.test.clone().into()
    }

    /// SHA-256 over every image's split, id, bytes and group and its mask's bytes, as 64 hexadecimal digits; and over its label, where
    /// that is the user's word and not told by a public set's files.
    ///
    /// It does not depend on where the folder is, so that a copy of a dataset has the fingerprint of the original.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn fingerprint(&self) -> Result<String> {
        Ok(self.fingerprint_and_digests()?.0)
    }

    /// [`Dataset::fingerprint`], and what it is made of: SHA-256 of every image's bytes, those for training first.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn fingerprint_and_digests(&self) -> Result<(String, Vec<[u8; 32]>)> {
        let samples = self.samples_and_masks();
        let digests = samples
            .par_iter()
            .map(|(sample, mask)| {
                let mask = mask.map(MaskSource::digest).transpose()?;
                Ok((sample.source.digest()?, mask))
            })
            .collect::<Result<Vec<_>>>()?;
        let mut whole = Sha256::new();
        whole.update((self.train.len() as u64).to_le_bytes());
        for ((sample, _), (image, mask)) in samples.iter().zip(&digests) {
            // Lengths first, so that no two lists of fields run together to the same bytes.
            whole.update((sample.id.len() as u64).to_le_bytes());
            whole.update(sample.id.as_bytes());
            whole.update(image);
            whole.update([u8::from(mask.is_some())]);
            whole.update(mask.unwrap_or_default());
        }
        // Groups decide what is held out. A set without them has the fingerprint that it had before there were any.
        if samples.iter().any(|(sample, _)| sample.group.is_some()) {
            for (sample, _) in &samples {
                let group = sample.group.as_deref().unwrap_or_default();
                whole.update([u8::from(sample.group.is_some())]);
                whole.update((group.len() as u64).to_le_bytes());
                whole.update(group.as_bytes());
            }
        }
        if samples.iter().any(|(sample, _)| sample.is_given) {
            whole.update(b"labels");
            for (sample, _) in &samples {
                let kind = sample.label.kind();
                whole.update([u8::from(sample.label.is_anomalous())]);
                whole.update((kind.len() as u64).to_le_bytes());
                whole.update(kind.as_bytes());
            }
        }
        // Likewise: the classes of normal images are learnt.
        if samples.iter().any(|(sample, _)| sample.class.is_some()) {
            whole.update(b"classes");
            for (sample, _) in &samples {
                whole.update([u8::from(sample.class.is_some()), sample.class.unwrap_or(0)]);
            }
        }
        let images = digests.into_iter().map(|(image, _)| image).collect();
        Ok((hex(&whole.finalize()), images))
    }

    /// All images, those for training first, each with its mask where it has one.
    pub(crate) fn samples_and_masks(&self) -> Vec<(&Sample, Option<&MaskSource>)> {
        let train = self.train.iter().map(|sample| (sample, None));
        let test = self
            .test
            .iter()
            .map(|test| (&test.sample, test.mask.as_ref()));
        train.chain(test).collect()
    }
}

/// A digest as it is written: in hexadecimal, lower case.
pub fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of a file's bytes, read in pieces so that its size does not matter.
///
/// # Errors
/// [`Error::Read`] with the file.
pub fn hash_file(path: &Path) -> Result<[u8; 32]> {
    let mut file = File::open(path).map_err(Error::read(path))?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(read) => hash.update(piece.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::read(path)(error)),
        }
    }
}
