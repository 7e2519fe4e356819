//! The scores of the images that are calibrated on, and the thresholds that come of them.

use std::{path::Path, sync::Arc, sync::atomic::Ordering};

use burn::tensor::Device;

use super::{By, CalibrateOptions, images::Images};
use crate::{
    Error, Result,
    calibration::{Calibration, Rates, Rule, ScoreScale},
    config::DataConfig,
    feed,
    model::Model,
    progress::{Event, Progress},
};

/// One score of all images.
pub(super) struct Scored {
    name: &'static str,
    /// Whether it was fitted on held-out images of the run.
    fitted: bool,
    values: Vec<f32>,
}

/// An error if so many images will be too few, for what is asked, or for what was asked of another score before.
pub(super) fn try_out(
    calibration: &Calibration,
    (place, by): (usize, By),
    images: &Images,
) -> Result<()> {
    for (at, scale) in calibration.scores.iter().enumerate() {
        let mut tried = ScoreScale {
            held_out: vec![0.0; images.count(scale.fitted)],
            ..scale.clone()
        };
        if at == place {
            decide(&mut tried, by)?;
        } else if !tried.held_out.is_empty() {
            decide_again(&mut tried)?;
        }
    }
    Ok(())
}

/// Asks the model about the images, one at a time as everywhere.
pub(super) fn score_all(
    path: &Path,
    device: &Device,
    images: &Images,
    options: &CalibrateOptions,
    progress: &mut dyn Progress,
) -> Result<Vec<Scored>> {
    let model = Model::load(path, device)?;
    // An image that is gone would not be one of those that were drawn.
    let settings = DataConfig::each(model.size(), options.limits);
    let samples = &images.samples;
    progress.on(Event::Begin {
        stage: "scoring normal images",
        total: samples.len() as u64,
        done: 0,
    });
    let mut all = Vec::new();
    let batches = feed::plain(Arc::clone(samples), &settings, model.regions(), 1)?;
    for (done, (batch, sample)) in batches.zip(&**samples).enumerate() {
        if options.stop.load(Ordering::Relaxed) {
            progress.on(Event::End);
            return Err(Error::Stopped);
        }
        let scored = model.score_loaded(batch?)?.checked(sample.path())?;
        if all.is_empty() {
            let names = scored.scores.iter().map(|(name, _)| *name);
            all = names
                .map(|name| Scored {
                    name,
                    fitted: model.is_fitted(name),
                    values: Vec::new(),
                })
                .collect();
        }
        for (one, (_, value)) in all.iter_mut().zip(&scored.scores) {
            one.values.push(*value);
        }
        progress.on(Event::Advance {
            done: done as u64 + 1,
        });
    }
    progress.on(Event::End);
    Ok(all)
}

/// Makes these the held-out scores. Thresholds of scores but the one at `place` stay for what was asked of them.
pub(super) fn take(
    calibration: &mut Calibration,
    scored: Vec<Scored>,
    images: &Images,
    place: usize,
) -> Result<()> {
    calibration.n_held_out = images.samples.len();
    for Scored {
        name,
        fitted,
        values,
    } in scored
    {
        let mut scales = calibration.scores.iter_mut().enumerate();
        let Some((at, scale)) = scales.find(|(_, scale)| scale.name == name) else {
            continue;
        };
        scale.fitted = fitted;
        let with = values.iter().zip(&images.is_fitted);
        let honest = with.filter(|(_, is_fitted)| !(fitted && **is_fitted));
        let mut honest: Vec<f32> = honest.map(|(value, _)| *value).collect();
        if honest.is_empty() {
            as_fitted(scale, values);
            continue;
        }
        honest.sort_by(f32::total_cmp);
        scale.held_out = honest;
        if at != place {
            decide_again(scale)?;
        }
    }
    Ok(())
}

/// A score of which no image says anything honest is what training left, unless it is that still.
fn as_fitted(scale: &mut ScoreScale, values: Vec<f32>) {
    if scale.held_out.is_empty() {
        return;
    }
    let range = (scale.train_min, scale.train_max);
    let learnt = ScoreScale::learnt(&scale.name, range, values, (true, false));
    match scale.rule {
        Rule::OwnBoundary => scale.held_out.clear(),
        Rule::HeldOut => {
            *scale = ScoreScale {
                own_boundary: scale.own_boundary,
                ..learnt
            };
        }
    }
}

/// Sets the thresholds as asked.
pub(super) fn decide(scale: &mut ScoreScale, by: By) -> Result<()> {
    let By::Rates {
        false_alarms,
        unsure,
    } = by
    else {
        return scale.decide_by_own_boundary();
    };
    if by.is_kept() && scale.rule == Rule::OwnBoundary {
        return Ok(());
    }
    let rates = Rates {
        false_alarms: false_alarms.over(scale.false_alarms),
        unsure: unsure.over(scale.unsure),
    };
    let decided = scale.decide(rates);
    decided.map_err(|error| match &error {
        Error::Config { origin, .. }
            if (origin == "--false-alarms" && false_alarms.is_kept())
                || (origin == "--unsure" && unsure.is_kept()) =>
        {
            asked_before(error, &scale.name)
        }
        _ => error,
    })
}

/// Sets the thresholds anew for what was asked before.
fn decide_again(scale: &mut ScoreScale) -> Result<()> {
    if scale.rule == Rule::OwnBoundary {
        return Ok(());
    }
    let rates = Rates {
        false_alarms: scale.false_alarms,
        unsure: scale.unsure,
    };
    let decided = scale.decide(rates);
    decided.map_err(|error| asked_before(error, &scale.name))
}

/// An error about a rate that nobody asks for now.
fn asked_before(error: Error, score: &str) -> Error {
    match error {
        Error::Config { origin, why } => Error::Config {
            origin,
            why: format!(
                "{why}. That was asked of the score {score} before; ask other rates of it with --score {score}, or none with \
                 --strictest and --no-unsure"
            ),
        },
        other => other,
    }
}
