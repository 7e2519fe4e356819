//! Which images and masks a run was measured on: figures of other ones are not its own.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use cavga_data::DatasetSpec;

use crate::{Error, Result};

/// Digests of test sets, each taken once: images and masks, with what is known of them. Clones share what is taken.
#[derive(Debug, Clone, Default)]
pub struct TestSets(Arc<Mutex<BTreeMap<(PathBuf, String), String>>>);

impl TestSets {
    /// The digest of a dataset's test images.
    ///
    /// # Errors
    /// Those of the dataset and its files.
    pub(crate) fn digest(&self, data: &Path, which: &DatasetSpec) -> Result<String> {
        let spec = serde_json::to_string(which).map_err(|error| Error::Config {
            origin: "data.dataset".to_owned(),
            why: error.to_string(),
        })?;
        let key = (data.to_owned(), spec);
        // Held while it is taken: whoever else asks would only read the same files.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(digest) = known.get(&key) {
            return Ok(digest.clone());
        }
        let mut dataset = which.open(data)?;
        dataset.train.clear();
        let digest = dataset.fingerprint()?;
        known.insert(key, digest.clone());
        Ok(digest)
    }
}
