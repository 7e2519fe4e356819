//! Which images and masks a run learnt from and was measured on: figures of other ones are not its own.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use cavga_data::DatasetSpec;
use serde::Serialize;

use crate::{Error, Result, config::RunConfig, train::would_take};

/// Digests of images, each taken once. Clones share what is taken.
#[derive(Debug, Clone, Default)]
pub struct ImageSets(Arc<Mutex<BTreeMap<(PathBuf, String), String>>>);

impl ImageSets {
    /// The digest of a dataset's test images and masks, with what is known of them.
    ///
    /// # Errors
    /// Those of the dataset and its files.
    pub(crate) fn tested(&self, data: &Path, which: &DatasetSpec) -> Result<String> {
        self.once(data, &which, || {
            let mut dataset = which.open(data)?;
            dataset.train.clear();
            Ok(dataset.fingerprint()?)
        })
    }

    /// The digest of the images that a run would learn from, as its record has it.
    ///
    /// # Errors
    /// Those of the dataset and its files.
    pub(crate) fn learnt(&self, data: &Path, config: &RunConfig) -> Result<String> {
        let learns_from_anomalous = config.method.learns_from_anomalous();
        let which = (&config.data, config.train.seed, learns_from_anomalous);
        self.once(data, &which, || Ok(would_take(data, config)?.fingerprint))
    }

    fn once(
        &self,
        data: &Path,
        which: &impl Serialize,
        take: impl FnOnce() -> Result<String>,
    ) -> Result<String> {
        let which = serde_json::to_string(which).map_err(|error| Error::Config {
            origin: "data".to_owned(),
            why: error.to_string(),
        })?;
        let key = (data.to_owned(), which);
        // Held while it is taken: whoever else asks would only read the same files.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(digest) = known.get(&key) {
            return Ok(digest.clone());
        }
        let digest = take()?;
        known.insert(key, digest.clone());
        Ok(digest)
    }
}
