//! AVID: M. Sabokrou, M. Pourreza, M. Fayyaz, R. Entezari, M. Fathy, J. Gall, E. Adeli, "AVID: Adversarial Visual Irregularity Detection",
//! ACCV 2018.
//!
//! A U-Net, the inpainter I, cleans normal images of noise, and a detector D tells patch by patch what it makes of them from what they were;
//! each learns against the other. Of a test image, a pixel is irregular where I changes it, |x − I(x)| is high, and where D, which never saw
//! its like, takes its patch for no real one, D(x) is low: I sees single pixels and finds too much, D sees patches and finds too coarsely,
//! and the paper takes what both find. The paper's figures are of UCSD, UMN and a set made of MNIST; on MVTec AD there are CAVGA's alone: IoU
//! .26, pixel AUROC .78.
//!
//! The paper has no public code; the sizes are those of a public reproduction (cross32768's): five levels of 32 to 512 channels, 11×11 logits at
//! 224 pixels, noise of 0.7 added, Adam at 2·10⁻⁴ with β₁ 0.5. Where we differ, or chose:
//!
//! - the paper's intersection {|x − I(x)| > α} ∩ {D(x) < ζ} has two thresholds. With each of the two over its mean on held-out normal images,
//!   their smaller one is above t just where both are above t times what is normal: that is the map, without a threshold, and its
//!   largest value the image's score;
//! - D(x)'s map lies where its patches lie, in the image's middle, and its rim goes on to the image's;
//! - D sees one image, as in the paper; `conditional` shows it the noisy one too, as the reproduction does. When scoring, I and D see
//!   the image without noise, and batch norms their running statistics;
//! - an L1 loss, pix2pix's, may be added (`reconstruction`): neither the paper nor the reproduction has it.

mod config;
mod learner;
mod network;
mod recipe;

pub use config::AvidConfig;
pub use network::Avid;
