//! ADVAE as the registry knows it.

use burn::tensor::Device;

use super::{Advae, AdvaeConfig};
use crate::{
    Detector, Learner, Pretrained, Result, Tensors,
    descent::{Course, Descent, Trained},
    pretrained::ENCODER,
    recipe::{About, Recipe, WantedWeights},
};

impl Recipe for &AdvaeConfig {
    fn about(&self) -> About {
        About {
            name: "advae",
            summary: "Grad-CAM of a one-class VAE's latent, at an early stage of its encoder",
            paper: "Liu et al., Towards Visually Explaining Variational Autoencoders, CVPR 2020",
        }
    }

    fn weights(&self) -> Vec<WantedWeights> {
        vec![WantedWeights {
            key: ENCODER,
            network: self.encoder.backbone.name(),
            source: self.encoder.weights.clone(),
            is_published: true,
        }]
    }

    fn learner(
        &self,
        size: [usize; 2],
        seed: u64,
        pretrained: &Pretrained,
        device: &Device,
    ) -> Result<Box<dyn Learner>> {
        let course = Course {
            passes: self.passes,
            adam: self.adam,
        };
        let learner = Descent::<Advae>::new(self, course, size, seed, pretrained, device)?;
        Ok(Box::new(learner))
    }

    fn detector(
        &self,
        size: [usize; 2],
        state: Tensors,
        device: &Device,
    ) -> Result<Box<dyn Detector>> {
        let detector = Trained::<Advae>::restore(self, size, state, device)?;
        Ok(Box::new(detector))
    }
}
