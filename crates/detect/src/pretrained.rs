//! What networks know before they start.

use std::{collections::BTreeMap, path::PathBuf};

use cavga_nn::state::Tensors;

/// The setting that names the weights of an encoder: of its backbone; for CAVGA-D of a DC-GAN, whose generator the decoder takes too.
pub(crate) const ENCODER: &str = "method.encoder.weights";
/// The setting that names the weights of CAVGA's discriminator, of a DC-GAN.
pub(crate) const ADVERSARY: &str = "method.adversary.weights";

/// A weight file, already read.
#[derive(Debug, Clone)]
pub struct WeightFile {
    /// Where it is, for messages.
    pub path: PathBuf,
    /// Its tensors.
    pub tensors: Tensors,
}

/// The weight files that a method's settings name, by the setting's key ([`crate::WantedWeights`]).
#[derive(Debug, Clone, Default)]
pub struct Pretrained(BTreeMap<&'static str, WeightFile>);

impl Pretrained {
    /// With the file that this setting names.
    pub fn insert(&mut self, key: &'static str, file: WeightFile) {
        self.0.insert(key, file);
    }

    /// The file that this setting names.
    pub fn get(&self, key: &str) -> Option<&WeightFile> {
        self.0.get(key)
    }
}
