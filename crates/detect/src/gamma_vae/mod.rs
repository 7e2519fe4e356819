//! VAE-grad with a learned variance: D. Dehaene, O. Frigo, S. Combrexelle, P. Eline, "Iterative energy-based projection on a normal data manifold
//! for anomaly localization", ICLR 2020; its γ-VAE is B. Dai, D. Wipf, "Diagnosing and Enhancing VAE Models", ICLR 2019.
//!
//! A VAE with a Gaussian decoder N(x̂, γ²·I), γ learned, learns what is normal. A test image x₀ is not compared with its reconstruction, which
//! is blurred and, where it is anomalous, wrong elsewhere too, but moved by gradient steps until the VAE calls it normal:
//! E(x) = L_r(x) + λ·‖x − x₀‖₁, x ← x − α·∇E(x) ⊙ (x − x̂)². The map is |x₀ − x_T|. Beside it, the VAE's plain |x − x̂|.
//!
//! - `config`: [`GammaVaeConfig`]
//! - `network`: the VAE, its loss and its scores
//! - `projection`: the energy and the steps down it
//!
//! Where we differ, or the paper does not say:
//! - The layers are those of Bergmann et al. 2019, as in a public re-implementation, at any size ([`cavga_nn::conv_autoencoder::Plan::bergmann`]).
//! - L_r is ‖x − x̂‖², the likelihood's term times 2γ²: α and λ then mean the same whatever γ was learned. The gradient goes through the
//!   network; public re-implementations leave x̂ out of it, and so take no gradient of the network at all.
//! - x stays in [0, 1], and the corner of ‖x − x₀‖₁ is rounded off within a grey level.
//! - The paper stops at a level of L_r that normal images have. Ours is the lowest of normal images held out of training, so that what is as
//!   well reconstructed as they are is not moved at all.
//!
//! Known for a mean pixel AUROC of about .893 on MVTec AD; CAVGA's authors, with code of their own, found .86.

mod config;
mod network;
mod projection;

pub use config::{GammaVaeConfig, ProjectionConfig};
