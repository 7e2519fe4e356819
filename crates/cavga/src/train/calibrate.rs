//! What a fresh detector says of normal images: scales and threshold, and each map's mean over the training images.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use cavga_data::{Calibration as HeldOut, Sample, Train};
use cavga_detect::Detector;

use crate::{
    Error, Result,
    calibration::{Calibration, MapScale, Rule, ScoreScale},
    config::DataConfig,
    feed,
    model::{Scored, score},
    progress::{Event, Progress},
    view::View,
};

/// Scores the normal training images and those held out of training, one at a time as everywhere. Anomalous ones that the
/// method learnt from stay out of it: all that comes of this is about normal images.
pub(super) fn calibrate(
    detector: &dyn Detector,
    (data, view): (&DataConfig, &View),
    (train, held_out): (&Train, &HeldOut),
    stop: &dyn Fn() -> bool,
    progress: &mut dyn Progress,
) -> Result<(Calibration, BTreeMap<String, Vec<f32>>)> {
    let train: Arc<[Sample]> = train.normal().into();
    let held_out: Arc<[Sample]> = held_out.clone().into();
    let total = (train.len() + held_out.len()) as u64;
    progress.on(Event::Begin {
        stage: "calibrating",
        total,
        done: 0,
    });
    let mut seen = Seen::default();
    let mut done = 0;
    // Without those that are gone since they were listed.
    let mut scored_of = [0, 0];
    for (samples, is_train) in [(&train, true), (&held_out, false)] {
        for batch in feed::plain(Arc::clone(samples), data, view.regions.as_ref(), 1)? {
            if stop() {
                progress.on(Event::End);
                return Err(Error::Stopped);
            }
            let batch = batch?;
            done += 1;
            progress.on(Event::Advance { done });
            if batch.ids.is_empty() {
                continue;
            }
            let sample = batch.samples.first().and_then(|&index| samples.get(index));
            let path = sample.map(|sample| sample.path());
            let scored = score((detector, view), batch, data.size)?
                .checked(path.unwrap_or(Path::new("")))?;
            let [n_train, n_held_out] = &mut scored_of;
            if is_train {
                *n_train += 1;
                seen.train(scored)
            } else {
                *n_held_out += 1;
                seen.held_out(&scored)
            }
        }
    }
    progress.on(Event::End);
    let [n_train, n_held_out] = scored_of;
    let (mut calibration, priors) = seen.calibration(n_train, n_held_out);
    if let (Some(boundary), Some(own)) = (detector.boundary(), calibration.scores.first_mut()) {
        (own.threshold, own.rule) = (boundary, Rule::OwnBoundary);
    }
    Ok((calibration, priors))
}

/// What was seen so far, by name in the detector's order.
#[derive(Default)]
struct Seen {
    train: Vec<(&'static str, f32, f32)>,
    highest: Vec<f32>,
    sums: Vec<(&'static str, Vec<f64>)>,
    /// Where pixels don't count: the training images that count at each.
    counts: Vec<usize>,
    maps: Vec<MapSeen>,
}

#[derive(Default, Clone)]
struct MapSeen {
    sum: f64,
    count: usize,
    max: f32,
}

impl Seen {
    fn train(&mut self, scored: Scored) {
        if self.train.is_empty() {
            self.train = scored
                .scores
                .iter()
                .map(|&(name, value)| (name, value, value))
                .collect();
            self.sums = scored
                .maps
                .iter()
                .map(|(name, values)| (*name, vec![0.0; values.len()]))
                .collect();
        }
        for ((_, low, high), (_, value)) in self.train.iter_mut().zip(&scored.scores) {
            *low = low.min(*value);
            *high = high.max(*value);
        }
        for ((_, sums), (_, values)) in self.sums.iter_mut().zip(&scored.maps) {
            let pixels = sums.iter_mut().zip(values).enumerate();
            pixels
                .filter(|(pixel, _)| scored.counts(*pixel))
                .for_each(|(_, (sum, value))| *sum += f64::from(*value));
        }
        if let Some(valid) = &scored.valid {
            self.counts.resize(valid.pixels.len(), 0);
            let pixels = self.counts.iter_mut().zip(&valid.pixels);
            pixels.for_each(|(count, &counts)| *count += usize::from(counts));
        }
    }

    fn held_out(&mut self, scored: &Scored) {
        self.highest.resize(scored.scores.len(), f32::NEG_INFINITY);
        for (highest, (_, value)) in self.highest.iter_mut().zip(&scored.scores) {
            *highest = highest.max(*value);
        }
        self.maps.resize(
            scored.maps.len(),
            MapSeen {
                sum: 0.0,
                count: 0,
                max: f32::NEG_INFINITY,
            },
        );
        for (seen, (_, values)) in self.maps.iter_mut().zip(&scored.maps) {
            let pixels = values.iter().enumerate();
            for (_, value) in pixels.filter(|(pixel, _)| scored.counts(*pixel)) {
                seen.count += 1;
                seen.sum += f64::from(*value);
                seen.max = seen.max.max(*value);
            }
        }
    }

    fn calibration(
        self,
        n_train: usize,
        n_held_out: usize,
    ) -> (Calibration, BTreeMap<String, Vec<f32>>) {
        let scores = self.train.iter().zip(&self.highest).map(
            |(&(name, train_min, train_max), &threshold)| ScoreScale {
                name: name.to_owned(),
                train_min,
                train_max,
                threshold,
                rule: Rule::HeldOut,
            },
        );
        let maps = self
            .sums
            .iter()
            .zip(&self.maps)
            .map(|((name, _), seen)| MapScale {
                name: (*name).to_owned(),
                mean: (seen.sum / seen.count.max(1) as f64) as f32,
                max: seen.max,
            });
        let calibration = Calibration {
            n_train,
            n_held_out,
            scores: scores.collect(),
            maps: maps.collect(),
        };
        let counts = self.counts;
        let mean = |(pixel, sum): (usize, f64)| {
            let count = counts.get(pixel).copied().unwrap_or(n_train);
            (sum / count.max(1) as f64) as f32
        };
        let priors = self.sums.into_iter().map(|(name, sums)| {
            let sums = sums.into_iter().enumerate();
            (name.to_owned(), sums.map(mean).collect())
        });
        (calibration, priors.collect())
    }
}
