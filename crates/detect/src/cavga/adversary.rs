//! How hard the adversary pushes on the reconstruction.
//!
//! The reconstruction's gradient from L_adv is taken at x̂ alone and handed on as the loss ⟨gradient, logits⟩, whose gradient it
//! is. That costs nothing, lets the discriminator's tape go early, and makes the gradient's size known before it is used.

use burn::tensor::{Gradients, Tensor};
use cavga_nn::part::Part;

use super::{CavgaConfig, Forward};

/// The adversary's push on the logits of x̂.
#[derive(Debug)]
pub(super) struct Push {
    /// A loss, `[1]`, whose gradient on the logits is `factor`·∂L_adv/∂logits.
    pub(super) loss: Tensor<1>,
    /// In [0, 1]: what the limit left of it; NaN if the push is not finite.
    pub(super) factor: f64,
}

impl Push {
    /// `leaf`: x̂ cut off the tape, as the discriminator saw it; `gradients`: of L_adv. `None` if x̂ is not in them.
    pub(super) fn new(
        forward: &Forward,
        images: &Tensor<4>,
        leaf: &Tensor<4>,
        gradients: &Gradients,
        config: &CavgaConfig,
    ) -> Option<Self> {
        let reconstruction = leaf.clone().inner();
        // ∂x̂/∂logit = x̂·(1 − x̂).
        let slope = reconstruction.clone() - reconstruction.clone().square();
        let push = leaf.grad(gradients)? * slope;
        let error = reconstruction - images.clone().inner();
        let error = match &forward.part {
            Some(part) => Part::new(part.valid().clone().inner()).spread(error),
            None => error,
        };
        let factor = limit(&push, error, config);
        let loss = (forward.logits.clone() * Tensor::from_inner(push)).sum();
        Some(Self {
            loss: loss.mul_scalar(factor),
            factor,
        })
    }
}

/// The factor that keeps the weighted `push` within the configured multiple of the weighted reconstruction loss's gradient on the
/// logits, which is `error`, x̂ − x, over the loss's divisor. Both are measured by their norm over the whole batch.
fn limit(push: &Tensor<4>, error: Tensor<4>, config: &CavgaConfig) -> f64 {
    if config.adversary.limit == 0.0 {
        return 1.0;
    }
    let [batch, channels, height, width] = error.dims();
    let divisor = batch as f64 * config.weights.reduction.divisor([channels, height, width]);
    let norm = |tensor: Tensor<4>| f64::from(tensor.square().sum().into_scalar::<f32>()).sqrt();
    let allowed = config.adversary.limit * config.weights.reconstruction * norm(error) / divisor;
    let wanted = config.weights.adversarial * norm(push.clone());
    if !wanted.is_finite() {
        f64::NAN
    } else if wanted <= allowed {
        1.0
    } else {
        allowed / wanted
    }
}
