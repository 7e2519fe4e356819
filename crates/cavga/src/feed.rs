//! From samples on disk to tensors on a device.

use std::{collections::BTreeSet, sync::Arc};

use burn::tensor::{Device, Tensor, TensorData};
use cavga_data::{Batch, Loader, LoaderConfig, Regions, Sample, Train, shuffled};

use crate::{Result, config::DataConfig, config::RunConfig, view::View};

/// Which part of a training comes next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portion {
    /// Passes done.
    pub(crate) pass: usize,
    /// Images of the next pass that are done.
    pub(crate) done: usize,
}

/// Images to learn from.
pub(crate) struct Lesson {
    /// `[batch, 3, height, width]` in [0, 1].
    pub(crate) images: Tensor<4>,
    /// Which pixels count, where there are regions: `[batch, 1, height, width]`.
    pub(crate) valid: Option<Tensor<4>>,
    /// Which of the images are anomalous.
    pub(crate) anomalous: Vec<bool>,
    /// Which of the normal classes each is of; empty where there are none.
    pub(crate) classes: Vec<u8>,
    /// Which of the samples each is of.
    pub(crate) numbers: Vec<usize>,
    /// Which of the samples belong here and are not there.
    pub(crate) gone: BTreeSet<usize>,
}

impl Lesson {
    /// As a method takes it, as the `step`th of a `pass`.
    pub(crate) fn into_batch(self, step: u64, pass: usize) -> cavga_detect::Batch {
        cavga_detect::Batch {
            images: self.images,
            valid: self.valid,
            anomalous: self.anomalous,
            classes: self.classes,
            numbers: self.numbers,
            step,
            pass,
        }
    }
}

/// What a run learns from: `items` of images, whole ones or tiles.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lessons<'a> {
    pub(crate) samples: &'a Train,
    /// As [`View::items`].
    pub(crate) items: &'a [usize],
    pub(crate) view: &'a View,
}

/// The rest of a pass over the training images, shuffled and changed at random.
pub(crate) fn training(
    lessons: Lessons<'_>,
    config: &RunConfig,
    portion: Portion,
    device: &Device,
) -> Result<impl Iterator<Item = Result<Lesson>> + use<>> {
    let RunConfig { data, train, .. } = config;
    let Lessons {
        samples,
        items,
        view,
    } = lessons;
    let pass = portion.pass as u64;
    let order = shuffled(items.len(), train.seed, pass)
        .into_iter()
        .skip(portion.done)
        .filter_map(|place| items.get(place).copied())
        .collect();
    let settings = LoaderConfig {
        size: data.size,
        regions: view.regions.clone(),
        tiles: view.tiles.clone(),
        batch: train.batch,
        augment: data.augment,
        seed: train.seed,
        pass,
        limits: data.limits(),
        missing_allowed: data.missing_allowed(samples.len()),
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
        // Of all images or of none: a set has classes, or it has not.
        let class = |&index: &usize| samples.get(index).and_then(|sample: &Sample| sample.class);
        let classes: Option<Vec<u8>> = batch.samples.iter().map(class).collect();
        Ok(Lesson {
            classes: classes.unwrap_or_default(),
            ..lesson(batch, anomalous, &device)
        })
    }))
}

/// Normal images or tiles as they are, in their order, `batch` at a time: what a learner ends with, and what is learnt later.
pub(crate) fn in_order(
    samples: Arc<[Sample]>,
    (data, batch): (&DataConfig, usize),
    view: &View,
    device: &Device,
) -> Result<impl Iterator<Item = Result<Lesson>> + use<>> {
    let order = view.items(&samples, data.size)?;
    let settings = LoaderConfig {
        size: data.size,
        regions: view.regions.clone(),
        tiles: view.tiles.clone(),
        batch,
        limits: data.limits(),
        missing_allowed: data.missing_allowed(samples.len()),
        ahead: 16_usize.div_ceil(batch),
        ..LoaderConfig::default()
    };
    let device = device.clone();
    let batches = Loader::start(samples, order, settings)?;
    let is_gone =
        |batch: &cavga_data::Result<Batch>| batch.as_ref().is_ok_and(|b| b.ids.is_empty());
    Ok(batches
        .filter(move |batch| !is_gone(batch))
        .map(move |batch| {
            let batch = batch?;
            let anomalous = vec![false; batch.samples.len()];
            Ok(lesson(batch, anomalous, &device))
        }))
}

fn lesson(mut batch: Batch, anomalous: Vec<bool>, device: &Device) -> Lesson {
    let [images, _, height, width] = batch.shape;
    let shape = [images, 1, height, width];
    let valid = batch.valid.take();
    Lesson {
        valid: valid.map(|valid| Tensor::from_data(TensorData::new(valid, shape), device)),
        numbers: std::mem::take(&mut batch.samples),
        gone: batch.gone.drain(..).collect(),
        images: tensor(batch, device),
        anomalous,
        classes: Vec::new(),
    }
}

/// Whole images as they are, in their order, `batch` at a time; painted where they don't count.
pub(crate) fn plain(
    samples: impl Into<Arc<[Sample]>>,
    data: &DataConfig,
    regions: Option<&Arc<Regions>>,
    batch: usize,
) -> Result<Loader> {
    let samples = samples.into();
    let settings = LoaderConfig {
        size: data.size,
        regions: regions.cloned(),
        batch,
        limits: data.limits(),
        missing_allowed: data.missing_allowed(samples.len()),
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
