//! What the networks know before they start.

use std::path::PathBuf;

use cavga_nn::{dcgan::Discriminator, state::Tensors, weights::Source};

use super::{CavgaConfig, Vae};
use crate::{Error, Result};

/// A weight file, already read.
#[derive(Debug, Clone)]
pub struct WeightFile {
    /// Where it is, for messages.
    pub path: PathBuf,
    /// Its tensors.
    pub tensors: Tensors,
}

/// The weight files that a method's settings name.
#[derive(Debug, Clone, Default)]
pub struct Pretrained {
    /// For the encoder: of its backbone; for CAVGA-D of a DC-GAN, whose generator the decoder takes too.
    pub encoder: Option<WeightFile>,
    /// For the discriminator, of a DC-GAN.
    pub adversary: Option<WeightFile>,
}

impl Pretrained {
    /// Whether the settings name weights that are not here.
    pub(super) fn lacks(&self, config: &CavgaConfig) -> bool {
        let named = |source: &Source| *source != Source::None;
        named(&config.encoder.weights) && self.encoder.is_none()
            || named(&config.adversary.weights) && self.adversary.is_none()
    }

    /// Puts the tensors where they belong.
    pub(super) fn load(
        &self,
        vae: Vae,
        discriminator: Discriminator,
    ) -> Result<(Vae, Discriminator)> {
        let vae = match &self.encoder {
            None => vae,
            Some(file) => vae
                .with_weights(&file.tensors)
                .map_err(Error::weights(&file.path))?,
        };
        let discriminator = match &self.adversary {
            None => discriminator,
            Some(file) => discriminator
                .with_pretrained(&file.tensors)
                .map_err(Error::weights(&file.path))?,
        };
        Ok((vae, discriminator))
    }
}
