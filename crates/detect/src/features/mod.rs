//! Features of images by a network that knows ImageNet, frozen: what methods without training of their own look at.
//!
//! Features of several stages are brought to the grid of the finest and lie behind one another there. Which stages: those of strides 8 and
//! 16 are local enough to localize by and know more than edges (PatchCore's choice, its "mid-level" features); PaDiM has the one of
//! stride 4 too. Each backbone's first three stages have these strides, so one default serves all:
//!
//! | encoder | channels at strides 4, 8, 16 | PatchCore's, at stages 2 and 3 | PaDiM's, at stages 1 to 3 |
//! |---|---|---|---|
//! | `efficientnet-lite0` | 24, 40, 112 | 152 | 176 |
//! | `mobilenet-v2` | 24, 32, 96 | 128 | 152 |
//! | `resnet-18`, `resnet-34` | 64, 128, 256 | 384 | 448 |
//! | `resnet-50`, `wide-resnet-50-2` | 256, 512, 1024 | 1536 | 1792 |
//! | `squeezenet-1.1` | 128, 256, 512 | 768 | 896 |
//!
//! The default is `efficientnet-lite0`: on two cores it is the fastest of them to look, and its features are the best on the images that
//! we measured (`docs/memory-banks.md`).

mod config;
mod extractor;
#[cfg(test)]
pub(crate) mod goldens;
mod map;

pub use config::{FeatureConfig, Memory, Precision};
pub(crate) use extractor::{Extractor, rows};
#[cfg(test)]
pub(crate) use extractor::{local, on_grid};
pub(crate) use map::{Counted, MapMaker};
