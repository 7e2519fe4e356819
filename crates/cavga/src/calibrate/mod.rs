//! Choosing the thresholds of a trained model anew: for a false-alarm rate, from held-out normal images and nothing else.
//!
//! The scores of the images held out of training are in the model file; other normal images can take their place. Only the file's header
//! changes: what the model says of an image stays the same, to the bit. How the thresholds are found is
//! [`cavga_metrics::conformal`]'s, what they say of an image [`ScoreScale`]'s.
//!
//! - `images`: the images to calibrate on, which are none that the run learnt from

mod images;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use burn::tensor::Device;
use cavga_data::{DatasetSpec, Limits, Sample};
use serde::Serialize;

use images::{Fresh, fresh, own};

use crate::{
    Error, Result,
    calibration::{Calibration, Rates, Rule, ScoreScale},
    config::DataConfig,
    eval::as_text,
    feed,
    model::Model,
    progress::{Event, Progress},
    run::{RunFolder, model_file},
    tensor_file::{self, Content},
    train::taken,
};

/// The confidence of [`Calibrated::rate_at_most`].
pub const CONFIDENCE: f64 = 0.95;

/// How to calibrate.
#[derive(Debug, Clone)]
pub struct CalibrateOptions {
    /// What decides.
    pub by: By,
    /// A folder whose normal training images (of a plain folder all) replace the held-out ones; test images are never chosen on. Without
    /// it, the scores in the model file serve.
    pub data: Option<PathBuf>,
    /// Which images of that folder are meant.
    pub dataset: DatasetSpec,
    /// The score whose thresholds are set; without it, the method's own. Verdicts are the own score's.
    pub score: Option<String>,
    /// The device to score images on, as in `cpu` or `wgpu:1`.
    pub device: String,
    /// Which images are refused undecoded.
    pub limits: Limits,
    /// Raised from another thread, it makes the calibration end with [`Error::Stopped`]; the model file is then what it was.
    pub stop: Arc<AtomicBool>,
}

impl Default for CalibrateOptions {
    fn default() -> Self {
        Self {
            by: By::Rates(Rates::default()),
            data: None,
            dataset: DatasetSpec::default(),
            score: None,
            device: "cpu".to_owned(),
            limits: Limits::default(),
            stop: Arc::default(),
        }
    }
}

/// What decides whether an image is anomalous.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum By {
    /// Held-out normal images, at these rates.
    Rates(Rates),
    /// The boundary of a method that decides by itself.
    OwnBoundary,
}

/// What a calibration came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calibrated {
    /// The model file.
    #[serde(serialize_with = "as_text")]
    pub model: PathBuf,
    /// The score.
    pub score: String,
    /// Where its thresholds come from.
    pub rule: Rule,
    /// Held-out normal images whose score is known.
    pub images: usize,
    /// The false-alarm rate asked for; `None` for the smallest that so many images support.
    pub false_alarms: Option<f64>,
    /// The rate that is held, k / (n + 1): the chance that a normal image exchangeable with the held-out ones raises a false alarm is
    /// at most this. `None` for a boundary of the method's own, which guarantees none.
    pub rate: Option<f64>,
    /// What the true rate of this very threshold does not exceed with 95 % confidence.
    pub rate_at_most: Option<f64>,
    /// Above it, the verdict is "anomalous".
    pub threshold: f32,
    /// The rate of normal images not called normal that was asked for.
    pub unsure: Option<f64>,
    /// The one that is held.
    pub unsure_rate: Option<f64>,
    /// Above it, and not above the threshold, the verdict is "unsure".
    pub unsure_threshold: Option<f32>,
    /// Images of the folder that were left out, by why.
    pub left_out: BTreeMap<&'static str, usize>,
}

/// Sets the thresholds of a model, the file or the one in the folder of a run, and writes the file anew, whole or not at all.
///
/// # Errors
/// [`Error::Config`] for rates that cannot be held, saying how many images it takes; [`Error::UnknownScore`];
/// [`Error::TooFewImages`] for a folder of which no image can be used; those of the model file and the images. The model file is then
/// what it was.
pub fn calibrate(
    model: &Path,
    options: &CalibrateOptions,
    progress: &mut dyn Progress,
) -> Result<Calibrated> {
    let path = model_file(model)?;
    let run = path
        .parent()
        .map(RunFolder::new)
        .unwrap_or_else(|| RunFolder::new("."));
    let (mut header, tensors) = tensor_file::load(&path)?;
    let Content::Model { calibration } = &mut header.content else {
        return Err(Error::OtherKind {
            path,
            found: "checkpoint",
            expected: "model",
        });
    };
    let place = calibration.score_index(options.score.as_deref())?;
    let is_known = known(calibration, place);
    let mut found = Fresh::default();
    if let Some(data) = &options.data {
        found = fresh((&options.dataset, data), &run, progress)?;
    } else if let (By::Rates(_), false) = (options.by, is_known) {
        found = own(&run, &path, &header.data, progress)?;
    }
    if !found.samples.is_empty() {
        // Before minutes of scoring.
        try_out(calibration, place, options.by, found.samples.len())?;
        let device = cavga_detect::device::parse(&options.device)?;
        let scored = score_all(&path, &device, &found.samples, options, progress)?;
        take(calibration, scored, found.is_own);
    }
    let calibrated = decide(calibration, place, options.by, (&path, found.left_out))?;
    let before = (options.data.is_some() && run.images().exists())
        .then(|| taken::read_all(&run))
        .transpose()?;
    // What is calibrated on may not be measured on: written down before the model is calibrated on it, and what it was calibrated on
    // before is forgotten after.
    if let Some(before) = &before {
        taken::write_all(&run.images(), before.iter().chain(&found.taken))?;
    }
    tensor_file::save(&path, &header, &tensors)?;
    if let Some(before) = &before {
        let stay = before
            .iter()
            .filter(|taken| taken.of != taken::Use::Calibrated);
        taken::write_all(&run.images(), stay.chain(&found.taken))?;
    }
    Ok(calibrated)
}

fn known(calibration: &Calibration, place: usize) -> bool {
    let scale = calibration.scores.get(place);
    scale.is_some_and(|scale| !scale.held_out.is_empty())
}

/// An error if so many images will be too few.
fn try_out(calibration: &Calibration, place: usize, by: By, images: usize) -> Result<()> {
    if let (By::Rates(rates), Some(scale)) = (by, calibration.scores.get(place)) {
        let mut tried = ScoreScale {
            held_out: vec![0.0; images],
            ..scale.clone()
        };
        tried.decide(rates)?;
    }
    Ok(())
}

/// All scores of the images by name, and whether each was fitted on held-out images of the run.
type Scores = Vec<(&'static str, bool, Vec<f32>)>;

fn score_all(
    path: &Path,
    device: &Device,
    samples: &Arc<[Sample]>,
    options: &CalibrateOptions,
    progress: &mut dyn Progress,
) -> Result<Scores> {
    let model = Model::load(path, device)?;
    // An image that is gone would not be one of those that were drawn.
    let settings = DataConfig::each(model.size(), options.limits);
    progress.on(Event::Begin {
        stage: "scoring normal images",
        total: samples.len() as u64,
        done: 0,
    });
    let mut all = Scores::new();
    let batches = feed::plain(Arc::clone(samples), &settings, model.regions(), 1)?;
    for (done, (batch, sample)) in batches.zip(&**samples).enumerate() {
        if options.stop.load(Ordering::Relaxed) {
            progress.on(Event::End);
            return Err(Error::Stopped);
        }
        let scored = model.score_loaded(batch?)?.checked(sample.path())?;
        if all.is_empty() {
            let names = scored.scores.iter();
            all = names
                .map(|(name, _)| (*name, model.is_fitted(name), Vec::new()))
                .collect();
        }
        for ((_, _, values), (_, value)) in all.iter_mut().zip(&scored.scores) {
            values.push(*value);
        }
        progress.on(Event::Advance {
            done: done as u64 + 1,
        });
    }
    progress.on(Event::End);
    Ok(all)
}

/// Makes these the held-out scores. `is_own`: of the images that the run held out, on which it fitted what is fitted.
fn take(calibration: &mut Calibration, scored: Scores, is_own: bool) {
    if !is_own {
        calibration.n_held_out = scored.first().map_or(0, |(_, _, values)| values.len());
    }
    for (name, fitted, mut values) in scored {
        let Some(scale) = calibration
            .scores
            .iter_mut()
            .find(|scale| scale.name == name)
        else {
            continue;
        };
        scale.fitted = fitted;
        if is_own && fitted {
            continue;
        }
        values.sort_by(f32::total_cmp);
        scale.held_out = values;
        if scale.rule == Rule::HeldOut {
            // Thresholds of the scores that nothing was asked of stay what they were asked for, or become the default.
            let rates = Rates {
                false_alarms: scale.false_alarms,
                unsure: scale.unsure,
            };
            let held = scale
                .decide(rates)
                .or_else(|_| scale.decide(Rates::default()));
            // There is one image at least, and so always a highest.
            held.unwrap_or_default();
        }
    }
}

fn decide(
    calibration: &mut Calibration,
    place: usize,
    by: By,
    (path, left_out): (&Path, BTreeMap<&'static str, usize>),
) -> Result<Calibrated> {
    let missing = || Error::NotOurs {
        path: path.to_owned(),
        why: "its calibration has no score".to_owned(),
    };
    let scale = calibration.scores.get_mut(place).ok_or_else(missing)?;
    match by {
        By::Rates(rates) => scale.decide(rates)?,
        By::OwnBoundary => scale.decide_by_own_boundary()?,
    }
    let decision = scale.decision();
    let at_most = decision.and_then(|threshold| threshold.rate_at_most(CONFIDENCE).ok());
    Ok(Calibrated {
        model: path.to_owned(),
        score: scale.name.clone(),
        rule: scale.rule,
        images: scale.held_out.len(),
        false_alarms: scale.false_alarms,
        rate: decision.map(|threshold| threshold.rate()),
        rate_at_most: at_most,
        threshold: scale.threshold,
        unsure: scale.unsure,
        unsure_rate: scale.unsure_decision().map(|threshold| threshold.rate()),
        unsure_threshold: scale.unsure_threshold,
        left_out,
    })
}
