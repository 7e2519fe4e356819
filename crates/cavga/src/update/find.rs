//! Images of a trail, found again: only as the very bytes that were learnt.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use cavga_data::{ImageSource, Label, Sample};
use rayon::prelude::*;

use super::{Change, ChangeKind, Trail, TrailImage, UpdateError};
use crate::Result;

/// Where the images of a trail are looked for.
pub(super) struct Finder<'a> {
    trail: &'a Trail,
    /// The dataset of the fit, if it is not where it was.
    data: Option<&'a Path>,
    /// By id, the images of the changes whose folders had to be listed.
    listed: BTreeMap<usize, BTreeMap<String, Sample>>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(trail: &'a Trail, data: Option<&'a Path>) -> Self {
        Self {
            trail,
            data,
            listed: BTreeMap::new(),
        }
    }

    /// The images, called as they were called when they came, so that the same cameras of regions claim them.
    ///
    /// # Errors
    /// [`UpdateError::NotAsLearnt`] for the first that is gone or has other bytes, with this `advice`.
    pub(super) fn find(
        &mut self,
        images: &[&TrailImage],
        advice: &'static str,
    ) -> Result<Vec<Sample>> {
        let samples: Vec<_> = images.iter().map(|image| self.sample(image)).collect();
        let checked = samples.par_iter().zip(images).map(|(sample, image)| {
            let why = match sample.sha256() {
                Ok(sha256) if sha256 == image.sha256 => return Ok(()),
                Ok(_) => "its bytes are not those that were learnt or held out".to_owned(),
                Err(error) if error.is_gone() => "the image is not there".to_owned(),
                Err(error) => error.to_string(),
            };
            let path = sample.path().to_owned();
            Err(UpdateError::NotAsLearnt { path, why, advice })
        });
        let checked: Vec<_> = checked.collect();
        // The first in their order, whichever thread was first.
        checked.into_iter().collect::<Result<(), _>>()?;
        Ok(samples)
    }

    /// Where an image should be, whether it is there or not.
    pub(super) fn sample(&mut self, image: &TrailImage) -> Sample {
        let prefix = self.trail.prefix(image.came);
        let id = image.id.strip_prefix(&prefix).unwrap_or(&image.id);
        let Some(change) = self.trail.changes.get(image.came) else {
            return Sample::new(id, PathBuf::from(id), Label::Normal);
        };
        let folder = self.folder(change);
        let path = folder.join(id);
        let is_of_fit = change.kind == ChangeKind::Fit;
        if !path.is_file() {
            // An image of an archive, or one whose id is no path: the dataset knows.
            let listed = self.listed.entry(image.came);
            let listed = listed.or_insert_with(|| list(change, &folder));
            if let Some(sample) = listed.get(id) {
                return named(sample.clone(), is_of_fit);
            }
        }
        named(Sample::new(id, path, Label::Normal), is_of_fit)
    }

    fn folder(&self, change: &Change) -> PathBuf {
        // A calibration on the run's own images is of the same dataset.
        let fit = self.trail.changes.first();
        match self.data {
            Some(data) if fit.is_some_and(|fit| fit.folder == change.folder) => data.to_owned(),
            _ => PathBuf::from(change.folder.as_deref().unwrap_or_default()),
        }
    }
}

/// The images of a change's dataset by id; none if it cannot be listed any more.
fn list(change: &Change, folder: &Path) -> BTreeMap<String, Sample> {
    let Ok(dataset) = change.dataset.open(folder) else {
        return BTreeMap::new();
    };
    // What was held out of a test set then may be split otherwise now.
    let test = dataset.test.into_iter().map(|test| test.sample);
    let all = dataset.train.into_iter().chain(test);
    all.map(|sample| (sample.id.clone(), sample)).collect()
}

/// The sample as it is called when it is looked at: an image of the fit by its id, any other file by its path, as `predict` calls it.
pub(super) fn named(mut sample: Sample, is_of_fit: bool) -> Sample {
    if let (ImageSource::File(path), false) = (&sample.source, is_of_fit) {
        sample.id = path.display().to_string();
    }
    sample
}
