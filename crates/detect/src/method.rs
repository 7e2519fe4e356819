//! Every method there is, with its configuration.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::{
    Detector, Learner, Pretrained, Result, Source, Tensors,
    cavga::{CavgaConfig, CavgaDetector, CavgaLearner, Parts, Supervision, Variant},
    padim::{PadimConfig, PadimDetector, PadimLearner},
    patchcore::{PatchcoreConfig, PatchcoreDetector, PatchcoreLearner},
};

/// Every method there is, with its configuration: the file format, the registry and the documentation in one enum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum Method {
    /// CAVGA-D, unsupervised: DC-GAN parts.
    CavgaDU(CavgaConfig),
    /// CAVGA-R, unsupervised: ResNet-18 and residual parts.
    CavgaRU(CavgaConfig),
    /// CAVGA-D, weakly supervised.
    CavgaDW(CavgaConfig),
    /// CAVGA-R, weakly supervised.
    CavgaRW(CavgaConfig),
    /// PatchCore: a memory bank of features.
    Patchcore(PatchcoreConfig),
    /// PaDiM: a Gaussian of features at each position.
    Padim(PadimConfig),
}

/// Where a network of a method is to get its first weights from.
#[derive(Debug, Clone, Copy)]
pub struct WantedWeights<'a> {
    /// The setting that says so.
    pub key: &'static str,
    /// The network, as in `resnet-18`.
    pub network: &'static str,
    /// Where from.
    pub source: &'a Source,
    /// Whether somebody publishes weights of this network.
    pub is_published: bool,
}

impl Method {
    /// The methods in the order in which they are listed, each with its default configuration.
    pub fn all() -> Vec<Self> {
        vec![
            Self::CavgaDU(CavgaConfig::default()),
            Self::CavgaRU(CavgaConfig::pretrained()),
            Self::CavgaDW(CavgaConfig::default()),
            Self::CavgaRW(CavgaConfig::pretrained()),
            Self::Patchcore(PatchcoreConfig::default()),
            Self::Padim(PadimConfig::default()),
        ]
    }

    /// The name as written on the command line and in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CavgaDU(_) => "cavga-d-u",
            Self::CavgaRU(_) => "cavga-r-u",
            Self::CavgaDW(_) => "cavga-d-w",
            Self::CavgaRW(_) => "cavga-r-w",
            Self::Patchcore(_) => "patchcore",
            Self::Padim(_) => "padim",
        }
    }

    /// One line on what it does.
    pub fn summary(&self) -> &'static str {
        match self {
            Self::CavgaDU(_) => {
                "attention-guided adversarial VAE of DC-GAN parts; learns from normal images alone"
            }
            Self::CavgaRU(_) => {
                "attention-guided adversarial VAE of ResNet-18 and residual parts; learns from normal images alone"
            }
            Self::CavgaDW(_) => {
                "cavga-d-u with a classifier, whose attentions it guides; learns from a few anomalous images too, without masks"
            }
            Self::CavgaRW(_) => {
                "cavga-r-u with a classifier, whose attentions it guides; learns from a few anomalous images too, without masks"
            }
            Self::Patchcore(_) => {
                "distance to the nearest of a bank of ImageNet features of normal images; one pass, in bounded memory"
            }
            Self::Padim(_) => {
                "distance to a Gaussian of ImageNet features at each position of normal images; one pass"
            }
        }
    }

    /// The paper, as one would cite it.
    pub fn paper(&self) -> &'static str {
        match self {
            Self::CavgaDU(_) | Self::CavgaRU(_) | Self::CavgaDW(_) | Self::CavgaRW(_) => {
                "Venkataramanan et al., Attention Guided Anomaly Localization in Images, ECCV 2020"
            }
            Self::Patchcore(_) => {
                "Roth et al., Towards Total Recall in Industrial Anomaly Detection, CVPR 2022"
            }
            Self::Padim(_) => {
                "Defard et al., PaDiM: a Patch Distribution Modeling Framework for Anomaly Detection and Localization, ICPR 2020"
            }
        }
    }

    /// Whether it learns from anomalous images too, and must be told which they are.
    pub fn learns_from_anomalous(&self) -> bool {
        let Taken::Cavga(variant, _) = self.taken() else {
            return false;
        };
        variant.supervision == Supervision::Weak
    }

    /// Whether its detector goes back to learning ([`Detector::reopened`]): images may be added to a model, and forgotten.
    pub fn reopens(&self) -> bool {
        match self.taken() {
            Taken::Patchcore(_) | Taken::Padim(_) => true,
            Taken::Cavga(..) => false,
        }
    }

    /// The networks that may start with weights from a file: the encoder, then CAVGA's discriminator.
    pub fn weights(&self) -> Vec<WantedWeights<'_>> {
        const DCGAN: &str = "dcgan";
        let wanted = |key, network, source| WantedWeights {
            key,
            network,
            source,
            is_published: network != DCGAN,
        };
        let encoder = |network, source| wanted("method.encoder.weights", network, source);
        let (variant, config) = match self.taken() {
            Taken::Cavga(variant, config) => (variant, config),
            Taken::Patchcore(PatchcoreConfig { encoder: of, .. })
            | Taken::Padim(PadimConfig { encoder: of, .. }) => {
                return vec![encoder(of.backbone.name(), &of.weights)];
            }
        };
        let network = match variant.parts {
            Parts::Dcgan => DCGAN,
            Parts::Resnet => config.encoder.backbone.name(),
        };
        vec![
            encoder(network, &config.encoder.weights),
            wanted("method.adversary.weights", DCGAN, &config.adversary.weights),
        ]
    }

    /// The settings of CAVGA, of one of its variants.
    pub fn cavga_config(&mut self) -> Option<&mut CavgaConfig> {
        match self {
            Self::CavgaDU(config)
            | Self::CavgaRU(config)
            | Self::CavgaDW(config)
            | Self::CavgaRW(config) => Some(config),
            Self::Patchcore(_) | Self::Padim(_) => None,
        }
    }

    /// A learner. `size`: `[height, width]` of the images it will be given; `pretrained`: the tensors of the weight files that its
    /// settings name; weights that are in none are drawn from `seed`.
    pub fn learner(
        &self,
        size: [usize; 2],
        seed: u64,
        pretrained: &Pretrained,
        device: &Device,
    ) -> Result<Box<dyn Learner>> {
        Ok(match self.taken() {
            Taken::Cavga(variant, config) => Box::new(CavgaLearner::new(
                variant, config, size, seed, pretrained, device,
            )?),
            Taken::Patchcore(config) => Box::new(PatchcoreLearner::new(
                config, size, seed, pretrained, device,
            )?),
            Taken::Padim(config) => {
                Box::new(PadimLearner::new(config, size, seed, pretrained, device)?)
            }
        })
    }

    /// The detector whose [`Detector::state`] is `state`.
    pub fn detector(
        &self,
        size: [usize; 2],
        state: Tensors,
        device: &Device,
    ) -> Result<Box<dyn Detector>> {
        Ok(match self.taken() {
            Taken::Cavga(variant, config) => Box::new(CavgaDetector::restore(
                variant, config, size, state, device,
            )?),
            Taken::Patchcore(config) => {
                Box::new(PatchcoreDetector::restore(config, size, state, device)?)
            }
            Taken::Padim(config) => Box::new(PadimDetector::restore(config, size, state, device)?),
        })
    }

    fn taken(&self) -> Taken<'_> {
        let (parts, supervision, config) = match self {
            Self::CavgaDU(config) => (Parts::Dcgan, Supervision::Unsupervised, config),
            Self::CavgaRU(config) => (Parts::Resnet, Supervision::Unsupervised, config),
            Self::CavgaDW(config) => (Parts::Dcgan, Supervision::Weak, config),
            Self::CavgaRW(config) => (Parts::Resnet, Supervision::Weak, config),
            Self::Patchcore(config) => return Taken::Patchcore(config),
            Self::Padim(config) => return Taken::Padim(config),
        };
        Taken::Cavga(Variant { parts, supervision }, config)
    }
}

/// A method taken apart.
enum Taken<'a> {
    Cavga(Variant, &'a CavgaConfig),
    Patchcore(&'a PatchcoreConfig),
    Padim(&'a PadimConfig),
}
