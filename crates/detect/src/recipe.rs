//! What the registry asks of a method: one implementation for each, beside its settings.

use burn::tensor::Device;

use crate::{Detector, Learner, Pretrained, Result, Source, Tensors};

/// What a method is called, and what it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About {
    /// As on the command line and in files.
    pub(crate) name: &'static str,
    /// One line on what it does.
    pub(crate) summary: &'static str,
    /// The paper, as one would cite it.
    pub(crate) paper: &'static str,
}

/// Where a network of a method is to get its first weights from.
#[derive(Debug, Clone)]
pub struct WantedWeights {
    /// The setting that says so.
    pub key: &'static str,
    /// The network, as in `resnet-18`.
    pub network: &'static str,
    /// Where from.
    pub source: Source,
    /// Whether somebody publishes weights of this network.
    pub is_published: bool,
}

/// A method with its settings.
pub(crate) trait Recipe {
    /// See there.
    fn about(&self) -> About;

    /// As [`crate::Method::learns_from_anomalous`].
    fn learns_from_anomalous(&self) -> bool {
        false
    }

    /// As [`crate::Method::reopens`].
    fn reopens(&self) -> bool {
        false
    }

    /// As [`crate::Method::weights`].
    fn weights(&self) -> Vec<WantedWeights> {
        Vec::new()
    }

    /// As [`crate::Method::learner`].
    fn learner(
        &self,
        size: [usize; 2],
        seed: u64,
        pretrained: &Pretrained,
        device: &Device,
    ) -> Result<Box<dyn Learner>>;

    /// As [`crate::Method::detector`].
    fn detector(
        &self,
        size: [usize; 2],
        state: Tensors,
        device: &Device,
    ) -> Result<Box<dyn Detector>>;
}
