//! Building blocks on Burn: layers, networks, attention, losses, and tensors by name.
//!
//! Layers carry torch's field names (`weight`, `bias`, `running_mean`), so that a network's tensors are called what
//! torchvision calls them and a user's weight file drops in. Everything random is drawn from a seed by
//! [`random`], never from a device's global generator: the same seed gives the same bits, resumed or not.

pub mod adam;
pub mod attention;
pub mod autoregression;
pub mod backbone;
mod batch_norm;
pub mod capsules;
pub mod conv_autoencoder;
pub mod dcgan;
pub mod device;
pub mod fit;
pub mod inference;
pub mod kernels;
pub mod latent;
pub mod layers;
mod linear;
pub mod losses;
pub mod ops;
pub mod part;
pub mod patch_discriminator;
pub mod random;
pub mod residual_blocks;
pub mod residual_decoder;
pub mod ssim;
pub mod state;
pub mod unet;
pub mod weights;
