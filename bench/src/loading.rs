//! Images from files to batches, as a training takes them.

use std::{
    fs,
    hint::black_box,
    path::{Path, PathBuf},
    sync::Arc,
};

use cavga_data::{Label, Loader, LoaderConfig, Sample};
use serde::Deserialize;

use crate::{Result, cases::Work};

/// A pass over files in their order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Pass {
    files: Vec<PathBuf>,
    batch: usize,
    /// Height and width that images are brought to.
    size: usize,
    /// Where [`written`] writes to.
    out: Option<PathBuf>,
}

impl Pass {
    fn samples(&self) -> Arc<[Sample]> {
        let sample = |path: &PathBuf| Sample::found(Path::new(""), path, Label::Normal);
        self.files.iter().map(sample).collect()
    }

    fn start(&self, samples: &Arc<[Sample]>) -> Result<Loader> {
        let threads = std::env::var("RAYON_NUM_THREADS").ok();
        let config = LoaderConfig {
            size: [self.size; 2],
            batch: self.batch,
            threads: threads.map_or(Ok(0), |count| count.parse())?,
            ..LoaderConfig::default()
        };
        Ok(Loader::start(
            Arc::clone(samples),
            (0..samples.len()).collect(),
            config,
        )?)
    }
}

/// All batches, the loader's start and end included.
pub(crate) fn load(pass: Pass) -> Work {
    let samples = pass.samples();
    Box::new(move || {
        for batch in pass.start(&samples)? {
            black_box(batch?);
        }
        Ok(())
    })
}

/// From making a loader to its first batch. What was begun is kept: it ends with the case, outside the clock.
pub(crate) fn first_batch(pass: Pass) -> Work {
    let samples = pass.samples();
    let mut kept = Vec::new();
    Box::new(move || {
        let mut loader = pass.start(&samples)?;
        black_box(loader.next().transpose()?);
        kept.push(loader);
        Ok(())
    })
}

/// The first batch into a file as little-endian floats, for the two sides to be compared.
pub(crate) fn written(pass: Pass) -> Work {
    let samples = pass.samples();
    Box::new(move || {
        let batch = pass.start(&samples)?.next().ok_or("no images")??;
        let bytes: Vec<u8> = batch.pixels.iter().flat_map(|v| v.to_le_bytes()).collect();
        let out = pass.out.as_ref().ok_or("`out` is missing")?;
        Ok(fs::write(out, bytes)?)
    })
}
