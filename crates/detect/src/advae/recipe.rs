//! ADVAE as the registry knows it.

use super::{Advae, AdvaeConfig};
use crate::{
    descent::{Course, Descending},
    pretrained::ENCODER,
    recipe::{About, WantedWeights},
};

impl Descending for &AdvaeConfig {
    type Network = Advae;

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

    fn config(&self) -> &AdvaeConfig {
        self
    }

    fn course(&self) -> Course {
        Course {
            passes: self.passes,
            adam: self.adam,
        }
    }
}
