//! The detectors: one paper, one file; the traits that they share; the registry.
//!
//! A [`Learner`] takes batches of training images and becomes a [`Detector`]; the loop around it (passes, shuffling,
//! checkpoints, progress, the guard against non-finite losses) belongs to the library above. Which method, with which
//! settings, is a [`Method`]: at once the file format, the registry and the documentation.

pub mod advae;
pub mod ae;
pub mod avid;
pub mod beta_vae;
pub mod capsnet;
pub mod cavga;
mod check;
pub mod dcgan;
mod descent;
mod elbo;
mod error;
mod features;
pub mod gamma_vae;
#[cfg(test)]
mod goldens;
pub mod lsa;
mod method;
mod noise;
pub mod padim;
pub mod patchcore;
mod pretrained;
mod recipe;
mod scores;
mod smooth;
mod traits;
pub mod vae;

pub use cavga_nn::{
    device::{self, DeviceError},
    kernels,
    state::Tensors,
    weights::{self, Source},
};
pub use error::{Error, Result};
pub use features::{FeatureConfig, Memory, Precision};
pub use method::Method;
pub use pretrained::{Pretrained, WeightFile};
pub use recipe::WantedWeights;
pub use traits::{
    Batch, Detector, ImageScores, Learner, Losses, Maps, Merge, Observer, PAINT, Scores,
};
