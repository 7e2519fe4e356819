//! Grad-CAM (Selvaraju et al., ICCV 2017) of a latent that is affine in the features, in closed form.
//!
//! Grad-CAM weighs each feature channel by the spatial mean of a score's gradient. Where the score is affine in the features,
//! that gradient is built of the heads' weights alone: for 1×1 heads μ = W·F + b and the score Σμ,
//! α_k = Σ_c W\[c,k\] and CAM = Σ_k α_k·F_k. Written out with ordinary differentiable operations, a first-order tape gives the exact
//! gradient of a loss on the attention, where others differentiate twice.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

use crate::ops::{self, Window};

/// Which score of the latent is differentiated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Score {
    /// Σμ over channels and positions, as every public re-implementation does.
    #[default]
    Sum,
    /// The mean of μ: the same map, smaller by the latent's size, so that the sigmoid stays near ½.
    Mean,
}

/// How a CAM becomes an attention in [0, 1].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalize {
    /// 1 / (1 + exp(−CAM)), the paper's.
    #[default]
    Sigmoid,
    /// Each image's CAM between its own smallest and largest value.
    MinMax,
}

/// The class activation map of the latent's mean.
///
/// # Shapes
/// - features: `[batch, features, height, width]`; weight: the head of μ, `[channels, features, 1, 1]`
/// - output: `[batch, 1, height, width]`
pub fn cam(features: Tensor<4>, weight: Tensor<4>, score: Score) -> Tensor<4> {
    let [channels, ..] = weight.dims();
    let [_, _, height, width] = features.dims();
    let alpha = weight.sum_dim(0);
    let alpha = match score {
        Score::Sum => alpha,
        Score::Mean => alpha.div_scalar((channels * height * width) as f64),
    };
    ops::conv2d(features, alpha, None, Window::default())
}

/// The attention A of a CAM. With `relu`, negative values count as zero first, as Grad-CAM's authors do; a sigmoid after it
/// keeps A at or above ½, and 1 − A can never pass ½.
///
/// # Shapes
/// - cam: `[batch, 1, height, width]` → the same, in [0, 1]
pub fn attention(cam: Tensor<4>, relu: bool, normalize: Normalize) -> Tensor<4> {
    let cam = if relu { activation::relu(cam) } else { cam };
    match normalize {
        Normalize::Sigmoid => ops::sigmoid(cam),
        Normalize::MinMax => {
            let [batch, _, height, width] = cam.dims();
            let flat = cam.reshape([batch, height * width]);
            let low = flat.clone().min_dim(1);
            let high = flat.clone().max_dim(1);
            // A constant CAM has no contrast: everything at 0 rather than 0/0.
            let spread = (high - low.clone()).clamp_min(1e-12);
            ((flat - low) / spread).reshape([batch, 1, height, width])
        }
    }
}
