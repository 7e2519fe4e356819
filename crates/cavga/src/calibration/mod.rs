//! From raw scores to a verdict: what normal images say of the scale, kept in the model file.
//!
//! Scores of training images give the honest min-max normalisation of CAVGA's s_a (those of held-out images where a method remembers its
//! training images, whose own say nothing of others); scores of normal images that were kept out of training give p-values and thresholds,
//! by split conformal prediction ([`cavga_metrics::conformal`]): after training the threshold is the highest of them, the smallest
//! false-alarm rate that so many images support, and [`calibrate`](crate::calibrate()) sets another. A method that decides by itself (a
//! classifier) has a boundary of its own, and that is then the threshold.
//!
//! - `score`: one image score, its thresholds and what is said of an image by them

mod score;

use serde::{Deserialize, Serialize};

pub use score::{Rates, Rule, ScoreScale, Verdict, percent_text, rate_text};

use crate::{Error, Result, error::nearest};

/// What is known of a detector's scores and maps on normal images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// How many training images were scored, or learnt by a method that remembers them.
    pub n_train: usize,
    /// How many normal images were kept out of training.
    pub n_held_out: usize,
    /// One for each image score, in the detector's order; the first is the method's own.
    pub scores: Vec<ScoreScale>,
    /// One for each map, in the detector's order; the first is the method's own.
    pub maps: Vec<MapScale>,
}

/// One map on held-out normal images: the range of the colours, the same for every picture of a run. Of a map that was itself fitted on
/// some of them, on the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapScale {
    /// The map's name.
    pub name: String,
    /// The mean over all pixels: the colours' lower end.
    pub mean: f32,
    /// The highest value of any pixel: the colours' middle, so that what no normal image showed stands out.
    pub max: f32,
}

impl Calibration {
    /// Without what each held-out image scored: thresholds and scales stay, p-values are unknown from now on.
    pub(crate) fn without_scores(mut self) -> Self {
        self.scores
            .iter_mut()
            .for_each(|score| score.held_out.clear());
        self
    }

    /// The place of the map of this name; the first, the method's own, without a name.
    ///
    /// # Errors
    /// [`Error::UnknownMap`], naming the closest there is.
    pub fn map_index(&self, name: Option<&str>) -> Result<usize> {
        let Some(name) = name else { return Ok(0) };
        let known: Vec<_> = self.maps.iter().map(|scale| scale.name.as_str()).collect();
        known
            .iter()
            .position(|known| *known == name)
            .ok_or_else(|| Error::UnknownMap {
                found: name.to_owned(),
                nearest: nearest(name, known.iter().copied()),
                known: known.join(", "),
            })
    }

    /// The place of the score of this name; the first, the method's own, without a name.
    ///
    /// # Errors
    /// [`Error::UnknownScore`], naming the closest there is.
    pub fn score_index(&self, name: Option<&str>) -> Result<usize> {
        let Some(name) = name else { return Ok(0) };
        let known: Vec<_> = self.scores.iter().map(|scale| &*scale.name).collect();
        let place = known.iter().position(|known| *known == name);
        place.ok_or_else(|| Error::UnknownScore {
            found: name.to_owned(),
            nearest: nearest(name, known.iter().copied()),
            known: known.join(", "),
        })
    }

    /// The scores that no honest held-out image is known for, as too few were held out to fit on some and ask others.
    pub fn unknown(&self) -> Vec<&str> {
        let unknown = |scale: &&ScoreScale| scale.fitted && scale.held_out.is_empty();
        let scales = self.scores.iter().filter(unknown);
        scales.map(|scale| scale.name.as_str()).collect()
    }

    /// In words, what it means for fitted scores that they were fitted on all held-out images; `None` where they were not.
    pub fn warning(&self) -> Option<String> {
        let unknown = self.unknown();
        if unknown.is_empty() {
            return None;
        }
        let (n, unknown, fewest) = (
            self.n_held_out,
            unknown.join(", "),
            crate::train::FEWEST_TO_HALVE,
        );
        Some(match n < fewest {
            true => format!(
                "{n} held-out normal images are too few to fit some scores on one half and calibrate them on the other: {unknown} \
                 were fitted on the very images that their thresholds are from, which are too low, and have no p-values; hold \
                 out {fewest} or more (data.held_out), or give others to cavga calibrate --data"
            ),
            false => format!(
                "{unknown} were fitted on all {n} held-out normal images, by an earlier version or because they are all of one group: \
                 their thresholds, from the very images, are too low, and they have no p-values; give others to cavga calibrate \
                 --data, or train again"
            ),
        })
    }

    /// What is wrong with it as read from a file: numbers that no calibration holds.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.scores.iter().try_for_each(ScoreScale::check)
    }
}

impl MapScale {
    /// The values at the colours' lower and upper end.
    pub fn range(&self) -> (f32, f32) {
        let reach = 2.0 * (self.max - self.mean);
        // A map without any spread on normal images still needs a range to be drawn in.
        (
            self.mean,
            self.mean + reach.max(f32::EPSILON * self.mean.abs().max(1.0)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It said of eight that they were too few to halve, and to hold out four.
    #[test]
    fn a_warning_says_why_a_score_was_fitted_on_all_held_out_images() {
        let warning = |n_held_out, fitted| {
            let scale =
                ScoreScale::learnt("x", (0.0, 1.0), vec![0.5; n_held_out], (fitted, !fitted));
            let calibration = Calibration {
                n_train: 9,
                n_held_out,
                scores: vec![scale],
                maps: Vec::new(),
            };
            calibration.warning()
        };
        assert_eq!(warning(8, false), None);
        assert!(warning(3, true).unwrap().contains("hold out 4 or more"));
        let said = warning(8, true).unwrap();
        assert!(said.contains("all 8 held-out normal images, by an earlier version"));
        assert!(!said.contains("too few") && said.ends_with("or train again"));
    }

    #[test]
    fn a_constant_map_still_has_a_range() {
        let scale = MapScale {
            name: "a".into(),
            mean: 0.5,
            max: 0.5,
        };
        let (low, high) = scale.range();
        assert!(high > low);
    }
}
