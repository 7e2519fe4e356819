//! What the registry asks.

use burn::tensor::Device;

use super::{
    config::{Compare, Setting},
    network::Ae,
};
use crate::{
    Detector, Learner, Pretrained, Result, Tensors,
    descent::{Course, Descent, Trained},
    recipe::{About, Recipe},
};

impl Recipe for Setting {
    fn about(&self) -> About {
        let (name, summary) = match self.compare {
            Compare::L2 => (
                "ae-l2",
                "a convolutional autoencoder: squared differences from the reconstruction",
            ),
            Compare::Ssim => (
                "ae-ssim",
                "a convolutional autoencoder: structural dissimilarity from the reconstruction",
            ),
        };
        About {
            name,
            summary,
            paper: "Bergmann et al., Improving Unsupervised Defect Segmentation by Applying Structural Similarity to Autoencoders, VISAPP 2019",
        }
    }

    fn learner(
        &self,
        size: [usize; 2],
        seed: u64,
        pretrained: &Pretrained,
        device: &Device,
    ) -> Result<Box<dyn Learner>> {
        let course = Course {
            passes: self.config.passes,
            adam: self.config.adam,
        };
        let learner = Descent::<Ae>::new(self, course, size, seed, pretrained, device)?;
        Ok(Box::new(learner))
    }

    fn detector(
        &self,
        size: [usize; 2],
        state: Tensors,
        device: &Device,
    ) -> Result<Box<dyn Detector>> {
        let detector = Trained::<Ae>::restore(self, size, state, device)?;
        Ok(Box::new(detector))
    }
}
