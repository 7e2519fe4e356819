//! CAVGA itself, as the library above it calls it: a learner's step, a detector's scores.

use std::hint::black_box;

use burn::tensor::Device;
use cavga_detect::{Batch, Learner, Method, Pretrained, cavga::CavgaConfig};

use crate::{Result, cases::Work, inference::Batched, pattern};

/// CAVGA-D with its default settings.
pub(crate) fn dcgan() -> Method {
    Method::CavgaDU(CavgaConfig::default())
}

/// CAVGA-R with its default settings.
pub(crate) fn resnet() -> Method {
    Method::CavgaRU(CavgaConfig::default())
}

fn batch(batched: Batched, step: u64) -> Batch {
    Batch {
        images: pattern::images(batched),
        valid: None,
        anomalous: vec![false; batched.batch],
        classes: Vec::new(),
        numbers: Vec::new(),
        step,
        pass: 0,
    }
}

fn learner(method: &Method, batched: Batched) -> Result<Box<dyn Learner>> {
    let known = Pretrained::default();
    Ok(method.learner([batched.size; 2], 0, &known, &Device::flex())?)
}

/// The discriminator's step and the autoencoder's, with everything that belongs to them.
pub(crate) fn train_step(method: &Method, batched: Batched) -> Result<Work> {
    let mut learner = learner(method, batched)?;
    let mut batch = batch(batched, 0);
    Ok(Box::new(move || {
        learner.observe(&batch)?;
        batch.step += 1;
        Ok(())
    }))
}

/// All scores and maps. The weights have learnt nothing, which costs as much.
pub(crate) fn score(method: &Method, batched: Batched) -> Result<Work> {
    let learner = learner(method, batched)?;
    let mut held_out = std::iter::once(Ok(batch(batched, 0)));
    let detector = learner.finish(&mut held_out, &mut ())?;
    let images = pattern::images(batched);
    Ok(Box::new(move || {
        black_box(detector.score(images.clone(), None)?);
        Ok(())
    }))
}
