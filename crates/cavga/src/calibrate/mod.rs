//! Choosing the thresholds of a trained model anew: for a false-alarm rate, from held-out normal images and nothing else.
//!
//! The scores of the images held out of training are in the model file; other normal images can take their place, and they theirs again.
//! Only the file's header changes: what the model says of an image stays the same, to the bit. How the thresholds are found is
//! [`cavga_metrics::conformal`]'s, what they say of an image [`ScoreScale`](crate::calibration::ScoreScale)'s.
//!
//! - `known`: what the run took of its images; `images`: those to calibrate on; `refuse`: those not to
//! - `scores`: their scores, and the thresholds that come of them

mod images;
mod known;
pub(crate) mod refuse;
mod scores;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use cavga_data::{DatasetSpec, Limits};
use serde::Serialize;

use images::{Images, fresh, own};
use known::{forget, known, write_down};
use scores::{decide, score_all, take, try_out};

use crate::{
    Error, Result,
    calibration::{Calibration, Rule, ScoreScale},
    eval::as_text,
    progress::{Event, Progress},
    run::{RunFolder, model_file},
    tensor_file::{self, Content},
    train::taken,
    update::Trail,
};

/// The confidence of [`Calibrated::rate_at_most`].
pub const CONFIDENCE: f64 = 0.95;

/// How to calibrate.
#[derive(Debug, Clone)]
pub struct CalibrateOptions {
    /// What decides. Where nothing is named, and no images are given, nothing is changed, and what holds is told.
    pub by: By,
    /// A folder whose normal training images (of a plain folder all) replace the held-out ones, for all scores; test images are never
    /// chosen on. Without it, the scores in the model file serve.
    pub data: Option<PathBuf>,
    /// Which images of that folder are meant.
    pub dataset: DatasetSpec,
    /// Score the images that the run held out itself, and let them replace those of [`data`](Self::data) before.
    pub own_images: bool,
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
            by: By::default(),
            data: None,
            dataset: DatasetSpec::default(),
            own_images: false,
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
    Rates {
        /// The share of normal images that may be called anomalous.
        false_alarms: Ask,
        /// The share of normal images that may be called anomalous or unsure.
        unsure: Ask,
    },
    /// The boundary of a method that decides by itself.
    OwnBoundary,
}

impl Default for By {
    fn default() -> Self {
        Self::Rates {
            false_alarms: Ask::Kept,
            unsure: Ask::Kept,
        }
    }
}

impl By {
    /// Whether nothing is named.
    fn is_kept(self) -> bool {
        self == Self::default()
    }
}

/// What is asked of a rate.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Ask {
    /// What was asked before.
    #[default]
    Kept,
    /// Nothing, as after training: the smallest rate of false alarms that the images support, and no unsure band.
    Nothing,
    /// This rate, in (0, 1).
    Rate(f64),
}

impl Ask {
    fn is_kept(self) -> bool {
        self == Self::Kept
    }

    fn over(self, before: Option<f64>) -> Option<f64> {
        match self {
            Self::Kept => before,
            Self::Nothing => None,
            Self::Rate(rate) => Some(rate),
        }
    }
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
    /// The other scores whose thresholds are others now, as other images are held out.
    pub others: Vec<OtherScore>,
    /// Whether the run has an evaluation, whose verdicts are by the thresholds before.
    pub is_evaluation_outdated: bool,
}

/// A score that nothing was asked of now, and that has other held-out images, and so other thresholds, all the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OtherScore {
    /// Its name.
    pub score: String,
    /// Held-out normal images whose score is known.
    pub images: usize,
    /// The false-alarm rate that was asked for before, and is held.
    pub false_alarms: Option<f64>,
    /// Above it, an image is anomalous by this score.
    pub threshold: f32,
    /// Above it, and not above the threshold, it is unsure.
    pub unsure_threshold: Option<f32>,
}

/// Sets the thresholds of a model, the file or the one in the folder of a run, and writes the file anew, whole or not at all.
///
/// # Errors
/// [`Error::Config`] for rates that cannot be held, saying how many images it takes; [`Error::UnknownScore`];
/// [`Error::TooFewImages`] for a folder of which no image can be used; [`Error::NotToCalibrateOn`] for test images of the run and anomalous
/// ones; those of the model file and the images. The model file is then what it was.
pub fn calibrate(
    model: &Path,
    options: &CalibrateOptions,
    progress: &mut dyn Progress,
) -> Result<Calibrated> {
    let path = model_file(model)?;
    let run = RunFolder::new(path.parent().unwrap_or(Path::new(".")));
    let (mut header, tensors) = tensor_file::load(&path)?;
    let Content::Model { calibration } = &mut header.content else {
        return Err(Error::OtherKind {
            path,
            found: "checkpoint",
            expected: "model",
        });
    };
    let place = calibration.score_index(options.score.as_deref())?;
    let by = options.by;
    let has_scores = |scale: &ScoreScale| !scale.held_out.is_empty();
    let is_known = calibration.scores.get(place).is_some_and(has_scores);
    let (mut taken, mut images, trail) = (Vec::new(), Images::default(), header.trail.as_ref());
    if is_known && options.data.is_none() && !options.own_images {
        tell_if_old(trail, progress);
    }
    if let Some(data) = &options.data {
        taken = known(&run, &header.data, progress)?;
        images = fresh(data, (&run, &taken, trail), options, progress)?;
    } else if options.own_images || !(by.is_kept() || by == By::OwnBoundary || is_known) {
        taken = taken::read_all(&run)?;
        images = own((&run, &taken, trail), &path, &header.data, progress)?;
    } else if by.is_kept() {
        return calibrated(calibration, place, &path);
    }
    let before = calibration.clone();
    if !images.samples.is_empty() {
        // Before minutes of scoring.
        try_out(calibration, (place, by), &images)?;
        let device = cavga_detect::device::parse(&options.device)?;
        let scored = score_all(&path, &device, &images, options, progress)?;
        take(calibration, scored, &images, place)?;
        images.note_in(header.trail.as_mut());
    }
    if let Some(scale) = calibration.scores.get_mut(place) {
        decide(scale, by)?;
    }
    let done = Calibrated {
        others: others(&before, calibration, place),
        is_evaluation_outdated: path == run.model() && run.metrics().is_file(),
        left_out: images.left_out,
        ..calibrated(calibration, place, &path)?
    };
    let save = || tensor_file::save(&path, &header, &tensors);
    if images.samples.is_empty() {
        save()?;
    } else {
        let (at, all) = ((&run, &*path), (&*taken, &*images.taken));
        write_down(at, all, save)?;
        forget(at, all)?;
    }
    Ok(done)
}

/// Says so where the scores at hand are of the model before its last change.
fn tell_if_old(trail: Option<&Trail>, progress: &mut dyn Progress) {
    let last = trail.and_then(|trail| trail.changes.last());
    if last.is_some_and(|change| change.kept_calibration) {
        progress.on(Event::Note(
            "the held-out scores are those of the model before cavga update --keep-calibration; --own-images or --data scores images anew",
        ));
    }
}

/// The scores but the one at `place` that changed.
fn others(before: &Calibration, after: &Calibration, place: usize) -> Vec<OtherScore> {
    let both = before.scores.iter().zip(&after.scores).enumerate();
    let changed = both.filter(|(at, (before, after))| {
        *at != place
            && (before.threshold, before.unsure_threshold)
                != (after.threshold, after.unsure_threshold)
    });
    let other = changed.map(|(_, (_, scale))| OtherScore {
        score: scale.name.clone(),
        images: scale.held_out.len(),
        false_alarms: scale.false_alarms,
        threshold: scale.threshold,
        unsure_threshold: scale.unsure_threshold,
    });
    other.collect()
}

/// What holds of a score.
fn calibrated(calibration: &Calibration, place: usize, path: &Path) -> Result<Calibrated> {
    let missing = || Error::NotOurs {
        path: path.to_owned(),
        why: "its calibration has no score".to_owned(),
    };
    let scale = calibration.scores.get(place).ok_or_else(missing)?;
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
        left_out: BTreeMap::new(),
        others: Vec::new(),
        is_evaluation_outdated: false,
    })
}
