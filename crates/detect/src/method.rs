//! Every method there is, with its configuration.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::{Detector, Learner, Result, Tensors};

/// Every method there is, with its configuration: the file format, the registry and the documentation in one enum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
pub enum Method {
    /// CAVGA-D, unsupervised.
    CavgaDU,
    /// CAVGA-R, unsupervised.
    CavgaRU,
}

impl Method {
    /// The methods in the order in which they are listed, each with its default configuration.
    pub fn all() -> Vec<Self> {
        vec![Self::CavgaDU, Self::CavgaRU]
    }
    /// The name as written on the command line and in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CavgaDU => "cavga-d-u",
            Self::CavgaRU => "cavga-r-u",
        }
    }
    /// One line on what it does.
    pub fn summary(&self) -> &'static str {
        ""
    }
    /// The paper, as one would cite it.
    pub fn paper(&self) -> &'static str {
        ""
    }
    /// A learner with fresh weights. `size`: `[height, width]` of the images it will be given.
    pub fn learner(&self, _size: [usize; 2], _seed: u64, _device: &Device) -> Result<Box<dyn Learner>> {
        todo!()
    }
    /// The detector whose [`Detector::state`] is `state`.
    pub fn detector(&self, _size: [usize; 2], _state: Tensors, _device: &Device) -> Result<Box<dyn Detector>> {
        todo!()
    }
}
