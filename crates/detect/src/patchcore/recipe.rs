//! PatchCore as the registry knows it.

use burn::tensor::Device;

use super::{PatchcoreConfig, PatchcoreDetector, PatchcoreLearner};
use crate::{
    Detector, Learner, Pretrained, Result, Tensors,
    recipe::{About, Recipe, WantedWeights},
};

impl Recipe for &PatchcoreConfig {
    fn about(&self) -> About {
        About {
            name: "patchcore",
            summary: "distance to the nearest of a bank of ImageNet features of normal images; one pass, in bounded memory",
            paper: "Roth et al., Towards Total Recall in Industrial Anomaly Detection, CVPR 2022",
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
        let learner = PatchcoreLearner::new(self, size, seed, pretrained, device)?;
        Ok(Box::new(learner))
    }

    fn detector(
        &self,
        size: [usize; 2],
        state: Tensors,
        device: &Device,
    ) -> Result<Box<dyn Detector>> {
        let detector = PatchcoreDetector::restore(self, size, state, device)?;
        Ok(Box::new(detector))
    }
}
