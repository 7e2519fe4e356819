//! Changing a model after training: it learns further normal images, or forgets some, without the others being looked at again.
//!
//! The way of a change: the images are found (`new`, `find`), the method goes back to learning and takes them in or lets go of them (`learn`), the
//! images held out are scored again (`calibrate`), and the file takes the place of the old one, whole. What came, what went and when is in its
//! [`Trail`]; the run beside it learns what may not be measured on (`known`).

mod calibrate;
mod error;
mod find;
mod known;
mod learn;
mod new;
mod plan;
mod time;
mod trail;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use cavga_data::Limits;
use serde::Serialize;

use calibrate::enough_held_out;
pub use error::UpdateError;
use find::Finder;
use learn::Eye;
use plan::Plan;
pub(crate) use trail::Coming;
pub use trail::{Change, ChangeKind, Trail, TrailImage};

use crate::{
    Error, Result,
    config::DataConfig,
    eval::as_text,
    model::Model,
    progress::Progress,
    run::{RunFolder, model_file},
    tensor_file,
};

/// What to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Update {
    /// Learn the normal images of a folder, and of those below it.
    Add(PathBuf),
    /// Forget the images of these ids, as the model's [`Trail`] has them; those held out, too.
    Forget(Vec<String>),
}

/// How to change a model.
#[derive(Debug, Clone)]
pub struct UpdateOptions {
    /// The dataset of the fit, if it is not where it was: images are looked for there that have to be seen again.
    pub data: Option<PathBuf>,
    /// Where the changed model goes; without it, in the place of the old one.
    pub out: Option<PathBuf>,
    /// Leave thresholds, scales and p-values as they are, without a look at the images held out. The trail says so.
    pub keep_calibration: bool,
    /// The device, as in `cpu` or `wgpu:1`.
    pub device: String,
    /// Which images are refused undecoded.
    pub limits: Limits,
    /// Raised from another thread, it makes the change end with [`Error::Stopped`]; the model file is then what it was.
    pub stop: Arc<AtomicBool>,
}

impl Default for UpdateOptions {
    fn default() -> Self {
        Self {
            data: None,
            out: None,
            keep_calibration: false,
            device: "cpu".to_owned(),
            limits: Limits::default(),
            stop: Arc::default(),
        }
    }
}

/// What became of a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Updated {
    /// The changed model's file.
    #[serde(serialize_with = "as_text")]
    pub model: PathBuf,
    /// What was done.
    pub change: Change,
    /// Images that it knows now.
    pub learnt: usize,
    /// Images that are held out now.
    pub held_out: usize,
    /// Images of the folder that were left out, by why.
    pub left_out: BTreeMap<&'static str, usize>,
    /// Whether the run was evaluated with the model as it was.
    pub is_evaluation_outdated: bool,
}

/// The trail of a model, the file or the one in the folder of a run.
///
/// # Errors
/// [`UpdateError::NotReopened`] of a method that cannot be updated; those of the model file.
pub fn trail(model: &Path) -> Result<Trail> {
    let path = model_file(model)?;
    let (header, _) = tensor_file::load(&path)?;
    Ok(require(header.trail, &header.method, &path)?)
}

fn require(
    trail: Option<Trail>,
    method: &cavga_detect::Method,
    path: &Path,
) -> Result<Trail, UpdateError> {
    let path = path.to_owned();
    match trail {
        Some(trail) if method.reopens() => Ok(trail),
        None if method.reopens() => Err(UpdateError::NoTrail { path }),
        _ => Err(UpdateError::NotReopened {
            path,
            method: method.name(),
        }),
    }
}

/// Changes a model, the file or the one in the folder of a run, and writes the file anew, whole or not at all.
///
/// After the change of a PaDiM the model is what a fit from scratch on the same images gives, to rounding. Of a PatchCore, no feature that
/// its bank was chosen among lies farther from it than the trail's `radius`, and no row is of an image that it forgot.
///
/// # Errors
/// [`UpdateError`], which says what is in the way; those of the model file, of the images and of the method; [`Error::Stopped`]. The model file is
/// then what it was.
pub fn update(
    model: &Path,
    what: &Update,
    options: &UpdateOptions,
    progress: &mut dyn Progress,
) -> Result<Updated> {
    let device = cavga_detect::device::parse(&options.device)?;
    let path = model_file(model)?;
    let to = destination(&path, options)?;
    let model = Model::load(&path, &device)?;
    let trail = require(model.trail().cloned(), model.method(), &path)?;
    let held_out_before = trail.held_out().count();
    let mut plan = Plan::new(what, trail, &path, options, progress)?;
    let data = options.data.as_deref();
    let held_out = match options.keep_calibration {
        true => None,
        // Before minutes of learning.
        false => {
            let before = (&plan.trail, model.calibration());
            Some(enough_held_out(&path, before, data)?)
        }
    };
    let (detector, made_as, view, before) = model.into_parts();
    let size = made_as.1;
    let eye = Eye {
        data: &DataConfig::each(size, options.limits),
        view: &view,
        device: &device,
        stop: &options.stop,
    };
    let detector = plan.carry_out(detector, (&path, data), eye, progress)?;
    let known = match held_out {
        // What a forgotten image scored is forgotten too, and with it what rests on each score: thresholds alone stay.
        None if plan.trail.held_out().count() < held_out_before => {
            (before.0.without_scores(), before.1)
        }
        None => before,
        Some(held_out) => {
            let (mut finder, learnt) = (Finder::new(&plan.trail, data), plan.trail.learnt());
            let learnt = learnt.map(|image| finder.sample(image)).collect();
            let before = (&*path, &before.0);
            calibrate::calibrate(&*detector, before, (learnt, held_out), eye, progress)?
        }
    };
    plan.settle(&*detector, options.keep_calibration);
    let Plan {
        change,
        trail,
        left_out,
        ..
    } = plan;
    let updated = Updated {
        is_evaluation_outdated: is_evaluated(&to),
        model: to,
        change,
        learnt: trail.learnt().count(),
        held_out: trail.held_out().count(),
        left_out,
    };
    let model = Model::new((detector, made_as, view, known)).with_trail(Some(trail.clone()));
    known::write_down(&updated.model, &trail, || model.save(&updated.model))?;
    Ok(updated)
}

/// Where the changed model goes; an error before minutes of work if it cannot go there.
fn destination(model: &Path, options: &UpdateOptions) -> Result<PathBuf> {
    let Some(out) = &options.out else {
        return Ok(model.to_owned());
    };
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    let why = match folder {
        _ if out.is_dir() => "a folder; name a file, as in model.safetensors",
        Some(folder) if !folder.is_dir() => "its folder does not exist; make it first",
        _ => return Ok(out.clone()),
    };
    Err(Error::Out {
        path: out.clone(),
        why: why.to_owned(),
    })
}

/// Whether a file is the model of a run that was evaluated.
fn is_evaluated(path: &Path) -> bool {
    let run = RunFolder::new(path.parent().unwrap_or(Path::new(".")));
    path == run.model() && run.metrics().is_file()
}
