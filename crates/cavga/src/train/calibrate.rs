//! What a fresh detector says of normal images: scales and threshold, and each map's mean over images that say what is usual.

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

/// What an image was to the detector.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Use {
    /// Learnt from.
    Train,
    /// Held out, and looked at by what is fitted on held-out images.
    Fit,
    /// Held out, and seen by nothing.
    Rest,
}

/// Scores the normal training images and those held out of training, one at a time as everywhere. Anomalous ones that the
/// method learnt from stay out of it: all that comes of this is about normal images. Of a detector that remembers its training images these
/// say nothing, and the held-out ones stand for them. Of the held-out images the first were fitted on,
/// and say nothing of what was; where there are no others, its thresholds are from them all the same, and no p-value is.
pub(crate) fn calibrate(
    detector: &dyn Detector,
    (data, view): (&DataConfig, &View),
    (train, fit, rest): (&Train, &HeldOut, &HeldOut),
    stop: &dyn Fn() -> bool,
    progress: &mut dyn Progress,
) -> Result<(Calibration, BTreeMap<String, Vec<f32>>)> {
    let remembers = detector.remembers();
    let learnt: Arc<[Sample]> = match remembers {
        true => Arc::default(),
        false => train.normal().into(),
    };
    let parts: [(Arc<[Sample]>, Use); 3] = [
        (learnt, Use::Train),
        (fit.clone().into(), Use::Fit),
        (rest.clone().into(), Use::Rest),
    ];
    progress.on(Event::Begin {
        stage: "calibrating",
        total: parts.iter().map(|(samples, _)| samples.len() as u64).sum(),
        done: 0,
    });
    let mut seen = Seen::default();
    let mut done = 0;
    // Without those that are gone since they were listed.
    let mut n_train = if remembers { train.normal().len() } else { 0 };
    for (samples, of) in parts {
        for batch in feed::plain(Arc::clone(&samples), data, view.regions.as_ref(), 1)? {
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
            match of {
                Use::Train => {
                    n_train += 1;
                    seen.usual(scored)
                }
                Use::Fit | Use::Rest => seen.held_out(scored, of, remembers),
            }
        }
    }
    progress.on(Event::End);
    let (mut calibration, priors) = seen.calibration(n_train, &|name| detector.is_fitted(name));
    if let (Some(boundary), Some(own)) = (detector.boundary(), calibration.scores.first_mut()) {
        (own.threshold, own.rule, own.own_boundary) = (boundary, Rule::OwnBoundary, Some(boundary));
    }
    Ok((calibration, priors))
}

/// What was seen so far, by name in the detector's order.
#[derive(Default)]
struct Seen {
    /// The lowest and the highest of each score, of images that say what is usual.
    usual: Vec<(&'static str, f32, f32)>,
    /// How many images these are.
    n_usual: usize,
    /// What each held-out image was, and its scores.
    held_out: Vec<(Use, Vec<f32>)>,
    sums: Vec<(&'static str, Vec<f64>)>,
    /// Where pixels don't count: the images that say what is usual and that count at each.
    counts: Vec<usize>,
    /// Of the images that were fitted on, and of the others.
    maps: [Vec<MapSeen>; 2],
}

#[derive(Clone, Copy)]
struct MapSeen {
    sum: f64,
    count: usize,
    max: f32,
}

impl MapSeen {
    const NOTHING: Self = Self {
        sum: 0.0,
        count: 0,
        max: f32::NEG_INFINITY,
    };

    fn and(self, other: Self) -> Self {
        Self {
            sum: self.sum + other.sum,
            count: self.count + other.count,
            max: self.max.max(other.max),
        }
    }
}

impl Seen {
    /// An image that says what is usual.
    fn usual(&mut self, scored: Scored) {
        self.n_usual += 1;
        if self.usual.is_empty() {
            self.usual = scored
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
        for ((_, low, high), (_, value)) in self.usual.iter_mut().zip(&scored.scores) {
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

    /// A held-out image; `is_usual`: it says what is usual too.
    fn held_out(&mut self, scored: Scored, of: Use, is_usual: bool) {
        let scores = scored.scores.iter().map(|(_, value)| *value);
        self.held_out.push((of, scores.collect()));
        let maps = &mut self.maps[usize::from(of == Use::Rest)];
        maps.resize(scored.maps.len(), MapSeen::NOTHING);
        for (seen, (_, values)) in maps.iter_mut().zip(&scored.maps) {
            let pixels = values.iter().enumerate();
            for (_, value) in pixels.filter(|(pixel, _)| scored.counts(*pixel)) {
                seen.count += 1;
                seen.sum += f64::from(*value);
                seen.max = seen.max.max(*value);
            }
        }
        if is_usual {
            self.usual(scored);
        }
    }

    /// One score of the held-out images: of all of them, or of those alone that nothing was fitted on.
    fn held_out_scores(&self, score: usize, is_rest_only: bool) -> Vec<f32> {
        let images = self.held_out.iter();
        let images = images.filter(|(of, _)| !is_rest_only || *of == Use::Rest);
        images
            .filter_map(|(_, scores)| scores.get(score).copied())
            .collect()
    }

    fn calibration(
        self,
        n_train: usize,
        is_fitted: &dyn Fn(&str) -> bool,
    ) -> (Calibration, BTreeMap<String, Vec<f32>>) {
        let has_rest = self.held_out.iter().any(|(of, _)| *of == Use::Rest);
        let scores = self.usual.iter().enumerate();
        let scores = scores.map(|(place, &(name, low, high))| {
            let fitted = is_fitted(name);
            let held_out = self.held_out_scores(place, fitted && has_rest);
            ScoreScale::learnt(name, (low, high), held_out, (fitted, !fitted || has_rest))
        });
        let [fit, rest] = &self.maps;
        let of =
            |maps: &[MapSeen], place: usize| maps.get(place).copied().unwrap_or(MapSeen::NOTHING);
        let maps = self.sums.iter().enumerate().map(|(place, (name, _))| {
            let rest = of(rest, place);
            let seen = match is_fitted(name) && has_rest {
                true => rest,
                false => of(fit, place).and(rest),
            };
            MapScale {
                name: (*name).to_owned(),
                mean: (seen.sum / seen.count.max(1) as f64) as f32,
                max: seen.max,
            }
        });
        let calibration = Calibration {
            n_train,
            n_held_out: self.held_out.len(),
            scores: scores.collect(),
            maps: maps.collect(),
        };
        let (counts, all) = (self.counts, self.n_usual);
        let mean = |(pixel, sum): (usize, f64)| {
            let count = counts.get(pixel).copied().unwrap_or(all);
            (sum / count.max(1) as f64) as f32
        };
        let priors = self.sums.into_iter().map(|(name, sums)| {
            let sums = sums.into_iter().enumerate();
            (name.to_owned(), sums.map(mean).collect())
        });
        (calibration, priors.collect())
    }
}
