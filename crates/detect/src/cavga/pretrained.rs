//! What CAVGA's networks know before they start.

use cavga_nn::{dcgan::Discriminator, weights::Source};

use super::{CavgaConfig, Vae};
use crate::{
    Error, Pretrained, Result,
    pretrained::{ADVERSARY, ENCODER},
};

/// Whether the settings name weights that are not here.
pub(super) fn lacks(pretrained: &Pretrained, config: &CavgaConfig) -> bool {
    let named = |source: &Source| *source != Source::None;
    named(&config.encoder.weights) && pretrained.get(ENCODER).is_none()
        || named(&config.adversary.weights) && pretrained.get(ADVERSARY).is_none()
}

/// Puts the tensors where they belong.
pub(super) fn load(
    pretrained: &Pretrained,
    vae: Vae,
    discriminator: Discriminator,
) -> Result<(Vae, Discriminator)> {
    let vae = match pretrained.get(ENCODER) {
        None => vae,
        Some(file) => vae
            .with_weights(&file.tensors)
            .map_err(Error::weights(&file.path))?,
    };
    let discriminator = match pretrained.get(ADVERSARY) {
        None => discriminator,
        Some(file) => discriminator
            .with_pretrained(&file.tensors)
            .map_err(Error::weights(&file.path))?,
    };
    Ok((vae, discriminator))
}
