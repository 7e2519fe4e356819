//! PaDiM as the registry knows it.

use burn::tensor::Device;

use super::{PadimConfig, PadimDetector, PadimLearner};
use crate::{
    Detector, Learner, Pretrained, Result, Tensors,
    recipe::{About, Recipe, WantedWeights},
};

impl Recipe for &PadimConfig {
    fn about(&self) -> About {
        About {
            name: "padim",
            summary: "distance to a Gaussian of ImageNet features at each position of normal images; one pass",
            paper: "Defard et al., PaDiM: a Patch Distribution Modeling Framework for Anomaly Detection and Localization, ICPR 2020",
        }
    }

    fn reopens(&self) -> bool {
        true
    }

    fn weights(&self) -> Vec<WantedWeights> {
        vec![self.encoder.wanted()]
    }

    fn learner(
        &self,
        size: [usize; 2],
        seed: u64,
        pretrained: &Pretrained,
        device: &Device,
    ) -> Result<Box<dyn Learner>> {
        let learner = PadimLearner::new(self, size, seed, pretrained, device)?;
        Ok(Box::new(learner))
    }

    fn detector(
        &self,
        size: [usize; 2],
        state: Tensors,
        device: &Device,
    ) -> Result<Box<dyn Detector>> {
        let detector = PadimDetector::restore(self, size, state, device)?;
        Ok(Box::new(detector))
    }
}
