//! AVID as the registry knows it.

use burn::tensor::Device;

use super::{Avid, AvidConfig, learner::AvidLearner};
use crate::{
    Detector, Learner, Pretrained, Result, Tensors,
    descent::Trained,
    recipe::{About, Recipe},
};

impl Recipe for &AvidConfig {
    fn about(&self) -> About {
        About {
            name: "avid",
            summary: "U-Net that cleans images against a detector of patches; irregular is what both find",
            paper: "Sabokrou et al., AVID: Adversarial Visual Irregularity Detection, ACCV 2018",
        }
    }

    fn learner(
        &self,
        size: [usize; 2],
        seed: u64,
        _pretrained: &Pretrained,
        device: &Device,
    ) -> Result<Box<dyn Learner>> {
        Ok(Box::new(AvidLearner::new(self, size, seed, device)?))
    }

    fn detector(
        &self,
        size: [usize; 2],
        state: Tensors,
        device: &Device,
    ) -> Result<Box<dyn Detector>> {
        let detector = Trained::<Avid>::restore(self, size, state, device)?;
        Ok(Box::new(detector))
    }
}
