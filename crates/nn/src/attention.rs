//! Grad-CAM (Selvaraju et al., ICCV 2017) of a latent that is affine in the features, in closed form.
//!
//! Grad-CAM weighs each feature channel by the spatial mean of a score's gradient. Where the score is affine in the features,
//! that gradient is built of the heads' weights alone: for 1×1 heads μ = W·F + b and the score Σμ,
//! α_k = Σ_c W\[c,k\] and CAM = Σ_k α_k·F_k. Written out with ordinary differentiable operations, a first-order tape gives the exact
//! gradient of a loss on the attention, where others differentiate twice.
//!
//! Of features further from the score, as an earlier stage's, there is no closed form: [`gradient`] differentiates.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

use crate::{
    latent::Latent,
    layers::Linear,
    ops::{self, Window},
};

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

/// How far L_ae and L_cga reach through the attention.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// Through the features and through α: what differentiating twice gives.
    #[default]
    Exact,
    /// Through the features alone; α counts as a constant.
    Detached,
}

/// How a CAM becomes an attention in [0, 1].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalize {
    /// 1 / (1 + exp(−CAM)), the paper's.
    #[default]
    Sigmoid,
    /// Each CAM between its own smallest and largest value.
    MinMax,
}

/// α of the latent's mean: the weight of each feature channel for the score S of all of μ.
///
/// 1×1 heads: α_k = Σ_c W\[c,k\]. Of a flattened latent: α_k = mean over positions (i,j) of Σ_c W\[c,(k,i,j)\].
///
/// # Shapes
/// - output: `[1, features]`; `grid`: height and width of the features
pub fn latent_weights(latent: &Latent, [height, width]: [usize; 2], score: Score) -> Tensor<2> {
    let positions = height * width;
    let (alpha, values) = match latent {
        Latent::Conv(conv) => {
            let weight = conv.mu.weight.val();
            let [channels, features, ..] = weight.dims();
            let alpha = weight.sum_dim(0).reshape([1, features]);
            (alpha, channels * positions)
        }
        Latent::Flat(flat) => {
            let weight = flat.mu.weight.val();
            let dimension = weight.dims()[0];
            (mean_over(weight.sum_dim(0), positions), dimension)
        }
    };
    match score {
        Score::Sum => alpha,
        Score::Mean => alpha.div_scalar(values as f64),
    }
}

/// α of each class: the weight of each feature channel for the class's logit, by a linear layer V on the flattened μ.
///
/// 1×1 heads: α_k^y = Σ_c mean_ij V\[y,(c,i,j)\] · W\[c,k\]. Of a flattened latent: α_k^y = mean_ij Σ_c V\[y,c\] · W\[c,(k,i,j)\].
///
/// # Shapes
/// - output: `[classes, features]`; `grid`: height and width of the features
pub fn class_weights(
    latent: &Latent,
    [height, width]: [usize; 2],
    classifier: &Linear,
) -> Tensor<2> {
    let positions = height * width;
    let classes = classifier.weight.val();
    match latent {
        Latent::Conv(conv) => {
            let weight = conv.mu.weight.val();
            let [channels, features, ..] = weight.dims();
            mean_over(classes, positions).matmul(weight.reshape([channels, features]))
        }
        Latent::Flat(flat) => mean_over(classes.matmul(flat.mu.weight.val()), positions),
    }
}

/// The mean over the positions of each channel: `[n, channels·positions]` → `[n, channels]`.
fn mean_over(x: Tensor<2>, positions: usize) -> Tensor<2> {
    let [rows, values] = x.dims();
    let channels = values / positions;
    x.reshape([rows, channels, positions])
        .mean_dim(2)
        .reshape([rows, channels])
}

/// Features at the root of a tape of their own, for [`gradient`].
///
/// # Shapes
/// - features: `[batch, channels, height, width]` → the same
pub fn leaf(features: &Tensor<4>) -> Tensor<4> {
    features.clone().detach().require_grad()
}

/// ∂score/∂leaf by differentiation, off the tape; `None` if the score does not depend on the leaf, or on a device without a tape.
///
/// What lies between should hold no gradients of its own (`no_grad`): they would be found for nothing.
///
/// # Shapes
/// - leaf: `[batch, channels, height, width]` → the same
pub fn gradient(leaf: &Tensor<4>, score: Tensor<1>) -> Option<Tensor<4>> {
    leaf.grad(&score.backward())
}

/// α of each image's own, as Grad-CAM's authors define it: the spatial mean of the score's gradient.
///
/// # Shapes
/// - gradient: `[batch, channels, height, width]` → `[batch, channels]`
pub fn weights_of_each(gradient: Tensor<4>) -> Tensor<2> {
    gradient.mean_dims(&[2, 3]).squeeze_dims::<2>(&[2, 3])
}

/// The class activation maps Σ_k α_k·F_k, one for each row of α, the same for all images.
///
/// # Shapes
/// - features: `[batch, features, height, width]`; alpha: `[maps, features]`
/// - output: `[batch, maps, height, width]`
pub fn cam(features: Tensor<4>, alpha: Tensor<2>) -> Tensor<4> {
    let [maps, channels] = alpha.dims();
    let alpha = alpha.reshape([maps, channels, 1, 1]);
    ops::conv2d(features, alpha, None, Window::default())
}

/// The class activation map Σ_k α_k·F_k with α of each image's own.
///
/// # Shapes
/// - features: `[batch, features, height, width]`; alpha: `[batch, features]`
/// - output: `[batch, 1, height, width]`
pub fn cam_of_each(features: Tensor<4>, alpha: Tensor<2>) -> Tensor<4> {
    let [batch, channels] = alpha.dims();
    (features * alpha.reshape([batch, channels, 1, 1])).sum_dim(1)
}

/// The attention A of a CAM. With `relu`, negative values count as zero first, as Grad-CAM's authors do; a sigmoid after it
/// keeps A at or above ½, and 1 − A can never pass ½.
///
/// # Shapes
/// - cam: `[batch, maps, height, width]` → the same, in [0, 1]
pub fn attention(cam: Tensor<4>, relu: bool, normalize: Normalize) -> Tensor<4> {
    let cam = if relu { activation::relu(cam) } else { cam };
    match normalize {
        Normalize::Sigmoid => ops::sigmoid(cam),
        Normalize::MinMax => {
            let [batch, maps, height, width] = cam.dims();
            let flat = cam.reshape([batch * maps, height * width]);
            let low = flat.clone().min_dim(1);
            let high = flat.clone().max_dim(1);
            // A constant CAM has no contrast: everything at 0 rather than 0/0.
            let spread = (high - low.clone()).clamp_min(1e-12);
            ((flat - low) / spread).reshape([batch, maps, height, width])
        }
    }
}
