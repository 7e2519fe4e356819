//! Verification: the same images through every form that a model has, and how far the answers are apart.
//!
//! A model is one thing in many forms: prepared for inference or as it was trained, one image at a time or several, on one thread or
//! many, from files or from memory, on one device or another. A figure that was measured with one form is worth nothing if another is
//! at work on the line. So all are asked the same, and what differs by more than a tolerance is named.
//!
//! The reference is what `predict` and `eval` do: the inference form on the CPU, one image at a time.
//!
//! - `forms`: which forms there are and how each is asked; `devices`: on which devices; `images`: what they are asked about
//! - `difference`: how far two answers are apart

mod devices;
mod difference;
mod forms;
mod images;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use cavga_data::{DatasetSpec, Limits};
use serde::Serialize;

pub use difference::Place;

use difference::{Differences, Known, Moves};
use forms::{Form, Replay, Replayed};

use crate::{
    Error, Result,
    eval::as_text,
    model::{Model, Scored},
    progress::{Event, Progress},
    run::model_file,
};

/// How to verify.
#[derive(Debug, Clone)]
pub struct VerifyOptions {
    /// A folder of images or a dataset; without it, images are generated.
    pub data: Option<PathBuf>,
    /// Which images of that folder are meant.
    pub dataset: DatasetSpec,
    /// How many images are asked about, at least one.
    pub images: usize,
    /// The largest relative difference that is let pass where the same bits are not promised.
    pub tolerance: f64,
    /// Whether a larger one is let pass where the image does not determine the number to more: where the reference's own answer moves as
    /// far when each of its pixels moves by the tolerance.
    pub allow_undetermined: bool,
    /// Which images are refused undecoded.
    pub limits: Limits,
    /// Raised from another thread, it makes the verification end with [`Error::Stopped`].
    pub stop: Arc<AtomicBool>,
}

impl Default for VerifyOptions {
    fn default() -> Self {
        Self {
            data: None,
            dataset: DatasetSpec::default(),
            images: 16,
            tolerance: 1e-5,
            allow_undetermined: false,
            limits: Limits::default(),
            stop: Arc::default(),
        }
    }
}

/// What a verification found.
#[derive(Debug, Clone, Serialize)]
pub struct Verification {
    /// The model file.
    #[serde(serialize_with = "as_text")]
    pub model: PathBuf,
    /// Its method.
    pub method: &'static str,
    /// `[height, width]` of the images it takes.
    pub size: [usize; 2],
    /// The images asked about.
    pub images: Vec<String>,
    /// Whether they were generated.
    pub generated: bool,
    /// As it was asked for.
    pub tolerance: f64,
    /// One entry for each form that was compared with the reference.
    pub forms: Vec<FormFound>,
    /// The forms that were not, and why.
    pub not_compared: Vec<NotCompared>,
    /// What else is to be known of what was compared.
    pub notes: Vec<String>,
    /// Whether all forms agree.
    pub agrees: bool,
}

/// How far a form is from the reference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FormFound {
    /// What it is called.
    pub form: String,
    /// How many of the images were heard of; not all where a form cannot be asked about all.
    pub images: usize,
    /// How many scores were compared.
    pub scores: usize,
    /// How many pixels of maps were compared; 0 for a form that only scores.
    pub map_pixels: usize,
    /// Whether the same bits are promised, and nothing less is let pass.
    pub exact: bool,
    /// Whether they are the same bits.
    pub same_bits: bool,
    /// The largest relative difference; infinite (`null` in JSON) where a form says what is no number, or nothing, or something where
    /// the reference is 0 throughout.
    pub largest: f64,
    /// Where that is; `None` if no bit differs.
    pub place: Option<Place>,
    /// The largest difference for which it does not agree.
    pub fault: Option<Place>,
    /// Whether it agrees with the reference.
    pub agrees: bool,
}

/// A form that was not compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotCompared {
    /// What it is called.
    pub form: String,
    /// Why.
    pub why: String,
}

/// Asks a model about images in every form that it has on this machine. `path`: the model file, or the folder of a run. The answers of
/// the reference to all images are kept in memory, as in an evaluation.
///
/// # Errors
/// Those of the model file and of the images; [`Error::ScoreNotFinite`] if the reference itself says what is no number;
/// [`Error::Stopped`]. Forms that differ are no error: see [`Verification::agrees`].
pub fn verify(
    path: &Path,
    options: &VerifyOptions,
    progress: &mut dyn Progress,
) -> Result<Verification> {
    if options.images == 0 {
        return Err(Error::Config {
            origin: "images".to_owned(),
            why: "expected at least 1, found 0".to_owned(),
        });
    }
    let file = model_file(path)?;
    let load = |device: &_| Model::load(&file, device);
    let model = load(&cavga_detect::device::parse("cpu")?)?;
    let folder = tempfile::tempdir().map_err(Error::io("make a folder", std::env::temp_dir()))?;
    let samples = match &options.data {
        Some(data) => images::found(&options.dataset, data, options.images)?,
        None => images::generated(folder.path(), model.size(), options.images)?,
    };
    let (names, samples) = images::by_path(samples);
    let mut notes = Vec::new();
    if !images::are_claimed(&model, &samples)? {
        notes.push(UNCLAIMED.to_owned());
    }
    let batches = images::load(&model, &samples, &Replay::settings(&model, options))?;
    let (method, size, tiles) = (model.method().name(), model.size(), model.tiles().is_some());
    let mut replay = Replay {
        model,
        load: &load,
        samples,
        names,
        batches,
        folder: folder.path(),
        options,
    };
    let (forms, refused) = forms::all(tiles);
    let (mut found, mut not_compared) = (Vec::new(), Vec::new());
    for compared in compare(&mut replay, &forms, progress)? {
        match compared {
            Ok(form) => found.push(form),
            Err(form) => not_compared.push(form),
        }
    }
    not_compared.extend(refused.into_iter().map(|(name, why)| NotCompared {
        form: format!("device {name}"),
        why,
    }));
    Ok(Verification {
        model: file.clone(),
        method,
        size,
        images: replay.names,
        generated: options.data.is_none(),
        tolerance: options.tolerance,
        agrees: found.iter().all(|form| form.agrees),
        forms: found,
        not_compared,
        notes,
    })
}

/// Of a model with regions, where they say nothing of the images.
const UNCLAIMED: &str = "no camera of the model's regions claims any of these images: what the regions leave out is not verified; give \
                         images that they claim with --data";

/// Each form against the reference, or why it was not compared.
fn compare(
    replay: &mut Replay<'_>,
    forms: &[Form],
    progress: &mut dyn Progress,
) -> Result<Vec<Result<FormFound, NotCompared>>> {
    let tiles = replay.model.tiles().is_some();
    progress.on(Event::Begin {
        stage: "verifying",
        total: forms.len() as u64 + 1,
        done: 0,
    });
    let compared = (|| {
        let reference = reference(replay)?;
        let mut compared = Vec::with_capacity(forms.len());
        for form in forms {
            progress.on(Event::Advance {
                done: compared.len() as u64 + 1,
            });
            let one = one(replay, form, &reference)?;
            compared.push(one.map_err(|why| NotCompared {
                form: form.name(tiles),
                why,
            }));
        }
        progress.on(Event::Advance {
            done: compared.len() as u64 + 1,
        });
        Ok(compared)
    })();
    progress.on(Event::End);
    compared
}

/// What all forms are compared with: what is said of an image, and how far that moves when the image does.
type Reference = Vec<(Scored, Moves)>;

/// How often each image is moved.
const DRAWS: u64 = 4;

fn reference(replay: &Replay<'_>) -> Result<Reference> {
    let mut said = Vec::new();
    replay.each(&replay.model, &mut |_, scored| said.push(scored.clone()))?;
    let each = said.into_iter().enumerate().map(|(at, scored)| {
        let scored = scored.checked(replay.path(at))?;
        let mut moves = Moves::default();
        let draws = if replay.options.allow_undetermined {
            DRAWS
        } else {
            0
        };
        for draw in 0..draws {
            moves.add(&scored, &replay.moved(at, draw)?);
        }
        Ok((scored, moves))
    });
    each.collect()
}

/// One form against the reference, or why it cannot be tried.
fn one(
    replay: &mut Replay<'_>,
    form: &Form,
    reference: &Reference,
) -> Result<Result<FormFound, String>> {
    let mut differences = Differences::new(replay.options.tolerance, form.only_scores());
    let calibration = replay.model.calibration().clone();
    let names = replay.names.clone();
    let replayed = form.replay(replay, &mut |at, found| {
        if let (Some(image), Some((scored, moves))) = (names.get(at), reference.get(at)) {
            let known = Known {
                image,
                at,
                scored,
                moves,
            };
            differences.add(known, found, &calibration);
        }
    })?;
    match replayed {
        // An image that a form says nothing of is one that it is wrong about.
        Replayed::Whole => {
            let missing = (0..reference.len()).find(|at| !differences.heard.contains(at));
            if let Some(name) = missing.and_then(|at| names.get(at)) {
                differences.add_missing(name, "all, of which nothing was said");
            }
        }
        Replayed::Part => {}
        Replayed::OtherFile(what) => differences.add_file(what),
        Replayed::NotTried(why) => return Ok(Err(why)),
    }
    let name = form.name(replay.model.tiles().is_some());
    Ok(Ok(found(name, form.is_exact(), differences)))
}

fn found(form: String, exact: bool, differences: Differences) -> FormFound {
    let Differences {
        heard,
        scores,
        pixels,
        same_bits,
        largest: place,
        fault,
        ..
    } = differences;
    let fault = match exact {
        true => place.clone(),
        false => fault,
    };
    FormFound {
        form,
        images: heard.len(),
        scores,
        map_pixels: pixels,
        exact,
        same_bits,
        largest: place.as_ref().map_or(0.0, |place| place.relative),
        // A form that was never heard has not agreed.
        agrees: !heard.is_empty() && fault.is_none() && (same_bits || !exact),
        place,
        fault,
    }
}
