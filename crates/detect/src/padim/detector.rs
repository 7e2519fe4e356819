//! Scoring under the Gaussians.
//!
//! | map | what it is |
//! |---|---|
//! | `mahalanobis` | Mahalanobis distance at each position, bilinear to the image's size and smoothed: the paper's |
//!
//! | score | what it is |
//! |---|---|
//! | `mahalanobis-max` | the largest value of the map: the paper's |

use burn::tensor::{Device, Tensor};
use cavga_nn::{kernels::gaussian::Gaussians, state};

use super::{PadimConfig, PadimLearner, normal::Normal};
use crate::{
    Detector, ImageScores, Learner, Maps, Merge, Result, Scores, Tensors,
    features::{Counted, Extractor, MapMaker},
};

/// A trained PaDiM.
#[derive(Debug)]
pub struct PadimDetector {
    config: PadimConfig,
    normal: Normal,
    gaussians: Gaussians,
    maps: MapMaker,
}

impl PadimDetector {
    pub(super) fn new(config: &PadimConfig, normal: Normal) -> Self {
        let extractor = &normal.extractor;
        let (grid, size) = (extractor.grid(), extractor.size());
        Self {
            config: config.clone(),
            gaussians: Gaussians::new(&normal.scatter, config.regularisation),
            maps: MapMaker::new(grid, size, config.smoothing, extractor.device()),
            normal,
        }
    }

    /// From what [`Detector::state`] gave.
    pub fn restore(
        config: &PadimConfig,
        size: [usize; 2],
        mut tensors: Tensors,
        device: &Device,
    ) -> Result<Self> {
        let extractor = Extractor::take(&config.encoder, size, &mut tensors, device)?;
        let normal = Normal::take(config, extractor, &mut tensors)?;
        state::expect_empty(&tensors)?;
        Ok(Self::new(config, normal))
    }
}

impl Detector for PadimDetector {
    fn score(&self, images: Tensor<4>, valid: Option<Tensor<4>>) -> Result<Scores> {
        let counted = Counted::of(&images, valid, self.normal.extractor.grid())?;
        let distances = self.gaussians.distances(&self.normal.vectors(images)?);
        let map = self.maps.map(distances, &counted);
        Ok(Scores {
            images: vec![ImageScores {
                name: "mahalanobis-max",
                values: counted.largest(map.clone()),
                merge: Merge::Max,
            }],
            maps: vec![Maps {
                name: "mahalanobis",
                values: map.squeeze_dim(1),
            }],
        })
    }

    fn score_as_trained(&mut self) -> bool {
        self.normal.extractor.run_as_trained()
    }

    fn is_fitted(&self, _name: &str) -> bool {
        false
    }

    fn remembers(&self) -> bool {
        true
    }

    fn reopened(self: Box<Self>) -> Option<Box<dyn Learner>> {
        Some(Box::new(PadimLearner::of(&self.config, self.normal)))
    }

    fn state(&self) -> Result<Tensors> {
        let mut tensors = Tensors::new();
        self.normal.collect(&mut tensors);
        Ok(tensors)
    }

    fn device(&self) -> &Device {
        self.normal.extractor.device()
    }
}
