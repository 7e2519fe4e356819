//! What networks know before they start.

use std::path::PathBuf;

use cavga_nn::state::Tensors;

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
    /// For CAVGA's discriminator, of a DC-GAN.
    pub adversary: Option<WeightFile>,
}
