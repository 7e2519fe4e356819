//! Every method there is, with its configuration.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::{
    Detector, Learner, Pretrained, Result, Tensors,
    advae::AdvaeConfig,
    ae::{AeConfig, Compare},
    avid::AvidConfig,
    beta_vae::BetaVaeConfig,
    capsnet::{CapsnetConfig, Evidence},
    cavga::{CavgaConfig, Parts},
    gamma_vae::GammaVaeConfig,
    lsa::LsaConfig,
    padim::PadimConfig,
    patchcore::PatchcoreConfig,
    recipe::{Recipe, WantedWeights},
    vae::VaeConfig,
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
    /// The plain VAE.
    Vae(VaeConfig),
    /// An autoencoder that compares by squared differences.
    AeL2(AeConfig),
    /// An autoencoder that compares by structural similarity.
    AeSsim(AeConfig),
    /// The β-VAE.
    BetaVae(BetaVaeConfig),
    /// A VAE with a learned variance that projects images onto what is normal.
    GammaVaeGrad(GammaVaeConfig),
    /// LSA: an autoencoder with a density of its code.
    Lsa(LsaConfig),
    /// ADVAE: the attention of a one-class VAE.
    Advae(AdvaeConfig),
    /// CapsNet by what it predicts.
    CapsnetPp(CapsnetConfig),
    /// CapsNet by what it rebuilds.
    CapsnetRe(CapsnetConfig),
    /// AVID: an inpainter against a detector of patches.
    Avid(AvidConfig),
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
            Self::Vae(VaeConfig::default()),
            Self::AeL2(AeConfig::default()),
            Self::AeSsim(AeConfig::default()),
            Self::BetaVae(BetaVaeConfig::default()),
            Self::GammaVaeGrad(GammaVaeConfig::default()),
            Self::Lsa(LsaConfig::default()),
            Self::Advae(AdvaeConfig::default()),
            Self::CapsnetPp(CapsnetConfig::default()),
            Self::CapsnetRe(CapsnetConfig::default()),
            Self::Avid(AvidConfig::default()),
        ]
    }

    /// The name as written on the command line and in files.
    pub fn name(&self) -> &'static str {
        self.recipe().about().name
    }

    /// One line on what it does.
    pub fn summary(&self) -> &'static str {
        self.recipe().about().summary
    }

    /// The paper, as one would cite it.
    pub fn paper(&self) -> &'static str {
        self.recipe().about().paper
    }

    /// Whether it learns from anomalous images too, and must be told which they are.
    pub fn learns_from_anomalous(&self) -> bool {
        self.recipe().learns_from_anomalous()
    }

    /// Whether its detector goes back to learning ([`Detector::reopened`]): images may be added to a model, and forgotten.
    pub fn reopens(&self) -> bool {
        self.recipe().reopens()
    }

    /// The same for normal images of so many classes; no other where it does not learn from classes.
    pub fn of_classes(self, classes: usize) -> Self {
        match self {
            Self::CapsnetPp(config) => Self::CapsnetPp(CapsnetConfig { classes, ..config }),
            Self::CapsnetRe(config) => Self::CapsnetRe(CapsnetConfig { classes, ..config }),
            other => other,
        }
    }

    /// The networks that may start with weights from a file.
    pub fn weights(&self) -> Vec<WantedWeights> {
        self.recipe().weights()
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
        self.recipe().learner(size, seed, pretrained, device)
    }

    /// The detector whose [`Detector::state`] is `state`.
    pub fn detector(
        &self,
        size: [usize; 2],
        state: Tensors,
        device: &Device,
    ) -> Result<Box<dyn Detector>> {
        self.recipe().detector(size, state, device)
    }

    fn recipe(&self) -> Box<dyn Recipe + '_> {
        const D: Parts = Parts::Dcgan;
        const R: Parts = Parts::Resnet;
        match self {
            Self::CavgaDU(config) => Box::new(D.unsupervised(config)),
            Self::CavgaRU(config) => Box::new(R.unsupervised(config)),
            Self::CavgaDW(config) => Box::new(D.weak(config)),
            Self::CavgaRW(config) => Box::new(R.weak(config)),
            Self::Patchcore(config) => Box::new(config),
            Self::Padim(config) => Box::new(config),
            Self::Vae(config) => Box::new(config),
            Self::AeL2(config) => Box::new(Compare::L2.with(config)),
            Self::AeSsim(config) => Box::new(Compare::Ssim.with(config)),
            Self::BetaVae(config) => Box::new(config),
            Self::GammaVaeGrad(config) => Box::new(config),
            Self::Lsa(config) => Box::new(config),
            Self::Advae(config) => Box::new(config),
            Self::CapsnetPp(config) => Box::new(config.by(Evidence::Prediction)),
            Self::CapsnetRe(config) => Box::new(config.by(Evidence::Reconstruction)),
            Self::Avid(config) => Box::new(config),
        }
    }
}
