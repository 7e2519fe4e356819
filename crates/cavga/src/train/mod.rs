//! Training: from a folder of images to a run folder with its model.
//!
//! The loop is the library's, learning is the method's. At any moment a kill leaves a folder that
//! [`TrainOptions::resume`] goes on from, to the same bits as if nothing had happened: order, changes and draws are
//! functions of the seed and the step, and everything else is in the checkpoint.

mod calibrate;
mod log;
mod session;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use burn::tensor::Device;
use cavga_data::{Dataset, Sample, hold_out};
use cavga_detect::{Batch, Learner, Tensors};

pub use log::{LogLine, read_log};
use session::{End, Session};

use crate::{
    Error, Result, atomic,
    config::{DataConfig, RunConfig},
    feed,
    model::Model,
    progress::{Event, Progress, peak_memory_mib},
    run::{Record, RunFolder, Training, absolute},
    tensor_file::{self, Content, Place},
};

/// How to train, besides what.
#[derive(Debug, Clone)]
pub struct TrainOptions {
    /// The device, as in `cpu` or `wgpu:1`.
    pub device: String,
    /// Go on with the run that the folder holds.
    pub resume: bool,
    /// Raised from another thread, it makes training write a checkpoint and end with [`Outcome::Stopped`].
    pub stop: Arc<AtomicBool>,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            device: "cpu".to_owned(),
            resume: false,
            stop: Arc::default(),
        }
    }
}

/// How training ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The model is written.
    Finished(Record),
    /// The model had been written before; nothing was done.
    WasFinished(Record),
    /// Stopped; a checkpoint is written and training can go on.
    Stopped {
        /// Steps done.
        step: u64,
        /// Steps in all.
        steps: u64,
    },
}

/// Trains on the dataset in `data`, into the folder `run`.
///
/// # Errors
/// [`Error::RunExists`] without `resume`; [`Error::RunDiffers`] when resuming something else; [`Error::Diverged`]; those
/// of the dataset, the method and the device.
pub fn train(
    config: &RunConfig,
    data: &Path,
    run: &RunFolder,
    options: &TrainOptions,
    progress: &mut dyn Progress,
) -> Result<Outcome> {
    let device = cavga_detect::device::parse(&options.device)?;
    if run.is_begun() && !options.resume {
        return Err(Error::RunExists {
            path: run.path().to_owned(),
        });
    }
    let images = Images::open(data, config)?;
    let mut learner = new_learner(config, &device)?;
    let passes = config.train.passes.unwrap_or_else(|| learner.passes());
    let steps = (passes * images.train.len().div_ceil(config.train.batch)) as u64;
    let mut record = begin(
        config,
        run,
        &images,
        (data, &options.device),
        (passes, steps),
    )?;
    if run.model().exists() {
        return Ok(Outcome::WasFinished(record));
    }
    let resumed = load_checkpoint(config, run, &images.fingerprint)?;
    let saved = resumed.as_ref().map(|(place, _)| place.step);
    let place = match resumed {
        Some((place, state)) => {
            restore(&mut *learner, state, config, run)?;
            progress.on(Event::Note(&format!(
                "going on behind step {} of {steps}",
                place.step
            )));
            place
        }
        None => Place::default(),
    };
    let mut session = Session {
        config,
        run,
        fingerprint: &images.fingerprint,
        train: &images.train,
        passes,
        device: &device,
        stop: &options.stop,
        learner,
        place,
        saved,
    };
    if session.train(progress)? == End::Stopped {
        return Ok(Outcome::Stopped {
            step: session.place.step,
            steps,
        });
    }
    let minutes = session.place.seconds / 60.0;
    match make_model(session, &images, &device, progress) {
        Ok(model) => model.save(&run.model())?,
        Err(Error::Stopped) => return Ok(Outcome::Stopped { step: steps, steps }),
        Err(error) => return Err(error),
    }
    record.training = Some(Training {
        minutes,
        peak_memory_mib: peak_memory_mib(),
    });
    run.write_record(config, &record)?;
    Ok(Outcome::Finished(record))
}

fn new_learner(config: &RunConfig, device: &Device) -> Result<Box<dyn Learner>> {
    let learner = config
        .method
        .learner(config.data.size, config.train.seed, device);
    learner.map_err(|error| match error {
        // What a method says before it has seen an image is about its settings.
        cavga_detect::Error::Config { .. } | cavga_detect::Error::Shape { .. } => Error::Config {
            origin: format!("settings of {}", config.method.name()),
            why: error.to_string(),
        },
        other => other.into(),
    })
}

fn restore(
    learner: &mut dyn Learner,
    state: Tensors,
    config: &RunConfig,
    run: &RunFolder,
) -> Result<()> {
    learner.restore(state).map_err(|source| Error::Misfit {
        path: run.checkpoint(),
        method: config.method.name(),
        source,
    })
}

/// The images of a run, split.
struct Images {
    train: Arc<[Sample]>,
    held_out: Arc<[Sample]>,
    fingerprint: String,
}

impl Images {
    fn open(data: &Path, config: &RunConfig) -> Result<Self> {
        let mut dataset = Dataset::open(data)?;
        // A model is made from the training images alone: another test set beside them must not change it.
        dataset.test.clear();
        let fingerprint = dataset.fingerprint()?;
        let found = dataset.train.len();
        let (train, held_out) = hold_out(dataset.train, config.data.held_out, config.train.seed);
        if held_out.is_empty() {
            // One image to learn from, and one to know what scores normal images get.
            return Err(Error::TooFewImages {
                path: data.to_owned(),
                what: "normal images",
                found,
                needed: 2,
            });
        }
        Ok(Self {
            train: train.into(),
            held_out: held_out.into(),
            fingerprint,
        })
    }
}

/// Makes the folder and its record, or checks that the record of a begun run says the same.
fn begin(
    config: &RunConfig,
    run: &RunFolder,
    images: &Images,
    (data, device): (&Path, &str),
    (passes, steps): (usize, u64),
) -> Result<Record> {
    if run.is_begun() {
        let (begun, record) = run.read_record()?;
        if let Some((key, found, asked)) = difference(&begun, config)? {
            return Err(Error::RunDiffers {
                path: run.record(),
                key,
                found,
                asked,
            });
        }
        if record.fingerprint != images.fingerprint {
            let (key, found) = ("record.fingerprint".to_owned(), record.fingerprint);
            return Err(Error::RunDiffers {
                path: run.record(),
                key,
                found,
                asked: images.fingerprint.clone(),
            });
        }
        // The same images elsewhere, or another device: where the run goes on now is what later calls need.
        let moved = Record {
            data: absolute(data),
            device: device.to_owned(),
            ..record.clone()
        };
        if moved != record {
            run.write_record(&begun, &moved)?;
        }
        return Ok(moved);
    }
    let record = Record {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        device: device.to_owned(),
        data: absolute(data),
        fingerprint: images.fingerprint.clone(),
        n_train: images.train.len(),
        n_calibration: images.held_out.len(),
        passes,
        steps,
        training: None,
    };
    atomic::create_folder(run.path())?;
    run.write_record(config, &record)?;
    Ok(record)
}

/// The first value in which two configurations differ: its key, and both values. How often checkpoints are written may
/// differ, as it changes nothing in what comes out.
fn difference(begun: &RunConfig, asked: &RunConfig) -> Result<Option<(String, String, String)>> {
    let mut begun = begun.clone();
    begun.train.checkpoint_minutes = asked.train.checkpoint_minutes;
    begun.train.checkpoint_steps = asked.train.checkpoint_steps;
    let (begun, asked) = (begun.to_table()?, asked.to_table()?);
    Ok(first_difference("", &begun, &asked))
}

fn first_difference(
    section: &str,
    begun: &toml::Table,
    asked: &toml::Table,
) -> Option<(String, String, String)> {
    let keys = begun
        .keys()
        .chain(asked.keys().filter(|key| !begun.contains_key(*key)));
    keys.into_iter().find_map(|key| {
        let name = if section.is_empty() {
            key.clone()
        } else {
            format!("{section}.{key}")
        };
        let text = |value: Option<&toml::Value>| {
            value.map_or_else(|| "nothing".to_owned(), ToString::to_string)
        };
        match (begun.get(key), asked.get(key)) {
            (Some(toml::Value::Table(a)), Some(toml::Value::Table(b))) => {
                first_difference(&name, a, b)
            }
            (a, b) => (a != b).then(|| (name, text(a), text(b))),
        }
    })
}

/// Where to go on, and the learner's state there; `None` if the run has no checkpoint yet.
fn load_checkpoint(
    config: &RunConfig,
    run: &RunFolder,
    fingerprint: &str,
) -> Result<Option<(Place, Tensors)>> {
    let path = run.checkpoint();
    if !path.exists() {
        return Ok(None);
    }
    let (header, state) = tensor_file::load(&path)?;
    let Content::Checkpoint { place } = header.content else {
        return Err(Error::OtherKind {
            path,
            found: "model",
            expected: "checkpoint",
        });
    };
    let differs = |key: &str, found: String, asked: String| {
        Err(Error::RunDiffers {
            path: run.checkpoint(),
            key: key.to_owned(),
            found,
            asked,
        })
    };
    if header.method != config.method {
        return differs(
            "method",
            header.method.name().to_owned(),
            config.method.name().to_owned(),
        );
    }
    if header.size != config.data.size {
        return differs(
            "data.size",
            format!("{:?}", header.size),
            format!("{:?}", config.data.size),
        );
    }
    if header.data != fingerprint {
        return differs(
            "the data's fingerprint",
            header.data,
            fingerprint.to_owned(),
        );
    }
    Ok(Some((place, state)))
}

fn make_model(
    session: Session<'_>,
    images: &Images,
    device: &Device,
    progress: &mut dyn Progress,
) -> Result<Model> {
    let Session {
        config,
        learner,
        stop,
        ..
    } = session;
    let DataConfig { size, .. } = config.data;
    let batches = feed::plain(&images.held_out, &config.data, config.train.batch)?;
    let mut held_out = batches.enumerate().map(|(step, batch)| {
        let batch = batch.map_err(|error| cavga_detect::Error::Source(Box::new(error)))?;
        let anomalous = vec![false; batch.samples.len()];
        Ok(Batch {
            images: feed::tensor(batch, device),
            anomalous,
            step: step as u64,
        })
    });
    let detector = learner.finish(&mut held_out)?;
    let stopped = || stop.load(Ordering::Relaxed);
    let (calibration, priors) = calibrate::calibrate(
        &*detector,
        &config.data,
        (&images.train, &images.held_out),
        &stopped,
        progress,
    )?;
    Ok(Model::new(
        detector,
        (config.method.clone(), size, images.fingerprint.clone()),
        calibration,
        priors,
    ))
}
