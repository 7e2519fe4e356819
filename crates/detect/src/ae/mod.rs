//! The autoencoders of MVTec: P. Bergmann, S. Löwe, M. Fauser, D. Sattlegger, C. Steger, "Improving Unsupervised Defect Segmentation by Applying
//! Structural Similarity to Autoencoders", VISAPP 2019; as baselines of "MVTec AD", CVPR 2019, section 4.1.2.
//!
//! A convolutional autoencoder with a code of 100 numbers learns to reconstruct what is normal; what it reconstructs badly is anomalous.
//! `ae-l2` compares by squared differences of pixels, `ae-ssim` by structural similarity under a window of 11 pixels, both as a loss and as a
//! map, 1 − SSIM. Objects are taken whole; of textures (`patch`), patches are learnt, and a grid of them is scored, whose maps are averaged
//! where they overlap.
//!
//! - `config`: [`AeConfig`]
//! - `network`: the network, its losses and its scores
//! - `patches`: what is cut out of images, and maps put together again
//! - `recipe`: what the registry asks
//!
//! Where we differ:
//! - The papers give SSIM by means and variances of patches, and no weights for them; ours is a Gaussian window ([`cavga_nn::ssim`]), as in
//!   Wang et al. 2004 and public re-implementations. At the rim, images go on with their edge's value, so that the map is as large as they.
//! - No augmentation; patches of a texture are drawn anew at each step instead of 10,000 once, and fewer ([`AeConfig::patches_per_image`]).
//! - Other sizes than 128 and 256 pixels have more or fewer halvings ([`cavga_nn::conv_autoencoder::Plan::bergmann`]).
//!
//! Known for a mean pixel AUROC on MVTec AD of .82 (`ae-l2`) and .87 (`ae-ssim`); on its toothbrush .93 and .92 (MVTec AD, table 3).

mod config;
mod network;
mod patches;
mod recipe;

pub use config::{AeConfig, Compare};
