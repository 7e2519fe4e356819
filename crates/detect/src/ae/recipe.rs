//! What the registry asks.

use super::{
    config::{Compare, Setting},
    network::Ae,
};
use crate::{
    descent::{Course, Descending},
    recipe::About,
};

impl Descending for Setting {
    type Network = Ae;

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

    fn config(&self) -> &Setting {
        self
    }

    fn course(&self) -> Course {
        Course {
            passes: self.config.passes,
            adam: self.config.adam,
        }
    }
}
