//! From raw scores to a verdict: what normal images say of the scale, kept in the model file.
//!
//! Scores of training images give the honest min-max normalisation of CAVGA's s_a; scores of normal images that were kept
//! out of training give the threshold: an image is anomalous if its score exceeds the highest score of any of them. A method
//! that decides by itself (a classifier) has a boundary of its own, and that is then the threshold.

use serde::{Deserialize, Serialize};

use crate::{Error, Result, error::nearest};

/// What is known of a detector's scores and maps on normal images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// How many training images were scored.
    pub n_train: usize,
    /// How many normal images were kept out of training.
    pub n_held_out: usize,
    /// One for each image score, in the detector's order; the first is the method's own.
    pub scores: Vec<ScoreScale>,
    /// One for each map, in the detector's order; the first is the method's own.
    pub maps: Vec<MapScale>,
}

/// One image score on normal images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreScale {
    /// The score's name.
    pub name: String,
    /// Lowest score of a training image.
    pub train_min: f32,
    /// Highest score of a training image.
    pub train_max: f32,
    /// Above it, the verdict is "anomalous". Highest score of a held-out normal image or, for the own score of a method that
    /// decides by itself, the method's boundary: `rule` says which.
    pub threshold: f32,
    /// Where the threshold comes from.
    pub rule: Rule,
}

/// Where a threshold comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The highest score of a held-out normal image.
    HeldOut,
    /// The boundary of a method that decides by itself, fixed before any image was seen.
    OwnBoundary,
}

/// One map on held-out normal images: the range of the colours, the same for every picture of a run.
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

/// What an image is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing that a normal image would not show.
    Normal,
    /// More than any held-out normal image showed, or what a method that decides by itself calls anomalous.
    Anomalous,
}

impl Verdict {
    /// As written in files and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Anomalous => "anomalous",
        }
    }
}

impl ScoreScale {
    /// The verdict on an image of this score.
    pub fn verdict(&self, score: f32) -> Verdict {
        if score > self.threshold {
            Verdict::Anomalous
        } else {
            Verdict::Normal
        }
    }

    /// The score on the scale on which training images lie in [0, 1]; not clamped. `None` if they all scored the same.
    pub fn normalised(&self, score: f32) -> Option<f32> {
        let spread = self.train_max - self.train_min;
        (spread > 0.0).then(|| (score - self.train_min) / spread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_normal_at_the_threshold_itself() {
        let scale = ScoreScale {
            name: "residual".into(),
            train_min: 1.0,
            train_max: 3.0,
            threshold: 2.5,
            rule: Rule::HeldOut,
        };
        assert_eq!(scale.verdict(2.5), Verdict::Normal);
        assert_eq!(scale.verdict(2.500_001), Verdict::Anomalous);
        assert_eq!(scale.normalised(4.0), Some(1.5));
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
