//! A model file as whoever has one uses it.

use std::{
    hint::black_box,
    path::{Path, PathBuf},
    sync::Arc,
};

use burn::tensor::Device;
use cavga::Model;
use cavga_data::{Label, Loader, LoaderConfig, Sample};
use serde::Deserialize;

use crate::{Result, cases::Work};

/// Images that a model scores.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Scoring {
    /// The model's file.
    model: PathBuf,
    files: Vec<PathBuf>,
}

impl Scoring {
    /// The pixels of each file at the model's size.
    fn images(&self, size: [usize; 2]) -> Result<Vec<Vec<f32>>> {
        let sample = |path: &PathBuf| Sample::found(Path::new(""), path, Label::Normal);
        let samples: Arc<[Sample]> = self.files.iter().map(sample).collect();
        let config = LoaderConfig {
            size,
            batch: 1,
            ..LoaderConfig::default()
        };
        let order = (0..samples.len()).collect();
        Loader::start(samples, order, config)?
            .map(|batch| Ok(batch?.pixels))
            .collect()
    }
}

/// Scores and maps of all images, which are in memory. One image after the other: the library has no other way, so that no score depends
/// on what else was asked.
pub(crate) fn score(scoring: &Scoring) -> Result<Work> {
    let model = Model::load(&scoring.model, &Device::flex())?;
    let images = scoring.images(model.size())?;
    Ok(Box::new(move || {
        for image in &images {
            black_box(model.score(image.clone())?);
        }
        Ok(())
    }))
}
