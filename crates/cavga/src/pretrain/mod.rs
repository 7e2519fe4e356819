//! Pretraining: weights that a method starts from, learnt from images that need not be of its dataset.
//!
//! A DC-GAN of faces (Celeb-A in the paper) for CAVGA's encoder, decoder and discriminators: from a folder of images to one file
//! of weights. Beside `NAME.safetensors` lie `NAME.samples.png`, what the generator makes of 64 fixed latents, `NAME.jsonl`, a line
//! for each step, and while it goes on `NAME.checkpoint.safetensors`. As in [`crate::train()`], a kill at any moment leaves
//! something that [`PretrainOptions::resume`] goes on from, to the same bits as if nothing had happened.
//!
//! - `files`: where each file is, what it says of itself, the sheet of samples
//! - `images`: the folder of images
//! - `session`: the loop

mod files;
mod images;
mod session;
#[cfg(test)]
mod tests;

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use cavga_detect::{Tensors, dcgan::Dcgan};

pub use cavga_detect::dcgan::DcganConfig;
pub use files::{Network, Pretrained, Stage, load};

use crate::{
    Error, Result,
    config::{changed, difference},
    progress::{Event, Progress},
    tensor_file::{self, Place},
    train::session::{End, steps},
};
use files::Files;
use images::Images;
use session::Session;

/// How to pretrain, besides what.
#[derive(Debug, Clone)]
pub struct PretrainOptions {
    /// The device, as in `cpu` or `wgpu:1`.
    pub device: String,
    /// Fixes the weights' start, the order of images, their changes and every draw in training.
    pub seed: u64,
    /// Go on from the checkpoint beside the file.
    pub resume: bool,
    /// Minutes between checkpoints.
    pub checkpoint_minutes: f64,
    /// Raised from another thread, it makes training write a checkpoint and end with [`PretrainOutcome::Stopped`]. Before
    /// training, while images are looked at, there is nothing to go on from: that ends with [`Error::Stopped`].
    pub stop: Arc<AtomicBool>,
}

impl Default for PretrainOptions {
    fn default() -> Self {
        Self {
            device: "cpu".to_owned(),
            seed: 0,
            resume: false,
            checkpoint_minutes: 2.0,
            stop: Arc::default(),
        }
    }
}

/// How pretraining ended.
#[derive(Debug, Clone, PartialEq)]
pub enum PretrainOutcome {
    /// The file is written.
    Finished(Pretrained),
    /// The file had been written before; nothing was done.
    WasFinished(Pretrained),
    /// Stopped; a checkpoint is written and training can go on.
    Stopped {
        /// Steps done.
        step: u64,
        /// Steps in all.
        steps: u64,
    },
}

/// DC-GAN's settings: the defaults, changed by each `key=value`.
///
/// # Errors
/// [`Error::UnknownKey`], or [`Error::Config`] for a value that cannot be.
pub fn dcgan_config(overrides: &[String]) -> Result<DcganConfig> {
    let config = changed(DcganConfig::default(), overrides)?;
    check(&config)?;
    Ok(config)
}

fn check(config: &DcganConfig) -> Result<()> {
    config.check().map_err(|error| Error::Config {
        origin: "settings of dcgan".to_owned(),
        why: error.to_string(),
    })
}

/// Trains a DC-GAN on the images in the folder `data` and those below it, into the file `out`.
///
/// # Errors
/// [`Error::Out`] for a file that is there already or cannot be, [`Error::ImageTooSmall`], [`Error::RunDiffers`] when resuming
/// something else, [`Error::Diverged`]; those of the images and the device.
pub fn pretrain_dcgan(
    config: &DcganConfig,
    data: &Path,
    out: &Path,
    options: &PretrainOptions,
    progress: &mut dyn Progress,
) -> Result<PretrainOutcome> {
    check(config)?;
    let device = cavga_detect::device::parse(&options.device)?;
    let files = Files::of(out, options.resume)?;
    let images = Images::open(data, &options.stop, progress)?;
    let steps = steps(config.passes, images.samples.len(), config.batch);
    let place = Place::default();
    let about = Pretrained {
        network: Network::Dcgan,
        config: config.clone(),
        seed: options.seed,
        data: images.fingerprint.clone(),
        images: images.samples.len(),
        steps,
        stage: Stage::Checkpoint { place },
    };
    if files.weights.exists() {
        let (found, _) = load(&files.weights)?;
        same(&files.weights, &found, &about)?;
        files.forget_checkpoint();
        return Ok(PretrainOutcome::WasFinished(found));
    }
    let mut dcgan = Dcgan::new(config, options.seed, &device)?;
    let resumed = go_on(&mut dcgan, &files, &about)?;
    if let Some(place) = resumed {
        let text = format!("going on behind step {} of {steps}", place.step);
        progress.on(Event::Note(&text));
    }
    let mut session = Session {
        files: &files,
        about,
        samples: &images.samples,
        device: &device,
        options,
        dcgan,
        place: resumed.unwrap_or_default(),
        saved: resumed.map(|place| place.step),
    };
    if session.train(progress)? == End::Stopped {
        let step = session.place.step;
        return Ok(PretrainOutcome::Stopped { step, steps });
    }
    let about = Pretrained {
        stage: Stage::Weights,
        ..session.about
    };
    tensor_file::save(&files.weights, &about, &session.dcgan.weights())?;
    // Only now: a kill before left a checkpoint to finish from.
    files.forget_checkpoint();
    Ok(PretrainOutcome::Finished(about))
}

/// Brings the DC-GAN to where its checkpoint, if there is one, left it.
fn go_on(dcgan: &mut Dcgan, files: &Files, about: &Pretrained) -> Result<Option<Place>> {
    let path = &files.checkpoint;
    if !path.exists() {
        return Ok(None);
    }
    let (found, state): (Pretrained, Tensors) = tensor_file::load_as(path)?;
    let Stage::Checkpoint { place } = found.stage else {
        return Err(Error::OtherKind {
            path: path.clone(),
            found: "file of weights",
            expected: "checkpoint",
        });
    };
    same(path, &found, about)?;
    dcgan.restore(state).map_err(|source| Error::Misfit {
        path: path.clone(),
        method: "dcgan",
        source,
    })?;
    Ok(Some(place))
}

/// An error if a file was begun with other settings, another seed or other images.
fn same(path: &Path, begun: &Pretrained, asked: &Pretrained) -> Result<()> {
    let differs = |(key, found, asked): (String, String, String)| {
        let path = path.to_owned();
        Err(Error::RunDiffers {
            path,
            key,
            found,
            asked,
        })
    };
    if let Some(difference) = difference(&begun.config, &asked.config)? {
        return differs(difference);
    }
    if begun.seed != asked.seed {
        let [found, asked] = [begun.seed, asked.seed].map(|seed| seed.to_string());
        return differs(("seed".to_owned(), found, asked));
    }
    if begun.data != asked.data {
        let key = "the images' fingerprint".to_owned();
        return differs((key, begun.data.clone(), asked.data.clone()));
    }
    Ok(())
}
