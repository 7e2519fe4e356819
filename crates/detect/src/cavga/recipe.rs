//! CAVGA's four variants as the registry knows them.

use burn::tensor::Device;

use super::{CavgaConfig, CavgaDetector, CavgaLearner, Parts, Supervision, Variant};
use crate::{
    Detector, Learner, Pretrained, Result, Source, Tensors,
    pretrained::{ADVERSARY, ENCODER},
    recipe::{About, Recipe, WantedWeights},
};

/// One of the variants with its settings.
pub(crate) struct Cavga<'a> {
    variant: Variant,
    config: &'a CavgaConfig,
}

impl Parts {
    /// The unsupervised CAVGA of these parts.
    pub(crate) fn unsupervised(self, config: &CavgaConfig) -> Cavga<'_> {
        self.told(Supervision::Unsupervised, config)
    }

    /// The weakly supervised one.
    pub(crate) fn weak(self, config: &CavgaConfig) -> Cavga<'_> {
        self.told(Supervision::Weak, config)
    }

    fn told(self, supervision: Supervision, config: &CavgaConfig) -> Cavga<'_> {
        let variant = Variant {
            parts: self,
            supervision,
        };
        Cavga { variant, config }
    }
}

impl Recipe for Cavga<'_> {
    fn about(&self) -> About {
        let (name, summary) = match (self.variant.parts, self.variant.supervision) {
            (Parts::Dcgan, Supervision::Unsupervised) => (
                "cavga-d-u",
                "attention-guided adversarial VAE of DC-GAN parts; learns from normal images alone",
            ),
            (Parts::Resnet, Supervision::Unsupervised) => (
                "cavga-r-u",
                "attention-guided adversarial VAE of ResNet-18 and residual parts; learns from normal images alone",
            ),
            (Parts::Dcgan, Supervision::Weak) => (
                "cavga-d-w",
                "cavga-d-u with a classifier, whose attentions it guides; learns from a few anomalous images too, without masks",
            ),
            (Parts::Resnet, Supervision::Weak) => (
                "cavga-r-w",
                "cavga-r-u with a classifier, whose attentions it guides; learns from a few anomalous images too, without masks",
            ),
        };
        About {
            name,
            summary,
            paper: "Venkataramanan et al., Attention Guided Anomaly Localization in Images, ECCV 2020",
        }
    }

    fn learns_from_anomalous(&self) -> bool {
        self.variant.supervision == Supervision::Weak
    }

    fn weights(&self) -> Vec<WantedWeights> {
        const DCGAN: &str = "dcgan";
        let wanted = |key, network, source: &Source| WantedWeights {
            key,
            network,
            source: source.clone(),
            is_published: network != DCGAN,
        };
        let (encoder, adversary) = (&self.config.encoder, &self.config.adversary);
        let network = match self.variant.parts {
            Parts::Dcgan => DCGAN,
            Parts::Resnet => encoder.backbone.name(),
        };
        vec![
            wanted(ENCODER, network, &encoder.weights),
            wanted(ADVERSARY, DCGAN, &adversary.weights),
        ]
    }

    fn learner(
        &self,
        size: [usize; 2],
        seed: u64,
        pretrained: &Pretrained,
        device: &Device,
    ) -> Result<Box<dyn Learner>> {
        let Self { variant, config } = *self;
        let learner = CavgaLearner::new(variant, config, size, seed, pretrained, device)?;
        Ok(Box::new(learner))
    }

    fn detector(
        &self,
        size: [usize; 2],
        state: Tensors,
        device: &Device,
    ) -> Result<Box<dyn Detector>> {
        let Self { variant, config } = *self;
        let detector = CavgaDetector::restore(variant, config, size, state, device)?;
        Ok(Box::new(detector))
    }
}
