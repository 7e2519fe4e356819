//! Scoring with a memory bank.
//!
//! | map | what it is |
//! |---|---|
//! | `patch-distance` | distance of each position's features to the nearest row, bilinear to the image's size and smoothed: the paper's |
//!
//! | score | what it is |
//! |---|---|
//! | `patch-distance-weighted` | the largest distance of the image, weighed by how lonely the nearest row is: the paper's, equation 7 |
//! | `patch-distance-max` | the largest distance of the image |

use burn::tensor::{Device, Tensor};
use cavga_nn::state;

use super::{
    PatchcoreConfig, PatchcoreLearner,
    bank::{Bank, Origin},
    scorer::{Found, Scorer},
};
use crate::{
    Detector, ImageScores, Learner, Maps, Merge, Result, Scores, Tensors,
    features::{Counted, Extractor, MapMaker, rows},
};

/// A trained PatchCore.
#[derive(Debug)]
pub struct PatchcoreDetector {
    config: PatchcoreConfig,
    extractor: Extractor,
    scorer: Scorer,
    origin: Origin,
    maps: MapMaker,
}

impl PatchcoreDetector {
    pub(super) fn new(config: &PatchcoreConfig, extractor: Extractor, bank: Bank) -> Self {
        let (grid, size) = (extractor.grid(), extractor.size());
        Self {
            config: config.clone(),
            scorer: Scorer::new(bank.rows, config.neighbours),
            origin: bank.origin,
            maps: MapMaker::new(grid, size, config.smoothing, extractor.device()),
            extractor,
        }
    }

    /// From what [`Detector::state`] gave.
    pub fn restore(
        config: &PatchcoreConfig,
        size: [usize; 2],
        mut tensors: Tensors,
        device: &Device,
    ) -> Result<Self> {
        config.check()?;
        let extractor = Extractor::take(&config.encoder, size, &mut tensors, device)?;
        let bank = Bank::take(config, config.encoder.channels(), &mut tensors)?;
        state::expect_empty(&tensors)?;
        Ok(Self::new(config, extractor, bank))
    }

    /// No feature that was chosen among lies farther than this from its nearest row.
    pub fn radius(&self) -> f32 {
        self.origin.radius
    }
}

impl Detector for PatchcoreDetector {
    fn score(&self, images: Tensor<4>, valid: Option<Tensor<4>>) -> Result<Scores> {
        let counted = Counted::of(&images, valid, self.extractor.grid())?;
        let [batch, ..] = images.dims();
        let queries = rows(self.extractor.local_features(images)?);
        let Found {
            distances,
            largest,
            weighted,
        } = self.scorer.score(&queries, batch, &counted);
        let score = |name, values| ImageScores {
            name,
            values,
            merge: Merge::Max,
        };
        let map = self.maps.map(distances, &counted);
        Ok(Scores {
            images: vec![
                score("patch-distance-weighted", weighted),
                score("patch-distance-max", largest),
            ],
            maps: vec![Maps {
                name: "patch-distance",
                values: map.squeeze_dim(1),
            }],
        })
    }

    fn score_as_trained(&mut self) -> bool {
        self.extractor.run_as_trained()
    }

    fn is_fitted(&self, _name: &str) -> bool {
        false
    }

    fn remembers(&self) -> bool {
        true
    }

    fn facts(&self) -> Vec<(&'static str, f64)> {
        vec![
            ("rows", self.scorer.rows().len() as f64),
            ("radius", f64::from(self.origin.radius)),
        ]
    }

    fn reopened(self: Box<Self>) -> Option<Box<dyn Learner>> {
        let Self {
            config,
            extractor,
            scorer,
            origin,
            ..
        } = *self;
        let rows = scorer.into_rows();
        let bank = Bank { rows, origin };
        Some(Box::new(PatchcoreLearner::of(&config, 0, extractor, bank)))
    }

    fn state(&self) -> Result<Tensors> {
        let mut tensors = Tensors::new();
        self.extractor.collect(&mut tensors);
        self.origin.collect(self.scorer.rows(), &mut tensors);
        Ok(tensors)
    }

    fn device(&self) -> &Device {
        self.extractor.device()
    }
}
