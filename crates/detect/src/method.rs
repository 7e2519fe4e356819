//! Every method there is, with its configuration.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::{
    Detector, Learner, Result, Tensors,
    cavga::{CavgaConfig, CavgaDetector, CavgaLearner, Parts},
};

/// Every method there is, with its configuration: the file format, the registry and the documentation in one enum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum Method {
    /// CAVGA-D, unsupervised: DC-GAN parts.
    CavgaDU(CavgaConfig),
    /// CAVGA-R, unsupervised: ResNet-18 and residual parts.
    CavgaRU(CavgaConfig),
}

impl Method {
    /// The methods in the order in which they are listed, each with its default configuration.
    pub fn all() -> Vec<Self> {
        vec![
            Self::CavgaDU(CavgaConfig::default()),
            Self::CavgaRU(CavgaConfig::default()),
        ]
    }

    /// The name as written on the command line and in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CavgaDU(_) => "cavga-d-u",
            Self::CavgaRU(_) => "cavga-r-u",
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
        }
    }

    /// The paper, as one would cite it.
    pub fn paper(&self) -> &'static str {
        match self {
            Self::CavgaDU(_) | Self::CavgaRU(_) => {
                "Venkataramanan et al., Attention Guided Anomaly Localization in Images, ECCV 2020"
            }
        }
    }

    /// Whether it learns from anomalous images too, and must be told which they are.
    pub fn learns_from_anomalous(&self) -> bool {
        false
    }

    /// A learner with fresh weights. `size`: `[height, width]` of the images it will be given.
    pub fn learner(
        &self,
        size: [usize; 2],
        seed: u64,
        device: &Device,
    ) -> Result<Box<dyn Learner>> {
        let (parts, config) = self.cavga();
        Ok(Box::new(CavgaLearner::new(
            parts, config, size, seed, device,
        )?))
    }

    /// The detector whose [`Detector::state`] is `state`.
    pub fn detector(
        &self,
        size: [usize; 2],
        state: Tensors,
        device: &Device,
    ) -> Result<Box<dyn Detector>> {
        let (parts, config) = self.cavga();
        Ok(Box::new(CavgaDetector::restore(
            parts, config, size, state, device,
        )?))
    }

    fn cavga(&self) -> (Parts, &CavgaConfig) {
        match self {
            Self::CavgaDU(config) => (Parts::Dcgan, config),
            Self::CavgaRU(config) => (Parts::Resnet, config),
        }
    }
}
