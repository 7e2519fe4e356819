//! ADVAE: W. Liu, R. Li, M. Zheng, S. Karanam, Z. Wu, B. Bhanu, R. J. Radke, O. Camps, "Towards Visually Explaining Variational
//! Autoencoders", CVPR 2020.
//!
//! A VAE with a vector for its latent learns normal images. Of a test image, Grad-CAM asks an early stage of the encoder what the latent's
//! mean is made of: each channel weighs by the spatial mean of ∂Σμ/∂A, and the magnitude of the weighted sum is the map. What is attended
//! to is what is unlike the normal images. Known for a pixel AUROC of .86 on MVTec AD, and an IoU of .20 as CAVGA quotes it, at
//! the best threshold of each category.
//!
//! The published code is of MNIST alone: two convolutions and two linear layers each way, BCE and KL summed, Adam at 10⁻³, latents of 32. Both
//! public reproductions at 256 pixels have a ResNet-18 without ImageNet's weights, its features pooled, and look at its `layer2`: so do
//! we, at the stage's end where one looks at a convolution within. Where we differ:
//!
//! - the decoder of larger images is CAVGA-R's, from what a linear layer makes of the latent;
//! - the gradient is divided by its own root mean square image by image, as the published code does with a batch of one; over a whole
//!   batch, as it does with more, an image's map would hang on its neighbours;
//! - the paper only localizes. The image's own score here is the largest value of its map; the negative ELBO, which judges an image
//!   without looking anywhere, and the reconstruction's residual are kept beside.

mod config;
mod network;
mod networks;
mod recipe;

pub use config::{AdvaeConfig, EncoderConfig, EncoderForm};
pub use network::{Advae, Look};
