//! The calibration of a changed model: the images held out are scored again, and thresholds hold the rates that they held before.

use std::{collections::BTreeMap, path::Path, sync::atomic::Ordering};

use cavga_data::Sample;
use cavga_detect::Detector;

use super::{Trail, UpdateError, find::Finder, learn::Eye};
use crate::{
    Result,
    calibration::{Calibration, Rates, Rule, ScoreScale},
    progress::Progress,
    train,
};

/// Held-out images, each as it was.
pub(super) fn held_out(model: &Path, trail: &Trail, data: Option<&Path>) -> Result<Vec<Sample>> {
    let images: Vec<_> = trail.held_out().collect();
    if images.is_empty() {
        let path = model.to_owned();
        return Err(UpdateError::NoHeldOut { path }.into());
    }
    Finder::new(trail, data).find(
        &images,
        "to calibrate on it, it has to be as it was held out; put it back, forget it, or keep the thresholds of before with --keep-calibration",
    )
}

/// [`held_out`], as many as it takes to hold what was asked before.
pub(super) fn enough_held_out(
    model: &Path,
    (trail, before): (&Trail, &Calibration),
    data: Option<&Path>,
) -> Result<Vec<Sample>> {
    let found = held_out(model, trail, data)?;
    try_out(model, before, found.len())?;
    Ok(found)
}

/// An error if so few images cannot hold what was asked before.
fn try_out(model: &Path, before: &Calibration, images: usize) -> Result<()> {
    for scale in &before.scores {
        let mut tried = ScoreScale {
            held_out: vec![0.0; images],
            ..scale.clone()
        };
        as_before(model, &mut tried, scale)?;
    }
    Ok(())
}

/// What a changed detector says of normal images. `learnt`: where the images should be that it knows; a detector that remembers them is not
/// asked about them.
pub(super) fn calibrate(
    detector: &dyn Detector,
    (model, before): (&Path, &Calibration),
    (learnt, held_out): (Vec<Sample>, Vec<Sample>),
    eye: Eye<'_>,
    progress: &mut dyn Progress,
) -> Result<(Calibration, BTreeMap<String, Vec<f32>>)> {
    let stopped = || eye.stop.load(Ordering::Relaxed);
    let none = Vec::new().into();
    let (mut calibration, priors) = train::calibrate::calibrate(
        detector,
        (eye.data, eye.view),
        (&learnt.into(), &held_out.into(), &none),
        &stopped,
        progress,
    )?;
    for scale in &mut calibration.scores {
        let mut scales = before.scores.iter();
        if let Some(before) = scales.find(|before| before.name == scale.name) {
            as_before(model, scale, before)?;
        }
    }
    Ok((calibration, priors))
}

/// Sets thresholds for what was asked of them before.
fn as_before(model: &Path, scale: &mut ScoreScale, before: &ScoreScale) -> Result<()> {
    if before.rule == Rule::OwnBoundary {
        return scale.decide_by_own_boundary();
    }
    let images = scale.held_out.len();
    let rates = Rates {
        false_alarms: before.false_alarms,
        unsure: before.unsure,
    };
    scale.decide(rates).map_err(|error| {
        let error = UpdateError::Rates {
            path: model.to_owned(),
            images,
            score: scale.name.clone(),
            why: error.to_string(),
        };
        error.into()
    })
}
