//! What a model says of an image.

use std::path::Path;

use cavga_data::Valid;

use crate::{Error, Result};

/// What a detector says of one image.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scored {
    /// Raw image scores by name; the first is the method's own. Higher means more anomalous.
    pub scores: Vec<(&'static str, f32)>,
    /// Raw maps by name, row by row at the model's size; the first is the method's own.
    pub maps: Vec<(&'static str, Vec<f32>)>,
    /// Which pixels of the maps count, of a model that has regions: no more is promised of the others than that they are finite.
    pub valid: Option<Valid>,
}

impl Scored {
    /// Whether a pixel of its maps counts.
    pub(crate) fn counts(&self, pixel: usize) -> bool {
        let valid = self.valid.as_ref();
        valid.is_none_or(|valid| valid.pixels.get(pixel).copied().unwrap_or(true))
    }

    /// An error that names the image unless all scores and maps are finite.
    pub(crate) fn checked(self, image: &Path) -> Result<Self> {
        let score = self
            .scores
            .iter()
            .find(|(_, value)| !value.is_finite())
            .map(|(name, _)| format!("score {name}"));
        let map = || {
            self.maps
                .iter()
                .find(|(_, values)| values.iter().any(|value| !value.is_finite()))
        };
        match score.or_else(|| map().map(|(name, _)| format!("map {name}"))) {
            Some(what) => Err(Error::ScoreNotFinite {
                path: image.to_owned(),
                what,
            }),
            None => Ok(self),
        }
    }
}
