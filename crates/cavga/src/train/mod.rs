//! Training: from a folder of images to a run folder with its model.
//!
//! The loop is the library's, learning is the method's. At any moment a kill leaves a folder that
//! [`TrainOptions::resume`] goes on from, to the same bits as if nothing had happened: order, changes and draws are
//! functions of the seed and the step, and everything else is in the checkpoint. A method that writes none (PatchCore) begins anew.

pub(crate) mod calibrate;
mod copies;
mod images;
mod known;
pub(crate) mod log;
mod resume;
pub(crate) mod session;
pub(crate) mod taken;

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use burn::tensor::Device;
use cavga_detect::{Detector, Learner, Pretrained};

use images::Images;
pub(crate) use images::{WouldTake, require_anomalous, would_take};
use known::Known;
pub use log::{LogLine, read_log};
pub(crate) use resume::difference;
use resume::{begin, go_on};
use session::{End, Session};

use crate::{
    Error, Result,
    calibration::Calibration,
    config::{DataConfig, RunConfig},
    feed,
    model::Model,
    progress::{Event, Progress, Told, peak_memory_mib},
    run::{Record, RunFolder, Training, absolute},
    tensor_file::Place,
    update::{Change, ChangeKind, Trail},
};

/// So many held-out images are halved: what is fitted on held-out images sees one half, and is calibrated on the other. With fewer, a
/// half would be one image or none.
pub(crate) const FEWEST_TO_HALVE: usize = 4;

/// How to train, besides what.
#[derive(Debug, Clone)]
pub struct TrainOptions {
    /// The device, as in `cpu` or `wgpu:1`.
    pub device: String,
    /// Go on with the run that the folder holds.
    pub resume: bool,
    /// Raised from another thread, it makes training write a checkpoint and end with [`Outcome::Stopped`]. Before training,
    /// while images are compared and weights fetched, there is no run yet: that ends with [`Error::Stopped`].
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
    /// Stopped; training can go on from the checkpoint, or begins anew with a method that writes none.
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
    let (data, config) = (&absolute(data), &config.settled());
    let images = Images::open(data, config, &options.stop, run.is_begun(), progress)?;
    // A run that goes on from a checkpoint has its weights in it.
    let known = match run.checkpoint().exists() {
        true => Known::default(),
        false => Known::find(&config.method, &options.stop, progress)?,
    };
    let size = images.view.network_size(config.data.size);
    let mut learner = new_learner((config, size), &known.pretrained, &device)?;
    let passes = config.train.passes.unwrap_or_else(|| learner.passes());
    let steps = session::steps(passes, images.items.len(), config.train.batch);
    let begun_as = (data.as_path(), options.device.as_str());
    let record = begin(config, run, &images, begun_as, (passes, steps), known.files)?;
    if run.model().exists() {
        return Ok(Outcome::WasFinished(record));
    }
    let resumed = go_on(&mut *learner, config, run, &images.fingerprint)?;
    if let Some((place, _)) = &resumed {
        let text = format!("going on behind step {} of {steps}", place.step);
        progress.on(Event::Note(&text));
    } else if !images.read_held_out(&config.data, &options.stop, progress)? {
        return Ok(Outcome::Stopped { step: 0, steps });
    }
    let mut session = Session {
        config,
        run,
        fingerprint: &images.fingerprint,
        lessons: images.lessons(),
        passes,
        device: &device,
        stop: &options.stop,
        learner,
        saved: resumed.as_ref().map(|(place, _)| place.step),
        place: resumed
            .as_ref()
            .map_or_else(Place::default, |(place, _)| *place),
        gone: resumed.map(|(_, gone)| gone).unwrap_or_default(),
    };
    if session.train(progress)? == End::Stopped {
        return Ok(Outcome::Stopped {
            step: session.place.step,
            steps,
        });
    }
    finish(session, record, &images, progress)
}

/// Makes the model of a training that is done, and writes it.
fn finish(
    session: Session<'_>,
    mut record: Record,
    images: &Images,
    progress: &mut dyn Progress,
) -> Result<Outcome> {
    let (config, run) = (session.config, session.run);
    let (before, steps) = (session.place.seconds, session.steps());
    let (model, seconds) = match make_model(session, images, &record.data, progress) {
        Ok(made) => made,
        Err(Error::Stopped) => return Ok(Outcome::Stopped { step: steps, steps }),
        Err(error) => return Err(error),
    };
    // Each normal image was scored once more at the end, unless it was gone by then.
    let Calibration {
        n_train,
        n_held_out,
        ..
    } = model.calibration();
    let gone = (record.n_train + record.n_calibration).saturating_sub(n_train + n_held_out);
    record.images.refuse(gone, "gone when it was read");
    if gone > 0 {
        let text = format!("{gone} images were gone when they were to be read, and are left out");
        progress.on(Event::Note(&text));
    }
    record.training = Some(Training {
        minutes: (before + seconds) / 60.0,
        peak_memory_mib: peak_memory_mib(),
    });
    // Before the model, which makes the run a finished one: a kill between the two must not lose what the record says.
    run.write_record(config, &record)?;
    model.save(&run.model())?;
    Ok(Outcome::Finished(record))
}

fn new_learner(
    (config, size): (&RunConfig, [usize; 2]),
    known: &Pretrained,
    device: &Device,
) -> Result<Box<dyn Learner>> {
    let learner = config
        .method
        .learner(size, config.train.seed, known, device);
    learner.map_err(|error| match error {
        // What a method says before it has seen an image is about its settings.
        cavga_detect::Error::Config { .. } | cavga_detect::Error::Shape { .. } => Error::Config {
            origin: match config.data.tile {
                Some(_) => format!("data.tile, as the size for {}", config.method.name()),
                None => format!("settings of {}", config.method.name()),
            },
            why: error.to_string(),
        },
        other => other.into(),
    })
}

/// The model of what was learnt, and how many seconds the learner took to become a detector.
fn make_model(
    session: Session<'_>,
    images: &Images,
    data: &Path,
    progress: &mut dyn Progress,
) -> Result<(Model, f64)> {
    let Session {
        config,
        learner,
        stop,
        device,
        gone,
        passes,
        ..
    } = session;
    let DataConfig { size, .. } = config.data;
    let (fit, rest) = &images.halves;
    let portions = (&config.data, config.train.batch);
    let lessons = feed::in_order(fit.clone().into(), portions, &images.view, device)?;
    let mut held_out = lessons
        .enumerate()
        .map(|(step, lesson)| Ok(lesson.map_err(source)?.into_batch(step as u64, 0)));
    let start = Instant::now();
    let mut observer = Told { progress, stop };
    let detector = learner
        .finish(&mut held_out, &mut observer)
        .map_err(Error::of_method)?;
    let seconds = start.elapsed().as_secs_f64();
    let stopped = || stop.load(Ordering::Relaxed);
    let (mut calibration, priors) = calibrate::calibrate(
        &*detector,
        (&config.data, &images.view),
        (&images.train, fit, rest),
        &stopped,
        progress,
    )?;
    if detector.remembers() {
        // They were not looked at again, which would have told.
        calibration.n_train = calibration.n_train.saturating_sub(gone.len());
    }
    if let Some(warning) = calibration.warning() {
        progress.on(Event::Note(&warning));
    }
    let of_fit = || fit_trail((config, data), (images, &gone), passes, &*detector);
    let trail = config.method.reopens().then(of_fit);
    let model = Model::new((
        detector,
        (config.method.clone(), size, images.fingerprint.clone()),
        images.view.clone(),
        (calibration, priors),
    ));
    Ok((model.with_trail(trail), seconds))
}

/// The trail of a model that was just made. `gone`: the numbers of images that were not there when they were to be learnt.
fn fit_trail(
    (config, data): (&RunConfig, &Path),
    (images, gone): (&Images, &BTreeSet<usize>),
    passes: usize,
    detector: &dyn Detector,
) -> Trail {
    let count = images.train.len().saturating_sub(gone.len());
    let mut fit = Change::now(ChangeKind::Fit, count)
        .of(&config.data.dataset, data)
        .learnt_in(passes, config.data.augment);
    fit.measure(detector);
    let [learnt, held_out] = [&*images.train, &*images.held_out];
    Trail::fitted(
        fit,
        taken::coming(images, learnt),
        gone,
        taken::coming(images, held_out),
    )
}

/// What went wrong with images that a method asked for, as it hands it on.
pub(crate) fn source(error: Error) -> cavga_detect::Error {
    cavga_detect::Error::Source(Box::new(error))
}
