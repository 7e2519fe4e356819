//! From samples on disk to tensors on a device.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use cavga_data::{Batch, Loader, LoaderConfig, Sample, Train, shuffled};

use crate::{Result, config::DataConfig, config::RunConfig};

/// Which part of a training comes next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portion {
    /// Passes done.
    pub(crate) pass: usize,
    /// Images of the next pass that are done.
    pub(crate) done: usize,
}

/// The rest of a pass over the training images, shuffled and changed at random: `[batch, 3, height, width]` in [0, 1], and
/// which of them are anomalous.
pub(crate) fn training(
    samples: &Train,
    config: &RunConfig,
    portion: Portion,
    device: &Device,
) -> Result<impl Iterator<Item = Result<(Tensor<4>, Vec<bool>)>> + use<>> {
    let RunConfig { data, train, .. } = config;
    let pass = portion.pass as u64;
    let order = shuffled(samples.len(), train.seed, pass)
        .into_iter()
        .skip(portion.done)
        .collect();
    let settings = LoaderConfig {
        size: data.size,
        batch: train.batch,
        augment: data.augment,
        seed: train.seed,
        pass,
        limits: data.limits(),
        ..LoaderConfig::default()
    };
    let (device, samples) = (device.clone(), samples.clone());
    let batches = Loader::start(samples.clone(), order, settings)?;
    Ok(batches.map(move |batch| {
        let batch = batch?;
        let is_anomalous = |&index: &usize| {
            samples
                .get(index)
                .is_some_and(|sample: &Sample| sample.label.is_anomalous())
        };
        let anomalous = batch.samples.iter().map(is_anomalous).collect();
        Ok((tensor(batch, &device), anomalous))
    }))
}

/// Images as they are, in their order, `batch` at a time.
pub(crate) fn plain(
    samples: impl Into<Arc<[Sample]>>,
    data: &DataConfig,
    batch: usize,
) -> Result<Loader> {
    let samples = samples.into();
    let settings = LoaderConfig {
        size: data.size,
        batch,
        limits: data.limits(),
        // A batch of one image would leave all cores but two without work.
        ahead: 16_usize.div_ceil(batch),
        ..LoaderConfig::default()
    };
    let order = (0..samples.len()).collect();
    Ok(Loader::start(samples, order, settings)?)
}

/// A batch on a device.
pub(crate) fn tensor(batch: Batch, device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(batch.pixels, batch.shape), device)
}
