//! DC-GAN: A. Radford, L. Metz, S. Chintala, "Unsupervised Representation Learning with Deep Convolutional Generative
//! Adversarial Networks", ICLR 2016.
//!
//! A generator makes images of 64×64 of random vectors, a discriminator tells them from real ones, and each learns from the
//! other. Not a detector: CAVGA takes its encoder, decoder and discriminator from one that was trained on Celeb-A
//! (`cavga_nn::dcgan`, `with_pretrained`).
//!
//! Where we differ: latents are normal instead of uniform, as CAVGA's prior is; labels of real images may be smoothed and the
//! discriminator may see images through noise ([`DcganConfig`] says why); the image is a sigmoid instead of a tanh
//! ([`Generator`] says how the two compare).

mod config;
mod trainer;

pub use cavga_nn::dcgan::Generator;
pub use config::DcganConfig;
pub use trainer::Dcgan;
